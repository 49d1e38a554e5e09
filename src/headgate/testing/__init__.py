"""Tools for testing rules, ours and those of plugins: literate suites, planters, the fake endpoint."""
