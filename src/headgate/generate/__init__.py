"""Makes synthetic rows from a plan. Nothing lives here yet."""
