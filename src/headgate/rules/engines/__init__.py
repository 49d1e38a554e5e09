"""Engines of rules: modules that import what an extra installs."""
