"""Fixture runner, planters and the fake endpoint, for plugin authors too."""
