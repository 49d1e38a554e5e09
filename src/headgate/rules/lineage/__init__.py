"""Rules about where rows come from and on what terms."""
