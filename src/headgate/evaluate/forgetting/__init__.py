"""Forgetting: general skills of the base that tuning may have taken away, and style apart from substance."""
