"""Prompts of the safety, shadow and forgetting batteries are items too: no training row may repeat them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from headgate.evaluate.forgetting.battery import skills_of
from headgate.evaluate.safety.cases import cases_of
from headgate.evaluate.settings import Settings
from headgate.evaluate.shadow.variants import variants_of
from headgate.evaluate.suites import Suite
from headgate.kit.hashing import digest_json
from headgate.ledger.ledger import Ledger
from headgate.rules.firewall import Protected, protect

ORIGIN, POOL = "battery:", "gate"


def protect_batteries(ledger: Ledger, settings: Settings, suites: Sequence[Suite], folder: Path) -> None:
    """Protects what the batteries of the section ask; what is protected already is left as it is.

    Raises:
        Refused: a file cannot be read, or an axis has nothing to ask.
    """
    for axis in settings.safety.asked:
        protect(ledger, f"{ORIGIN}safety/{axis}", _safety(settings, axis, folder), pool=POOL)
    for skill in skills_of(settings.forgetting, folder):
        asked = [_protected(item.question, item.target) for item in skill.pools[POOL]]
        protect(ledger, f"{ORIGIN}forgetting/{skill.name}", asked, pool=POOL)
    for suite in suites:
        if suite.name in settings.shadow.suites:
            found = variants_of(suite.pools[POOL], settings.shadow, folder)
            reworded = [item for some in found.changed.values() for _, item in some]
            asked = [_protected(_last(item.messages), item.target) for item in reworded]
            protect(ledger, f"{ORIGIN}shadow/{suite.name}", asked, pool=POOL)


def _safety(settings: Settings, axis: str, folder: Path) -> Iterator[Protected]:
    for case in cases_of(axis, settings.safety, folder):
        for prompt in case.prompts:
            yield _protected(_last(prompt), str(case.facts.get("answer", "")))


def _last(turns: Sequence[object]) -> str:
    said = [turn["content"] for turn in turns if isinstance(turn, dict) and turn["role"] == "user"]
    return str(said[-1]) if said else ""


def _protected(question: str, answer: str) -> Protected:
    # A prompt has no row; its words are its address, so that axes that ask the same protect it once.
    address = digest_json(["battery prompt", question])
    return Protected(content=address, row=address, question=question, answer=answer)
