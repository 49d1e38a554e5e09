"""Labels that the rest of the data contradicts.

## What it checks
Training rows whose answers are labels (few different short answers, such as intents or grades), or the slice that
`label` names: rows to which all other rows would give another label.

## Why it matters
A label set once is never looked at again. One wrong label in twenty costs a classifier more than half of the
rows would, and an evaluation item with a wrong label fails the model that is right.

## How it is measured
Every row gets probabilities of all labels from classifiers that did not see it (words and pairs of words,
five folds, rows of one group together), and is suspected where another label is as likely as it is for rows that
really have it (confident learning). A second round learns without the rows that the first one suspects. The
measure is the share of rows suspected, with a 95 % Wilson interval, against `tolerated`; findings come the most
certain first and name the label that seems meant.

## When it cannot tell
Some of what it suspects is right: on real data between one in a hundred and one in twenty-five rows that people
labelled with care. Where the classifiers give fewer than `skill` of the rows the label that they have, they know
too little: unsure. Under `least` rows, unsure. When answers are no labels, the rule is skipped.

## What to do
Look at the findings from the top. Do not drop hard rows by a machine's word.

## References
Northcutt, Jiang and Chuang 2021, "Confident learning", JAIR 70.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.rules.given import Corpus, Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.label_errors import Suspects, suspects
from headgate.stats.verdict import Finding, Findings, Verdict
from headgate.stats.votes import Floats, Integers
from headgate.text.labelling import relearned

LONGEST = 60  # characters of an answer that may be a label
MOST = 1000  # different labels
PER_LABEL = 5  # rows of a label, on average, from which on answers are labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of wrong-labels."""

    tolerated: float = 0.05  # share of rows, 0..1, that may be suspected
    label: str = ""  # slice that holds the label; empty: the answer
    skill: float = 0.6  # share of rows, 0..1, that the classifiers must label as they are labelled
    least: int = 200  # rows from which on something can be said


@rule("JDG005", failure="annotator-qc", needs=("training-rows",), options=Options, status="stable", since="0.2")
def wrong_labels(given: Given, options: Options) -> Verdict:
    """Suspects rows to which the rest of the rows would give another label."""
    rows = given.rows("training-rows")
    names, labels = _labels(rows, options)
    if len(names) < 2:
        return wrong_labels.skipped("not given: answers that are labels (few, short, and each of several rows)")
    if len(rows) < options.least:
        return cannot_tell(
            summary="wrong labels cannot be seen",
            reason=f"{len(rows):,} rows; needs {options.least - len(rows):,} more",
        )
    told = relearned(rows.prompt, labels, len(names), _groups(rows))
    skill = float((told.argmax(axis=1) == labels).mean())
    found = suspects(told, labels)
    details = {"labels": len(names), "skill": round(skill, 4), "confused": _confused(names, labels, found)}
    if skill < options.skill:
        return cannot_tell(
            summary="wrong labels cannot be told from hard rows",
            reason=f"classifiers give {skill:.0%} of rows the label that they have; wanted {options.skill:.0%}",
            details=details,
        )
    return judge_share(
        len(found.rows),
        len(rows),
        name="labels that the other rows contradict",
        at_most=options.tolerated,
        summary=_summary(names, labels, found, len(rows)),
        findings=Findings(len(found.rows), lambda n: _finding(rows, names, labels, found, told, n), None, ["review"]),
        details=details,
    )


def _labels(rows: Corpus, options: Options) -> tuple[list[str], Integers]:
    """Names of labels and the label of each row; no names where answers are no labels."""
    nothing: tuple[list[str], Integers] = ([], np.zeros(0, dtype=np.int64))
    known: dict[str, int] = {}
    out = np.zeros(len(rows), dtype=np.int64)
    for place, row in enumerate(rows):
        name = row.side.slices.get(options.label, "") if options.label else row.answer_text.strip()
        if not name or len(name) > LONGEST:
            return nothing
        out[place] = known.setdefault(name, len(known))
        if len(known) > MOST or (place > 500 and len(known) * PER_LABEL > place * 2):
            return nothing
    return (list(known), out) if len(known) * PER_LABEL <= len(rows) else nothing


def _groups(rows: Corpus) -> Integers:
    """Rows of one group, conversation or prompt have one number."""
    known: dict[str, int] = {}
    keys = (row.side.group or row.side.conversation or row.prompt_text.lower() for row in rows)
    return np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)


def _confused(names: list[str], labels: Integers, found: Suspects) -> list[dict[str, Any]]:
    pairs = Counter(zip(labels[found.rows].tolist(), found.meant.tolist(), strict=True))
    return [{"label": names[a], "meant": names[b], "rows": count} for (a, b), count in pairs.most_common(10)]


def _summary(names: list[str], labels: Integers, found: Suspects, of: int) -> str:
    if not len(found.rows):
        return f"no label of {of:,} rows is contradicted by the others"
    first = f"{names[labels[found.rows[0]]]!r} where {names[found.meant[0]]!r} seems meant"
    return f"{len(found.rows):,} of {of:,} labels are contradicted by the other rows, such as {first}"


def _finding(rows: Corpus, names: list[str], labels: Integers, found: Suspects, told: Floats, number: int) -> Finding:
    place, meant = int(found.rows[number]), int(found.meant[number])
    row, given = rows[place], int(labels[place])
    shares = f"{told[place, meant]:.0%} against {told[place, given]:.0%}"
    message = f"labelled {names[given]!r}; the other rows say {names[meant]!r} ({shares})"
    return Finding(message=message, place=row.place, row=row.id, remedy="review")
