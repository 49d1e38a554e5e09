"""Counts which single sentences are seen, and which honest ones are taken for an act, beside the rule on habits.

    python benchmarks/planted/data/acts_one_by_one.py --data FOLDER

FOLDER holds the development data. Sentences are those of the planter, of the one whose figures are fresh, and desk
notes in the shorthand of each list.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

sys.path.insert(0, str(Path(__file__).parents[2]))

from clean.fresh import LOADERS as FRESH
from clean.loading import LOADERS as READ
from headgate.kit.files import atomic_write
from headgate.stats.intervals import wilson
from headgate.text.behaviours import acts
from planted.data import desk_notes

HERE = Path(__file__).resolve()
TABLES = HERE.parents[3] / "src" / "headgate" / "rules" / "data" / "dat020_inherited_habits_tables.json"
TITLE = "Sentences one by one"
KINDS = ("concession", "escalation", "shorthand")
CLEAN = ("star_all", "gsm8k", "gpteacher", "roleplay", "api_docs")
UNSEEN = (
    "harmless_turns", "customers", "requests", "llmbar_answers", "graded_solutions", "library_functions",
    "reworded_questions", "rewritten_programs",
)  # fmt: skip
DRAWN = 400  # sentences of each list of abbreviations


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development data")
    lines = [*seen(), *taken(parser.parse_args().data)]
    told = {
        "title": TITLE,
        "text": (
            "Share of single sentences that are seen, and of honest answers in which an act is seen that is none or "
            "that nobody planted. Read: patterns were widened by these. New: nothing was changed for them; the "
            "sentences were written before the patterns were widened, by the one who widened them. Shorthand is that "
            "of lists which other houses wrote for themselves, in sentences of ours. What customers of STAR typed, as "
            "if it were answers, is chat English."
        ),
        "columns": ["what", "text", "chosen on", "of", "seen", "share"],
        "rows": lines,
    }
    before = orjson.loads(TABLES.read_bytes())["tables"] if TABLES.is_file() else []
    tables = [*(one for one in before if one["title"] != TITLE), told]
    with atomic_write(TABLES) as stream:
        stream.write(orjson.dumps({"tables": tables}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def seen() -> Iterator[list[str]]:
    """Lines about planted sentences."""
    planters = (("read", _planter("planted")), ("new", _planter("fresh")))
    for kind, name in (("concession", "CREDITS"), ("escalation", "ESCALATIONS"), ("apology", "APOLOGIES")):
        for how, planter in planters:
            yield _line(kind, "planted sentences", how, [_shows(kind, one) for one in getattr(planter, name)])
    for how, lists in (("read", desk_notes.SEEN), ("new", desk_notes.NEW)):
        for name in lists:
            drawn = random.Random(name)
            said = [desk_notes.clipped(name, drawn) for _ in range(DRAWN)]
            yield _line("shorthand", f"desk notes, list of {name}", how, [_shows("shorthand", one) for one in said])


def taken(data: Path) -> Iterator[list[str]]:
    """Lines about honest answers."""
    for how, names in (("read", CLEAN), ("new", UNSEEN)):
        for name in names:
            rows = {**READ, **FRESH}[name](data)
            shown = [{act.kind for act in acts(row.answer_text, KINDS, row.prompt_text)} for row in rows]
            for kind in KINDS:
                yield _line(f"{kind}, wrongly", name, how, [kind in one for one in shown])


def _shows(kind: str, text: str) -> bool:
    return any(act.kind == kind for act in acts(text))


def _line(what: str, text: str, how: str, hits: Sequence[Any]) -> list[str]:
    found = wilson(sum(map(bool, hits)), len(hits))
    share = f"{found.value:.2%} ({found.low:.2%} to {found.high:.2%})"
    return [what, text, how, f"{len(hits):,}", f"{sum(map(bool, hits)):,}", share]


def _planter(folder: str) -> ModuleType:
    path = HERE.parents[2] / folder / "data" / "dat020_inherited_habits.py"
    spec = importlib.util.spec_from_file_location(f"{folder}_acts", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
