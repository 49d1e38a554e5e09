"""Trains adapters and closes over everything that was used."""
