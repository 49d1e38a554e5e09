"""Evidence for others: what the ledger knows of a dataset, adapter or release, in the formats of other houses."""
