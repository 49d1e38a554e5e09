"""What the ledger needs heavy libraries for."""
