"""Selects, redacts, splits, deduplicates and freezes dataset versions."""
