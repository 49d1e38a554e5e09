"""Intervals, paired tests, power, resampling; makes the verdict."""
