"""Adapters in use. Nothing lives here yet."""
