"""Runs rules over files and dataset versions and reports."""
