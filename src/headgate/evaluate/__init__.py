"""Runs suites on any model and compares on the same items."""
