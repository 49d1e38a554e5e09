"""Errors, doors, clock, hashing, files, progress: what every room may use."""
