"""The same verdicts for people, for scripts, for code review and for a browser."""
