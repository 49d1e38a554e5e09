"""Consent, licences, impact and erasure. Nothing lives here yet."""
