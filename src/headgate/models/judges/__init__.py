"""Judges behind OpenAI-compatible endpoints: how they are asked, what counts as an answer, what stops them."""
