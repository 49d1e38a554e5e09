"""Questions to answer before training. Nothing lives here yet."""
