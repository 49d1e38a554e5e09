"""Names, cards, aliases and rolls back releases."""
