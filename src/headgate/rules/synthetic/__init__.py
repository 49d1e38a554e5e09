"""Rules on rows that a model wrote."""
