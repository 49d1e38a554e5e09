"""Rules about the rows themselves."""
