"""Brings rows, sources and their claims into the ledger."""
