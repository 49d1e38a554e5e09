"""`headgate check --fix OUT --repair-inputs`: inputs that look like the real ones, answers byte for byte."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from headgate.check.repairing import with_input
from headgate.cli.main import main
from headgate.rows.row import Kind, Message, Row
from headgate.rules.input_repairs import Change

THINGS = ("card", "transfer", "balance", "PIN", "top up", "refund", "statement", "exchange rate", "fee", "account")
ASKED = ("Where is my {0}", "How do I change the {0}", "Why was the {0} declined", "What happened to my {0} of {1}")
POLITE = (
    "Hello, {0}?",
    "Hi there! {0}? Thank you.",
    "Could you please help me with this? {0}?",
    "{0}? Please let me know.",
)


def run(*arguments: object) -> int:
    """Exit code of `headgate check ...`."""
    with pytest.raises(SystemExit) as ended:
        main(["check", *map(str, arguments)])
    return int(ended.value.code or 0)


def asked(n: int) -> str:
    """A question, each another one."""
    return ASKED[n % 4].format(THINGS[n % 10], f"£{n}") + f" from day {100 + 7 * n % 300}"


def lines(texts: Sequence[str], answers: Sequence[str]) -> str:
    """A chat file, written with blanks of its own."""
    turns = [
        [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
        for text, answer in zip(texts, answers, strict=True)
    ]
    return "".join(json.dumps({"messages": one}, ensure_ascii=True) + "\n" for one in turns)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Polite rows to train on, and what people typed."""
    written = [POLITE[n % 4].format(asked(n)) for n in range(120)]
    typed = [asked(n).lower() + ("?" if not n % 5 else "") for n in range(200, 420)]
    train, real = tmp_path / "train.jsonl", tmp_path / "real.jsonl"
    train.write_text(lines(written, [f"About the {THINGS[n % 10]}: you’ll see — on day {n}." for n in range(120)]))
    real.write_text(lines(typed, ["-"] * len(typed)))
    return train, real


def test_a_mended_copy_a_diff_and_a_list_of_changes(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The gap falls, answers and numbers stay, every change is listed, and the diff undoes it."""
    train, real = files
    target, before = tmp_path / "out.jsonl", train.read_bytes()
    run(train, "--reference", real, "--fix", target, "--repair-inputs", "--select", "input-gap", "--json", "-q")
    told = json.loads(capsys.readouterr().out)["fixed"]
    found = told["inputs"]
    assert found["auc_before"]["value"] > 0.9
    assert found["auc_before"]["value"] - found["auc_after"]["value"] > 0.15
    assert {"greetings", "casing"} <= {one["operator"] for one in found["operators"] if one["share"] > 0}
    assert {"slips": 0.0} == {one["operator"]: one["share"] for one in found["operators"] if one["operator"] == "slips"}
    old, new = ([json.loads(one)["messages"] for one in text.splitlines()] for text in (before, target.read_bytes()))
    assert before == train.read_bytes()
    assert [turns[1] for turns in old] == [turns[1] for turns in new]
    listed = [json.loads(one) for one in Path(found["changes"]).read_text().splitlines()]
    changed = {
        n + 1: (a[0]["content"], b[0]["content"]) for n, (a, b) in enumerate(zip(old, new, strict=True)) if a != b
    }
    assert changed == {one["line"]: (one["before"], one["after"]) for one in listed}
    assert (len(changed), len(changed)) == (found["written"], told["reasons"]["inputs"])
    assert all(one["operators"] for one in listed)
    back = tmp_path / "back.jsonl"
    subprocess.run(["patch", "--reverse", "-s", "-o", back, target, told["diff"]], check=True)
    assert before == back.read_bytes()


def test_only_rows_of_a_generator_are_repaired(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where some rows are marked synthetic, rows that people wrote stay, however they look; a screen says it."""
    train, real = files
    rows = [json.loads(line) | {"kind": "demonstration"} for line in train.read_text().splitlines()]
    for row in rows[:110]:
        row["side"] = {"generator": "model"}
    train.write_text("".join(json.dumps(row) + "\n" for row in rows))
    target = tmp_path / "out.jsonl"
    run(train, "--reference", real, "--fix", target, "--repair-inputs", "--select", "input-gap")
    told = capsys.readouterr().out
    assert "of 110 repaired (" in told
    assert "by 66 real inputs kept aside" in told
    assert train.read_text().splitlines()[110:] == target.read_text().splitlines()[110:]
    assert train.read_text().splitlines()[:110] != target.read_text().splitlines()[:110]


def test_merged_inputs_are_written_with_both_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The copy has both requests and both labels on the line of the first, and the list of changes names the answer."""
    labels = {"lost card": "i lost my card in {}", "pin": "how do i change my pin for {}"}
    places = [
        f"{a}{b}"
        for a in ("turin ", "oslo ", "riga ", "bonn ")
        for b in (f"road {c * 3}" for c in "abcdefghijklmnopqrstuvwxyz")
    ]
    asked = [(labels[label].format(place), label) for place in places for label in labels]
    both = [(f"{asked[n][0]} and {asked[n + 1][0]}", "lost card; pin") for n in range(0, len(asked), 2)]
    train, real, target = (tmp_path / name for name in ("train.jsonl", "real.jsonl", "out.jsonl"))
    train.write_text(lines(*zip(*asked, strict=True)))
    real.write_text(lines(*zip(*asked[1::2], *both, strict=True)))
    options = ("--repair-inputs", "--join-labels", "; ", "--select", "input-gap", "--json", "-q")
    run(train, "--reference", real, "--fix", target, *options)
    found = json.loads(capsys.readouterr().out)["fixed"]["inputs"]
    listed = [json.loads(one) for one in Path(found["changes"]).read_text().splitlines()]
    new = [json.loads(one)["messages"] for one in target.read_text().splitlines()]
    merged = [one for one in listed if "merged" in one["operators"]]
    assert len(merged) > 30
    for one in merged:
        turns = new[one["line"] - 1]
        assert (one["after"], "lost card; pin", one["answer"]) == (
            *(turn["content"] for turn in turns),
            "lost card; pin",
        )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--repair-inputs", "--reference", "real.jsonl"], "--fix OUT"),
        (["--repair-inputs", "--fix", "out.jsonl"], "--reference REAL"),
        (["--cut-sentences", "--fix", "out.jsonl"], "--repair-inputs"),
        (["--mix-words", "few.jsonl", "--fix", "out.jsonl"], "--repair-inputs"),
        (["--join-labels", "; ", "--fix", "out.jsonl"], "--repair-inputs"),
        (
            ["--repair-inputs", "--join-labels", "; ", "--fix", "out.jsonl", "--reference", "real.jsonl"],
            "no real input asks for two things",
        ),
        (
            ["--repair-inputs", "--mix-words", "none.csv", "--fix", "out.jsonl", "--reference", "real.jsonl"],
            "list of words cannot be read",
        ),
        (["--repair-inputs", "--fix", "out.jsonl", "--reference", "few.jsonl"], "too few real inputs"),
    ],
)
def test_wrong_use_is_refused(
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: str,
) -> None:
    """Without a copy to write, or enough that is real, exit code 2 says what is missing; nothing is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.jsonl").write_text(lines(["where is it"] * 20, ["-"] * 20))
    assert 2 == run("train.jsonl", *options, "--select", "input-gap", "-q")
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("out.jsonl*"))


def change(before: Sequence[str], after: Sequence[str]) -> Change:
    """User turns before and after, each with the same answer."""
    rows = [
        Row(kind=Kind.DEMONSTRATION, messages=tuple(Message("user", text) for text in texts))
        for texts in (before, after)
    ]
    return Change(0, ("casing",), *rows)


@pytest.mark.parametrize(
    ("record", "before", "after", "out"),
    [
        (b'{"q": "Is it?",  "a": "It is"}\n', "Is it?", "is it", b'{"q": "is it",  "a": "It is"}\n'),
        (b'{"q": "Caf\\u00e9?", "a": "It"}\n', "Café?", "café", '{"q":"café","a":"It"}\n'.encode()),
        (b'{"q": "Is it?", "a": "Is it?"}\n', "Is it?", "is it", b'{"q": "Is it?", "a": "Is it?"}\n'),
        (b'{"q": "Is it?", "a": "He asked: Is it?"}', "Is it?", "is it", b'{"q": "is it", "a": "He asked: Is it?"}'),
        (b'{"i": "Is it?", "n": "x"}\n', "Is it?\nx", "is it\nx", b'{"i": "Is it?", "n": "x"}\n'),
        (b"Is it?,yes\n", "Is it?", "is it", b"is it,yes\n"),
        (b"Is it?,yes\n", "Is it?", "hi, is it", b'"hi, is it",yes\n'),
        (b'"Is ""it"", now?",yes\n', 'Is "it", now?', 'is "it" now', b'"is ""it"" now",yes\n'),
        (b"Is it?,Is it?\n", "Is it?", "is it", b"Is it?,Is it?\n"),
        (b"yes\tIs it?\n", "Is it?", "is it", b"yes\tis it\n"),
    ],
)
def test_one_value_of_a_record_is_replaced_or_none(record: bytes, before: str, after: str, out: bytes) -> None:
    """JSON and tables: the input where it stands alone; a record that holds it twice, or in parts, stays."""
    assert out == with_input(record, change([before], [after]))


def test_two_turns_with_the_same_words_stay() -> None:
    """Which of the two is which nobody can tell from the record."""
    record = b'{"turns": ["Yes.", "Yes."]}\n'
    assert record == with_input(record, change(["Yes.", "Yes."], ["yes", "Yes."]))
    assert record == with_input(record, change(["Yes.", "Yes."], ["yes", "yes"]))
