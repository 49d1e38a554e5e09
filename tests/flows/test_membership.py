"""A source whose licence changes after training: who used it, how much of it, and whether a model still knows it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

import headgate
from headgate.kit.clock import now
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.rights.exposure import exposure
from headgate.rights.licence_changes import record
from headgate.rights.membership import membership
from headgate.rights.reach import Target, reach
from headgate.rows.reading import read_rows
from headgate.rows.row import Row
from headgate.rows.stored import stored_rows

ROOT = Path(__file__).resolve().parents[2]
DIALOGUES = ROOT / "tests" / "fixtures" / "star" / "dialogues_40.jsonl"
FORUM = Target("source", "forum")
FLOW = """[flow]
name = "helpers"
[capture]
files = ["data/train.jsonl"]
[curate]
steps = ["select", "split"]
split = {{ train = 1.0 }}
{sources}
[train]
base = {base}
steps = 70
batch = 16
learning-rate = 3e-3
max-tokens = 256
"""


def turns() -> list[list[dict[str, str]]]:
    """What a caller says and what is answered, a pair for each answer of fewer than 80 letters; no answer twice."""
    out, said = [], set[str]()
    for line in DIALOGUES.read_text(encoding="utf-8").splitlines():
        messages = json.loads(line)["messages"]
        for asked, answered in itertools.pairwise(messages):
            text = answered["content"]
            if (asked["role"], answered["role"]) == ("user", "assistant") and text not in said and len(text) < 80:
                said.add(text)
                out.append([asked, answered])
    return out


def write(folder: Path, rows: list[list[dict[str, str]]]) -> Path:
    """A project that trains on rows of three sources."""
    (folder / "data").mkdir()
    known = {"licence": "MIT", "consent": "training"}
    lines = [
        {"messages": pair, "source": ("forum", "desk", "mail")[n % 3], "subject": f"caller-{n}", **known}
        for n, pair in enumerate(rows)
    ]
    (folder / "data" / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    return folder


def trained(folder: Path, *sources: str) -> None:
    """Runs the flow, with rows of some sources only."""
    base = json.dumps(str(ROOT / "examples" / "base" / "headgate-tiny"))
    text = FLOW.format(base=base, sources=f"sources = {json.dumps(list(sources))}" if sources else "")
    (folder / "headgate.toml").write_text(text, encoding="utf-8")
    assert "pass" == headgate.open(folder).run().outcome.value


def changed_licence(store: Path) -> None:
    """The forum turns non-commercial: the case names the one adapter that used it; new line ends open nothing."""
    text = b"MIT License\n\nPermission is hereby granted, free of charge, to any person.\n"
    with Ledger.open(store) as ledger:
        first, second = ledger.find("adapter")
        record(ledger, "forum", "MIT", by="A. Vos", now=now(), text=text)
        again = record(ledger, "forum", "MIT", by="A. Vos", now=now(), text=b" " + text.replace(b"\n", b"\r\n"))
        assert None is again.case
        done = record(ledger, "forum", "CC-BY-NC-4.0", by="A. Vos", now=now())
        assert done.case is not None
        assert [first.name] == [one["name"] for one in done.case.touched if one["kind"] == "adapter"]
        found = reach(ledger, FORUM)
        assert {first.id} == {node.id for node in found.of("adapter")}
        (seen,) = exposure(ledger, found, store)
        assert (seen.rows, seen.of_rows, (first.name,)) == (
            len(found.rows),
            len(ledger.rows.all_numbers()),
            seen.adapters,
        )
        others = exposure(ledger, reach(ledger, Target("source", "desk")), store)
        assert [(first.name,), (second.name,)] == [one.adapters for one in others]
        mail = exposure(ledger, reach(ledger, Target("source", "mail")), store)[0]
        assert seen.tokens is not None and others[0].tokens is not None and mail.tokens is not None
        assert seen.of_tokens == seen.tokens + others[0].tokens + mail.tokens
        assert 0.2 < seen.tokens / seen.of_tokens < 0.5


@pytest.mark.training
def test_a_source_is_remembered_until_it_is_left_out(tmp_path: Path) -> None:
    """One adapter of all three sources, one without the forum; controls are turns that neither saw."""
    pairs = turns()
    half = len(pairs) * 2 // 3
    folder = write(tmp_path, pairs[:half])
    unseen = folder / "unseen.jsonl"
    unseen.write_text("".join(json.dumps({"messages": pair}) + "\n" for pair in pairs[half:]), encoding="utf-8")
    controls: list[Row] = list(read_rows(unseen))
    trained(folder)
    trained(folder, "desk", "mail")
    changed_licence(folder / ".headgate")
    with Ledger.open(folder / ".headgate") as ledger:
        first, second = (node.id for node in ledger.find("adapter"))
        given = {"store": folder / ".headgate", "now": now(), "controls": controls}
        before, unlike = membership(ledger, first, FORUM, against=second, **given)  # type: ignore[arg-type]
        (after,) = membership(ledger, second, FORUM, **given)  # type: ignore[arg-type]
        assert before.measure is not None and after.measure is not None and unlike.measure is not None
        assert ("fail", True) == (before.outcome.value, before.measure.low > 0.55)
        assert "fail" != after.outcome.value  # too few rows to pass: the interval is wider than 0.45 to 0.55
        assert after.measure.low < 0.5 < after.measure.high
        assert after.measure.value < before.measure.low
        assert ("fail", True) == (unlike.outcome.value, unlike.measure.value < 0.05)  # the two are not alike
        told = [node for node in ledger.find("verdict") if node.name.startswith("membership/")]
        assert ["fail", "fail", after.outcome.value] == [node.body["outcome"] for node in told]
        for who in (first, second):  # one that saw the rows, and itself
            with pytest.raises(Refused, match="nothing to hold it against"):
                membership(ledger, second, FORUM, against=who, **given)  # type: ignore[arg-type]
        with pytest.raises(Refused, match="none in the file of controls"):
            seen = [row for _, row in stored_rows(ledger, ledger.rows.all_numbers())]
            membership(ledger, first, FORUM, store=folder / ".headgate", now=now(), controls=seen)
        with pytest.raises(Refused, match="no rows that no run saw"):
            membership(ledger, first, FORUM, store=folder / ".headgate", now=now())
        ledger.rows.erase(ledger.rows.numbers_of_source(ledger.find("source", "forum")[0].id))
        with pytest.raises(Refused, match="their words were erased"):
            membership(ledger, first, FORUM, **given)  # type: ignore[arg-type]
