"""Where the scans of shards run: on this machine, or on a Ray cluster."""
