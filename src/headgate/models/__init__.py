"""A model that can be sampled or scored, wherever it runs."""
