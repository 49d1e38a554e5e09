"""Licences as people wrote them, against an audit: what is read, and whether anything barred is read as allowed.

    python benchmarks/rights/audited_licences.py --data FOLDER

FOLDER holds the development data; `dataset_licences` in it are 2,312 records of data sets whose licences were looked
up by hand, the classes that the auditors gave to each licence, and corrections from the history of the audit.
Writes the tables on the page of `conflicting-terms`.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from headgate.kit.files import write_text
from headgate.rules.licence_expressions import NOASSERTION, understood
from headgate.rules.licence_mixtures import Mixture, mixture, part_of_source
from headgate.rules.licence_terms import CONDITIONAL, NO, YES, Says
from headgate.rules.selection import find

USES = {"All": "allowed", "NC": "barred", "Acad": "barred"}  # classes of the auditors; any other is not known
READ = {YES: "allowed", NO: "barred", CONDITIONAL: "on condition"}
UNKNOWN = "unknown"
STRICTEST = ("barred", UNKNOWN, "allowed")


def told(classes: dict[str, Sequence[str]], licence: str) -> str:
    """What the auditors say of commercial use."""
    return USES.get(classes.get(licence, ("",))[0], UNKNOWN)


def read(licence: str) -> str:
    """What we read of commercial use."""
    says: Says = understood(licence).best.commercial
    return READ.get(says, UNKNOWN)


def mixed(licences: Iterable[str]) -> Mixture:
    """The mixture of every licence of a data set, for a commercial use."""
    return mixture([part_of_source(None, licence, licence, 1) for licence in licences], "commercial")


def licences_of(record: dict[str, Any]) -> list[str]:
    """The licences of a data set, as the audit spells them."""
    return [one["license"] for one in record["licenses"]]


def by_mention(records: Sequence[dict[str, Any]], classes: dict[str, Sequence[str]]) -> dict[str, Any]:
    """The first table: each licence of each data set by itself."""
    counts = Counter((told(classes, one), read(one)) for record in records for one in licences_of(record))
    return table(
        "Licences of 2,312 audited data sets: is commercial use allowed?",
        "Mentions by what the auditors say (rows) and what is read here (columns). Nothing that they say is barred is "
        "read as allowed. Names without terms of their own (OpenAI, Custom) and those that may mean several licences "
        "(GNU General Public License v3.0) stay unknown.",
        counts,
        ("allowed", "barred", UNKNOWN),
    )


def by_record(records: Sequence[dict[str, Any]], classes: dict[str, Sequence[str]]) -> dict[str, Any]:
    """The second table: each data set as the mixture of its licences."""
    counts: Counter[tuple[str, str]] = Counter()
    for record in records:
        licences = licences_of(record)
        strict = min((told(classes, one) for one in licences), key=STRICTEST.index, default=UNKNOWN)
        found = mixed(licences)
        verdict = "fail" if found.conflicts else "unsure" if found.doubts or not licences else "pass"
        counts[strict, verdict] += 1
    return table(
        "The same data sets, each as the mixture of its licences, for a commercial use",
        "Data sets by the strictest class of the auditors (rows) and the verdict (columns). None of which they bar a "
        "part passes; none that they allow as a whole fails.",
        counts,
        ("pass", "fail", "unsure"),
    )


def by_change(changes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The third table: corrections, and the same licences in other spellings."""
    counts: Counter[str] = Counter()
    for change in changes:
        before, after = (meant(change[name]) for name in ("old", "new"))
        barred = [NO in {part.choices[0].commercial for part in mixed(change[name]).parts} for name in ("old", "new")]
        counts["corrections"] += 1
        counts["told as a change of terms"] += before != after
        counts["come to bar commercial use"] += barred == [False, True]
    return {
        "title": "Corrections of licences in the history of the audit",
        "text": "Each is a list of licences before and after; they are told apart by meaning, not by spelling.",
        "columns": list(counts),
        "rows": [[f"{count:,}" for count in counts.values()]],
    }


def by_spelling(spellings: dict[str, list[str]], classes: dict[str, Sequence[str]]) -> dict[str, Any]:
    """The fourth table: spellings that the auditors collected."""
    pairs = [(name, one) for name, own in spellings.items() for one in own]
    known = [(name, one) for name, one in pairs if understood(one).canonical != NOASSERTION]
    counts = Counter((told(classes, name), read(one)) for name, one in known)
    return table(
        "Spellings of licences that the auditors collected",
        "Rows and columns as in the first table. The one that is barred for them and allowed here is ms-pl, which they "
        "list under the Microsoft Data Licensing Agreement.",
        counts,
        ("allowed", "barred", UNKNOWN),
    )


def meant(licences: Iterable[str]) -> frozenset[str]:
    """Licences by meaning."""
    return frozenset(understood(one).canonical for one in licences)


def table(title: str, text: str, counts: Counter[tuple[str, str]], columns: Sequence[str]) -> dict[str, Any]:
    """A table of counts."""
    rows = [[row, *(f"{counts[row, column]:,}" for column in columns)] for row in ("allowed", "barred", UNKNOWN)]
    return {"title": title, "text": text, "columns": ["the auditors say", *columns], "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the development data")
    folder = parser.parse_args().data / "dataset_licences"
    classes = json.loads((folder / "license_classes.json").read_text(encoding="utf-8"))
    spellings = json.loads((folder / "license_paraphrases.json").read_text(encoding="utf-8"))
    with gzip.open(folder / "records.jsonl.gz", "rt", encoding="utf-8") as stream:
        records = [json.loads(line) for line in stream]
    changes = [json.loads(line) for line in (folder / "changes.jsonl").read_text(encoding="utf-8").splitlines()]
    tables = [by_mention(records, classes), by_record(records, classes), by_change(changes)]
    tables.append(by_spelling(spellings, classes))
    rule = find("conflicting-terms")
    target = Path(__file__).parents[2] / "src" / Path(*rule.module.split(".")).with_name(f"{rule.stem}_tables.json")
    write_text(target, json.dumps({"tables": tables}, indent=2, ensure_ascii=False) + "\n")
    for one in tables:
        print(one["title"], *(" | ".join(row) for row in [one["columns"], *one["rows"]]), sep="\n  ")


if __name__ == "__main__":
    main()
