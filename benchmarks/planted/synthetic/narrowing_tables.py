"""Follows loops of generations round by round, and writes the tables that narrowing-series shows on its page.

python benchmarks/planted/synthetic/narrowing_tables.py --data FOLDER
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2]), str(HERE.parent)]

import syn006_narrowing_series as loops  # noqa: E402 - found through the line above

from clean.loading import LOADERS  # noqa: E402
from headgate.kit.files import atomic_write  # noqa: E402
from headgate.rows.row import Row  # noqa: E402
from headgate.rules import synthetic  # noqa: E402
from headgate.rules.given import Corpus, Given  # noqa: E402
from headgate.rules.synthetic.syn002_narrowed_answers import narrowed_answers  # noqa: E402
from headgate.rules.synthetic.syn006_narrowing_series import narrowing_series  # noqa: E402
from headgate.rules.variety_series import Variety, model_of  # noqa: E402
from headgate.stats.intervals import wilson  # noqa: E402
from headgate.stats.verdict import Outcome, Verdict  # noqa: E402

TARGET = Path(str(synthetic.__file__)).parent / "syn006_narrowing_series_tables.json"
ROUNDS, SERIES, NULLS, PAIRS = 4, 6, 60, 20
SLOW = 1.0  # power to which a slow loop raises counts: plain resampling
STEP = 0.05  # of a single step

ARMS: dict[str, Any] = {
    "replace": lambda rows, drawn: loops.replaced(rows[: len(rows) // loops.VERSIONS], ROUNDS, drawn),
    "accumulate": loops.HONEST["accumulate"],
    "fresh rows of people": loops.HONEST["fresh"],
    "unrelated teacher": lambda rows, drawn: loops.taught(rows, ROUNDS, drawn),
}


def followed(versions: Sequence[Sequence[Row]]) -> list[Verdict]:
    """What the rule says after each round."""
    found: list[Variety] = []
    for number, rows in enumerate(versions, start=1):
        found.append(Variety.of(Corpus(rows, f"v{number}"), f"v{number}", model_of(found)))
    out = []
    for count in range(2, len(found) + 1):
        inputs = {"earlier-versions": found[: count - 1], "this-version": found[count - 1]}
        out.append(narrowing_series.judge(Given({"training-rows": Corpus(versions[count - 1]), **inputs})))
    return out


def against(rows: Sequence[Row], anchor: Sequence[Row]) -> Outcome:
    """What narrowed-answers says of rows against an anchor."""
    given = {"training-rows": Corpus(rows, "rows"), "reference-rows": Corpus(anchor, "anchor")}
    return narrowed_answers.judge(Given(given)).outcome


def drawn_rows(rows: Sequence[Row], size: int, seed: int) -> list[Row]:
    return random.Random(f"{size}/{seed}").sample(list(rows), size)


def by_round(data: Path) -> dict[str, Any]:
    lines = []
    for source in ("star", "star_all"):
        rows = LOADERS[source](data)
        for arm, make in ARMS.items():
            alarms = [0] * ROUNDS
            for seed in range(SERIES):
                for place, verdict in enumerate(followed(make(drawn_rows(rows, 5000, seed), random.Random(seed)))):
                    alarms[place] += verdict.outcome is Outcome.FAIL
            lines.append([source, arm, *(f"{each} of {SERIES}" for each in alarms)])
            print(lines[-1], file=sys.stderr)
    return {
        "title": "Loops, round by round",
        "text": "Series of versions with 1,000 answers of real customer dialogues in the first; later ones are written "
        "by a model of word triples that is fitted on the version before. Cells: series on which the rule fails.",
        "columns": ["data", "arm", *(f"round {n}" for n in range(1, ROUNDS + 1))],
        "rows": lines,
    }


def slow(data: Path) -> dict[str, Any]:
    lines = []
    for source in ("star", "star_all"):
        rows = LOADERS[source](data)
        quiet = steps = parents = fired = both = 0
        for seed in range(SERIES):
            first = drawn_rows(rows, 500, seed)
            versions = loops.replaced(first, ROUNDS, random.Random(seed), SLOW)
            verdicts = followed(versions)
            single = [step["p"] < STEP for step in verdicts[-1].details["steps"]]
            alarm = any(verdict.outcome is Outcome.FAIL for verdict in verdicts)
            pairs = zip(versions[1:], versions, strict=False)
            steps += sum(single)
            parents += sum(against(now, before) is Outcome.FAIL for now, before in pairs)
            quiet += not any(single)
            fired += alarm
            both += alarm and not any(single)
        of = SERIES * ROUNDS
        cells = [f"{steps} of {of}", f"{parents} of {of}", f"{fired} of {SERIES}", f"{both} of {quiet}"]
        lines.append([source, *cells])
        print(lines[-1], file=sys.stderr)
    return {
        "title": "A slow loop of 500 answers a version",
        "text": "Plain resampling, each version in place of the one before, four rounds. A step is significant when "
        "the smallest of the eight p-values (Holm) against its parent is below 5 %; narrowed-answers is asked too.",
        "columns": ["data", "significant steps", "narrowed-answers fails on steps", "series that alarm by round 4",
                    "of series without a significant step"],
        "rows": lines,
    }  # fmt: skip


def halves(data: Path) -> dict[str, Any]:
    lines = []
    for source in ("star", "star_all"):
        rows = LOADERS[source](data)
        alarms = pairs = 0
        for seed in range(NULLS):
            anchor = drawn_rows(rows, 1000, seed)
            drawn = random.Random(seed)
            alarms += followed([anchor, *(drawn.sample(anchor, 500) for _ in range(3))])[-1].outcome is Outcome.FAIL
            if seed < PAIRS:
                drawn.shuffle(anchor)
                pairs += against(anchor[:500], anchor[500:]) is Outcome.FAIL
        cells = []
        for hits, of in ((alarms, NULLS), (pairs, PAIRS)):
            span = wilson(hits, of)
            cells.append(f"{hits} of {of} ({span.low:.1%} to {span.high:.1%})")
        lines.append([source, *cells])
        print(lines[-1], file=sys.stderr)
    return {
        "title": "The anchor against random halves of itself",
        "text": "1,000 real answers as the first version and three random halves of them as later ones; beside it one "
        "half against the other by narrowed-answers. Cells: draws that fail, with the 95 % Wilson interval.",
        "columns": ["data", "narrowing-series", "narrowed-answers"],
        "rows": lines,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development data")
    data = parser.parse_args().data
    tables = [by_round(data), slow(data), halves(data)]
    with atomic_write(TARGET) as stream:
        stream.write(orjson.dumps({"tables": tables}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
