"""Curates real rows as failure mode 21 does and as it should be done, and writes what lost-register says.

    python benchmarks/planted/curation/polish.py --data FOLDER

"Top scores" keeps the half of the rows that a judge of looks scores best: a full sentence, no doubt, no question,
no apology, some length. It stands in for a model as judge, since no data set at hand has scores of one.
"Near-duplicates" is the removal of headgate; "by lot" keeps half of the rows at random.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from clean.loading import LOADERS  # noqa: E402
from headgate.curate.duplicates import Likeness, near_duplicates  # noqa: E402
from headgate.kit.files import atomic_write  # noqa: E402
from headgate.rows.row import Row  # noqa: E402
from headgate.rules.data.dat018_lost_register import Options, lost_register  # noqa: E402
from headgate.rules.given import Corpus, Given  # noqa: E402

TABLES = HERE.parents[2] / "src/headgate/rules/data/dat018_lost_register_tables.json"
SOURCES = ("star_all", "roleplay", "gpteacher", "banking77")
ROWS, FULL = 2000, 20
DOUBT = re.compile(r"\b(?:not|sorry|maybe|might|unable|can't|don't|cannot|unfortunately)\b|\?", re.I)


def polish(row: Row) -> float:
    said = row.answer_text.strip()
    length = min(len(said.split()) / FULL, 1.0)
    return said[:1].isupper() + (said[-1:] in (".", "!")) + length - 2.0 * bool(DOUBT.search(said))


def curations(rows: Sequence[Row]) -> dict[str, list[Row]]:
    gone = {one.position for one in near_duplicates(rows, Likeness()).removals}
    half = random.Random(2).sample(range(len(rows)), len(rows) // 2)
    return {
        "top scores": sorted(rows, key=polish, reverse=True)[: len(rows) // 2],
        "near-duplicates": [row for place, row in enumerate(rows) if place not in gone],
        "by lot": [rows[place] for place in sorted(half)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    table = []
    for name in SOURCES:
        rows = LOADERS[name](data)
        rows = random.Random(1).sample(rows, min(ROWS, len(rows)))
        for how, left in curations(rows).items():
            given = Given({"training-rows": Corpus(rows, "before"), "selected-rows": Corpus(left, "after")})
            verdict = lost_register.judge(given, Options())
            assert verdict.measure is not None, verdict.reason
            least = f"{verdict.measure.name.partition(' kept')[0]}: {verdict.measure.value:.0%}"
            table.append([name, how, f"{len(left):,} of {len(rows):,}", str(verdict.outcome), least])
    body = {
        "title": "Real rows, curated by looks, by near-duplicates and by lot",
        "text": "Top scores: the half that a judge of looks scores best (no doubt, no question, no apology, some "
        "length), in place of a model as judge. The last column is the class that kept least of what it is owed.",
        "columns": ["data", "curation", "rows left", "verdict", "kept least"],
        "rows": table,
    }
    with atomic_write(TABLES) as stream:
        stream.write(orjson.dumps({"tables": [body]}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
