"""Pages over the ledger. Nothing lives here yet."""
