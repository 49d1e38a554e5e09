"""Migration: an adapter's skill on another base, and proof that it is the same skill."""
