"""Engines of the room text."""
