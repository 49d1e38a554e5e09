"""Reads, validates, plans and runs the flow file."""
