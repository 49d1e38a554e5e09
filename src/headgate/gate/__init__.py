"""Decides from recorded evidence; takes waivers."""
