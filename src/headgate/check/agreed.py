"""One label an item out of those of several annotators, by the vote that may be believed.

Dawid-Skene holds annotators for independent, so it is taken only where shared-errors passes; elsewhere votes weigh
what gold items say of each annotator. Without gold items nothing is written: annotators who agree need not be right.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from headgate.check.auditing import Audit
from headgate.check.labelled import are_labels
from headgate.kit.errors import Refused
from headgate.kit.files import write_text
from headgate.rows.labels import Labels
from headgate.rules.given import Given
from headgate.rules.running import run_rules
from headgate.rules.selection import find
from headgate.stats.consensus import Consensus, accuracy_left_out, anchored_vote, dawid_skene
from headgate.stats.intervals import Interval, wilson
from headgate.stats.verdict import Outcome, Verdict

RULE = "shared-errors"
FIELDS = ("item", "label", "confidence", "votes", "for_it", "by")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What was written."""

    target: Path
    items: int  # with a label
    open: int  # items without, since everybody abstained
    gold: int  # items that keep their gold label
    by: str  # how the others were decided
    because: str
    right: Interval  # share of gold items that the anchored vote labels right when each is left out in turn
    tried: int  # gold items which that rests on

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        told = {"value": self.right.value, "low": self.right.low, "high": self.right.high, "n": self.tried}
        return {
            "target": str(self.target),
            "items": self.items,
            "open": self.open,
            "gold": self.gold,
            "by": self.by,
            "because": self.because,
            "anchored_vote_right": told,
        }

    def lines(self) -> list[str]:
        """For a person."""
        rest = f", {self.open:,} without a label" if self.open else ""
        out = [f"wrote {self.target}: {self.items:,} items, {self.gold:,} of them gold, the others by {self.by}{rest}"]
        right = f"{self.right.value:.1%} ({self.right.low:.1%} to {self.right.high:.1%})"
        return [
            *out,
            f"      {self.because}; the anchored vote is right on {right} of {self.tried:,} gold items left out",
        ]


def must_be_labels(
    paths: Sequence[Path], format: str | None, columns: Mapping[str, str] | None, *, target: Path | None
) -> None:
    """Where a consensus is asked for, refuses rows before they are checked for nothing.

    Raises:
        Refused: a file is none of labels, or cannot be read.
    """
    if target is not None and not are_labels(paths, format, columns):
        wanted = "a file with item, annotator and label"
        found = "no item, annotator and label in its first record"
        raise Refused("a consensus is of labels", file=str(paths[0]), found=found, wanted=wanted)


def write_agreed(audit: Audit, target: Path) -> Agreed:
    """Writes one record an item: CSV where the name ends so, JSON lines otherwise.

    `confidence` is the method's own account, and more than the truth where annotators err together.

    Raises:
        Refused: a line cannot be read, no item has a gold label, or the target is one of the files.
    """
    labels = audit.labels
    assert labels is not None, "must_be_labels"
    if any(Path(one.path).resolve() == target.resolve() for one in audit.files):
        raise Refused("the consensus would replace the labels", file=str(target), wanted="another name")
    if bad := audit.bad_lines:
        raise Refused(  # a label that is not counted could be the one that decides
            "no consensus of labels that cannot all be read",
            file=bad[0].file,
            line=bad[0].line,
            found=f"{bad[0].what}; {len(bad):,} such lines",
            wanted=bad[0].wanted or "item, annotator and label",
            next_step="mend the lines, or leave them out yourself",
        )
    if not (labels.gold >= 0).any():
        raise Refused(
            "a consensus without gold items is agreement, and annotators may agree on what is wrong",
            found="no item with a gold label",
            wanted="some items that somebody answers for; 20 tell whether errors are shared",
            next_step="--reference GOLD (item, label), or an annotator called gold",
        )
    consensus, by, because = _vote(labels, _verdict(audit, labels))
    records = _records(labels, consensus, by)
    write_text(target, _csv(records) if target.suffix.lower() == ".csv" else _lines(records))
    hits, tried = accuracy_left_out(labels.votes, labels.gold)
    known = sum(1 for one in records if one["label"] is not None)
    return Agreed(
        target=target,
        items=known,
        open=len(records) - known,
        gold=int((labels.gold >= 0).sum()),
        by=by,
        because=because,
        right=wilson(hits, tried),
        tried=tried,
    )


def _verdict(audit: Audit, labels: Labels) -> Verdict:
    """What shared-errors says; it is asked where it was not selected."""
    said = next((one for one in audit.verdicts if one.rule == RULE), None)
    return said or run_rules([find(RULE)], Given({"labels": labels}))[0]


def _vote(labels: Labels, verdict: Verdict) -> tuple[Consensus, str, str]:
    if verdict.outcome is Outcome.PASS:
        return dawid_skene(labels.votes, labels.gold), "Dawid-Skene", f"{RULE} passes: annotators err apart"
    why = "they err together" if verdict.outcome is Outcome.FAIL else "that they err apart is not shown"
    return anchored_vote(labels.votes, labels.gold), "the anchored vote", f"{RULE} does not pass: {why}"


def _records(labels: Labels, consensus: Consensus, by: str) -> list[dict[str, Any]]:
    counts = labels.votes.per_item()
    out = list[dict[str, Any]]()
    for item, name in enumerate(labels.items):
        gold = int(labels.gold[item])
        label = gold if gold >= 0 else int(consensus.labels[item])
        if label < 0:
            out.append(dict(zip(FIELDS, (name, None, None, 0, 0, ""), strict=True)))
            continue
        sure = 1.0 if gold >= 0 else round(float(consensus.confidence[item]), 4)
        votes = int(counts[item].sum())
        out.append(
            {
                "item": name,
                "label": labels.labels[label],
                "confidence": sure,
                "votes": votes,
                "for_it": int(counts[item, label]),
                "by": "gold" if gold >= 0 else by.removeprefix("the "),
            }
        )
    return out


def _lines(records: list[dict[str, Any]]) -> str:
    return "".join(orjson.dumps(one).decode() + "\n" for one in records)


def _csv(records: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()
