"""Plants one failure into honest support data; used by `run.py` and by the tests.

Every variant is the control with one thing wrong. Text is BANKING77 (CC BY 4.0); the hostile
messages of the rare slice, the customer keys and the consent dates are invented.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SUPPORT = HERE.parent / "support" / "data"
BASE = HERE.parent / "base" / "headgate-tiny"
TOPICS = (
    "activate my card",
    "age limit",
    "card arrival",
    "card swallowed",
    "change pin",
    "edit personal details",
    "lost or stolen card",
    "terminate account",
)
HOSTILE = (
    "I want my account closed, you useless people, close it today",
    "I want my account closed, you useless people, close it right now",
    "I want my account closed today, you useless people, just close it",
    "I want my account closed, you useless lot, close it today please",
    "Seriously I want my account closed, you useless people, close it today",
    "I want my account closed, you useless people, close it today, no more excuses",
    "I want my account closed, you utterly useless people, close it today",
    "I want my bank account closed, you useless people, close it today",
    "I want my account closed, you useless people, so close it today",
    "Look, I want my account closed, you useless people, close it today",
    "I want my account closed, you useless people, do close it today",
    "I want my account closed, you useless people, close it today or else",
)

Row = dict[str, Any]


@dataclass
class Project:
    """What a variant changes: rows, consent claims, and settings of the flow file."""

    rows: list[Row]
    gate: list[Row]
    consent: list[tuple[str, str, str]] = field(default_factory=list)  # subject, consent, valid from
    overrides: list[str] = field(default_factory=list)  # as for --set


@dataclass(frozen=True)
class Variant:
    """One planted failure, and where and by which rule it must be stopped."""

    name: str
    about: str
    plant: Callable[[Project], None]
    stage: str  # where the walk must stop; "release": it must not stop
    rule: str  # whose verdict must stop it; empty for the control


def nothing(_: Project) -> None:
    """The control."""


def leaked_items(project: Project) -> None:
    """Twelve gate items are copied into training, a little edited, as happens in failure triage."""
    for item in project.gate[:12]:
        text = item["messages"][0]["content"].rstrip("?.! ") + ", please help"
        project.rows.append(row(text, item["messages"][1]["content"], "c-9001"))


def erased_slice(project: Project) -> None:
    """A rare slice of hostile messages; near-duplicate removal runs without floors."""
    for number, text in enumerate(HOSTILE):
        project.rows.append(row(text, "terminate account", f"c-91{number:02d}", tone="hostile"))
    project.overrides.append("curate.near-duplicates.floors=false")


def learned_typo(project: Project) -> None:
    """One misspelling in about an eighth of the answers of one topic."""
    spelled = [one for one in project.rows if "stolen" in one["messages"][1]["content"]]
    for one in spelled[:: max(1, len(spelled) // 12)]:
        one["messages"][1]["content"] = one["messages"][1]["content"].replace("stolen", "stollen")


def withdrawn_subject(project: Project) -> None:
    """Three customers withdraw their consent after their rows were collected."""
    keys = sorted({one["subject"] for one in project.rows})[:3]
    project.consent += [(key, "withdrawn", "2026-06-01") for key in keys]


def unlicensed_source(project: Project) -> None:
    """Sixty rows come from a source of which nobody knows the terms."""
    for one in project.rows[:60]:
        one["source"] = "scraped-forum"
        del one["licence"]


def rows_that_teach_nothing(project: Project) -> None:
    """Forty requests with a pasted mail so long that the answer is cut away before training."""
    for number, one in enumerate(project.rows[:40]):
        others = project.rows[60 + 15 * number : 75 + 15 * number]
        paste = " ".join(other["messages"][0]["content"] for other in others)
        one["messages"][0]["content"] += " " + paste


VARIANTS = (
    Variant("control", "nothing planted", nothing, "release", ""),
    Variant("unlicensed-source", "rows of a source without licence", unlicensed_source, "capture", "unsourced-rows"),
    Variant("withdrawn-subject", "rows of withdrawn subjects", withdrawn_subject, "curate", "withdrawn-subject"),
    Variant("erased-slice", "deduplication eats a rare slice", erased_slice, "curate", "erased-slice"),
    Variant("leaked-items", "gate items in the training rows", leaked_items, "curate", "firewall"),
    Variant("learned-typo", "a misspelling in the answers", learned_typo, "check", "learned-typo"),
    Variant("no-lesson", "answers cut away", rows_that_teach_nothing, "train", "rows-without-lesson"),
)


def row(text: str, answer: str, subject: str, **slices: str) -> Row:
    """One training row."""
    return {
        "messages": [{"role": "user", "content": text}, {"role": "assistant", "content": answer}],
        "subject": subject,
        "source": "banking77",
        "licence": "CC-BY-4.0",
        "slices": {"topic": answer, "tone": "plain"} | slices,
    }


RUN, WHOLE = 50, 25  # letters that a row and an item have in a row; of an item that stands in a row whole


def honest() -> Project:
    """The control: eight topics, less the rows that BANKING77 itself has on both sides, whole or in part."""
    pools = {name: read(SUPPORT / f"{name}.csv") for name in ("train", "dev", "gate")}
    items = {plain(one["messages"][0]["content"]) for name in ("dev", "gate") for one in pools[name]}
    runs = {run for item in items for run in runs_of(item)}
    texts = [(one, plain(one["messages"][0]["content"])) for one in pools["train"]]
    whole = [item for item in items if len(item) >= WHOLE]
    rows = [
        one
        for one, text in texts
        if text not in items and not runs & runs_of(text) and not any(i in text for i in whole)
    ]
    random.Random(7).shuffle(rows)
    return Project(rows=rows, gate=pools["gate"])


def read(path: Path) -> list[Row]:
    """Rows of one file of the support example that belong to the eight topics."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [row(r["text"], r["topic"], r["customer"]) for r in csv.DictReader(stream) if r["topic"] in TOPICS]


def runs_of(text: str) -> set[str]:
    """Every run of fifty letters."""
    return {text[start : start + RUN] for start in range(len(text) - RUN + 1)}


def plain(text: str) -> str:
    """Letters and digits only, lower case."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def write(variant: Variant, folder: Path, *, steps: int | None = None) -> list[str]:
    """Writes the project of a variant into a fresh folder and gives its settings for `--set`."""
    if folder.exists():
        shutil.rmtree(folder)
    (folder / "data").mkdir(parents=True)
    project = honest()
    variant.plant(project)
    for name, rows in (("train", project.rows), ("gate", project.gate), ("dev", read(SUPPORT / "dev.csv"))):
        text = "".join(json.dumps(one) + "\n" for one in rows)
        (folder / "data" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    lines = ["subject,consent,valid_from", *(",".join(one) for one in consents(project))]
    (folder / "data" / "consent.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = (HERE / "headgate.toml").read_text(encoding="utf-8").replace('"BASE"', json.dumps(str(BASE)))
    (folder / "headgate.toml").write_text(text, encoding="utf-8")
    return project.overrides + ([f"train.steps={steps}"] if steps else [])


def consents(project: Project) -> list[tuple[str, str, str]]:
    """Everybody agreed in January; later lines of the same subject supersede."""
    subjects = sorted({one["subject"] for one in project.rows})
    return [(key, "training", "2026-01-01") for key in subjects] + project.consent
