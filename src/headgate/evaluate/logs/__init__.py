"""Logs of other evaluation tools, read as evidence and written for their users."""
