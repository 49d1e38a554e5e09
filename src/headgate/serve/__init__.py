"""Serving: many adapters on one base behind the OpenAI surface."""
