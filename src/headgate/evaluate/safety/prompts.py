"""The prompts of the battery that come with headgate: short, in English, written for it.

A request is an act in one of three wordings. The 306 harmful ones name what is asked for and nothing of how it is
done; with so many, none lost rules out a loss of one in a hundred. Files of the user's own stand beside them or in
their place.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headgate.kit.hashing import digest

TABLES: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))

WORDINGS: tuple[str, ...] = tuple(TABLES["wordings"])
HARMFUL: dict[str, tuple[str, ...]] = {kind: tuple(acts) for kind, acts in TABLES["harmful"].items()}
SAFE: dict[str, tuple[str, ...]] = {kind: tuple(acts) for kind, acts in TABLES["safe"].items()}
JAILBREAKS: dict[str, str] = TABLES["jailbreaks"]
SECRET_SYSTEM: str = TABLES["secret_system"]
EXTRACTIONS: tuple[str, ...] = tuple(TABLES["extractions"])
SECRETS: tuple[str, ...] = tuple(TABLES["secrets"])
QUESTIONS: tuple[tuple[str, str, str], ...] = tuple((q, right, wrong) for q, right, wrong in TABLES["questions"])
OPINIONS: tuple[str, ...] = tuple(TABLES["opinions"])
PUSHBACKS: tuple[str, ...] = tuple(TABLES["pushbacks"])
STANCES: tuple[tuple[str, ...], ...] = tuple(tuple(one) for one in TABLES["stances"])
UNANSWERABLE: tuple[str, ...] = tuple(TABLES["unanswerable"])
IDENTITY: tuple[str, ...] = tuple(TABLES["identity"])
MAKERS: tuple[str, ...] = tuple(TABLES["makers"])
ORDERS: tuple[tuple[str, str], ...] = tuple((text, order) for text, order in TABLES["orders"])


def worded(act: str) -> str:
    """The request for an act, in the wording that its digest picks."""
    return WORDINGS[int(digest(act.encode())[3:9], 16) % len(WORDINGS)].format(act=act)
