"""Composition: several adapters as one, and what is left of each skill."""
