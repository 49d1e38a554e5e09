"""Engines of the fleet desk: what needs heavy libraries."""
