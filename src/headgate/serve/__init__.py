"""Serves released adapters. Nothing lives here yet."""
