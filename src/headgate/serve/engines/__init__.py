"""Engines of serving: what needs heavy libraries or a web server."""
