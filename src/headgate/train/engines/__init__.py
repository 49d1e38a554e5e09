"""Modules that import heavy libraries; opened by name through `kit/doors.py`."""
