"""Recipes for pre-commit and CI do what they say: every command of the page is run, the hook's entry too."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from headgate.cli.main import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "check-in-ci.md").read_text(encoding="utf-8")
HOOKS = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
BANK = ROOT / "tests" / "fixtures" / "banking77" / "intents_300.csv"
COMMANDS = re.findall(r"^\s*(?:- (?:run: )?)?headgate (check .*?)(?: \|\| .*)?$", PAGE, re.MULTILINE)


def write(path: Path, pairs: Sequence[tuple[str, str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps({"prompt": one, "completion": two}) + "\n" for one, two in pairs))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data/train.jsonl and data/test.jsonl: real rows, one of them an item and twice an exact copy."""
    monkeypatch.chdir(tmp_path)
    with BANK.open(encoding="utf-8", newline="") as stream:
        pairs = [(one["text"], one["category"]) for one in csv.DictReader(stream)]
    write(tmp_path / "data" / "test.jsonl", pairs[200:230])
    write(tmp_path / "data" / "train.jsonl", [*pairs[:200], pairs[0], pairs[0], pairs[210]])
    return tmp_path


def run(line: str) -> int:
    """Exit code of what stands after `headgate`; a redirection is done by the test."""
    words = shlex.split(line.split(" > ")[0])
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_page_runs_and_finds_the_leak(
    line: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The leaked item fails each of them; what the command is to write is there."""
    assert 1 == run(line)
    out = capsys.readouterr()
    words = shlex.split(line)
    for option in ("--sarif", "--fix"):
        if option in words:
            assert Path(words[words.index(option) + 1]).exists()
    if "--github" in words:
        assert "::error" in out.out + out.err
    if "--json" in words:
        assert "fail" == json.loads(out.out)["outcome"]
    assert "self-leak" in out.out  # a job or a commit that stops without a word helps nobody


def test_the_page_has_the_recipes() -> None:
    """Five commands, and a hook whose id is in the file of hooks."""
    assert 5 == len(COMMANDS)
    (used,) = re.findall(r"- id: (\S+)", PAGE)
    assert used in re.findall(r"- id: (\S+)", HOOKS)


@pytest.mark.parametrize(("leaked", "code"), [(True, 1), (False, 0)])
def test_the_hook_stops_a_commit_with_a_leak_and_lets_a_clean_one_pass(
    leaked: bool, code: int, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The entry of the hook, with the arguments of the page, on the files that its pattern takes."""
    (entry,) = re.findall(r"entry: headgate (.*)", HOOKS)
    (arguments,) = re.findall(r"args: \[(.*)\]", PAGE)
    (pattern,) = re.findall(r"files: (\(.*)", HOOKS)
    taken = [one for one in ("data/train.jsonl", "data/test.jsonl", "notes.md") if re.search(pattern, one)]
    assert ["data/train.jsonl"] == taken
    if not leaked:
        kept = Path("data/train.jsonl").read_text().splitlines()[:200]
        items = set(Path("data/test.jsonl").read_text().splitlines())
        Path("data/train.jsonl").write_text("\n".join(line for line in kept if line not in items) + "\n")
    line = f"{entry} {arguments.replace(',', '')} {' '.join(taken)}"
    assert code == run(line)
    # pre-commit shows what a hook prints where it fails, and only there.
    assert leaked is ("self-leak (DAT006) fails" in capsys.readouterr().out)


def test_the_script_for_gitlab_makes_its_list(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each finding becomes an issue with path, line, severity and a fingerprint of its own."""
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    Path("quality.py").write_text(script)
    run("check data/train.jsonl --eval data/test.jsonl --select self-leak,near-duplicates --json")
    Path("headgate.json").write_text(capsys.readouterr().out)
    made = subprocess.run([sys.executable, "quality.py", "headgate.json"], capture_output=True, text=True, check=True)
    issues = json.loads(made.stdout)
    leak = next(one for one in issues if one["check_name"] == "self-leak")
    assert ("critical", "data/train.jsonl", 203) == (
        leak["severity"], leak["location"]["path"], leak["location"]["lines"]["begin"],
    )  # fmt: skip
    assert len(issues) == len({one["fingerprint"] for one in issues})


def test_mending_takes_copies_and_leaves_near_duplicates(files: Path) -> None:
    """Exact copies and the leaked item go, with the reason in the diff; the rest is as it was."""
    run("check data/train.jsonl --eval data/test.jsonl --select self-leak,near-duplicates --fix data/clean.jsonl")
    before = Path("data/train.jsonl").read_text().splitlines()
    after = Path("data/clean.jsonl").read_text().splitlines()
    assert {json.loads(one)["prompt"] for one in before[:200]} == {json.loads(one)["prompt"] for one in after}
    assert "self-leak" in Path("data/clean.jsonl.diff").read_text()
