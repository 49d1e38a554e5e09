"""Engines that import the libraries of the extra `evidence`."""
