"""headgate decides what reaches a fine-tune, remembers it, and says no with a number.

`headgate.check(...)` audits files; `headgate.open(".")` opens a project. Both load on first use,
so that importing the package stays fast and loads no heavy library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from headgate.check.auditing import Audit
    from headgate.check.auditing import audit as check
    from headgate.flow.project import Project
    from headgate.flow.project import open_project as open
    from headgate.kit.errors import Broken, HeadgateError, Refused, Unavailable
    from headgate.rows.row import Kind, Message, Row, Side
    from headgate.stats.verdict import Finding, Level, Measure, Outcome, Verdict

_WHERE = {
    "Audit": ("headgate.check.auditing", "Audit"),
    "check": ("headgate.check", ""),  # the room, which can be called
    "Project": ("headgate.flow.project", "Project"),
    "open": ("headgate.flow.project", "open_project"),
    "Broken": ("headgate.kit.errors", "Broken"),
    "HeadgateError": ("headgate.kit.errors", "HeadgateError"),
    "Refused": ("headgate.kit.errors", "Refused"),
    "Unavailable": ("headgate.kit.errors", "Unavailable"),
    "Kind": ("headgate.rows.row", "Kind"),
    "Message": ("headgate.rows.row", "Message"),
    "Row": ("headgate.rows.row", "Row"),
    "Side": ("headgate.rows.row", "Side"),
    "Finding": ("headgate.stats.verdict", "Finding"),
    "Level": ("headgate.stats.verdict", "Level"),
    "Measure": ("headgate.stats.verdict", "Measure"),
    "Outcome": ("headgate.stats.verdict", "Outcome"),
    "Verdict": ("headgate.stats.verdict", "Verdict"),
}

__all__ = [
    "Audit",
    "Broken",
    "Finding",
    "HeadgateError",
    "Kind",
    "Level",
    "Measure",
    "Message",
    "Outcome",
    "Project",
    "Refused",
    "Row",
    "Side",
    "Unavailable",
    "Verdict",
    "__version__",
    "check",
    "open",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'headgate' has no attribute {name!r}")
    import importlib

    module, attribute = _WHERE[name]
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    return sorted(__all__)
