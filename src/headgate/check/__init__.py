"""Runs rules over files and dataset versions and reports.

The room itself can be called: `headgate.check("train.jsonl")` is `headgate.check.auditing.audit`. Python binds a
room to its name in the package as soon as anything in it is imported, so a function of the same name would last
only until then.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headgate.check.auditing import Audit


class _Room(ModuleType):
    def __call__(self, *paths: Any, **options: Any) -> Audit:
        from headgate.check.auditing import audit

        return audit(*paths, **options)


sys.modules[__name__].__class__ = _Room
