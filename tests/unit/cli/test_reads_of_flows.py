"""What a walk and a review show of rows about people is recorded, and withheld from who may not read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli.main import main

FLOW = """\
[flow]
name = "support"

[capture]
files = ["train.jsonl"]
source = "shop"
licence = "MIT"
consent = "training"

[curate]
steps = ["split", "near-duplicates"]
split = { train = 1.0 }
"""
ROLES = """
[roles]
personal = ["Zoe"]
roles = ["Zoe"]
"""
TEXTS = (
    "my card was swallowed by the machine at the station this morning",
    "my card was swallowed by the machine at the station this morning!",
    "how long does a transfer to an account in Norway take these days?",
    "which of my two cards may I use at a petrol station in Portugal?",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with rows about people, two of them nearly alike."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADGATE_USER", "Zoe")
    (tmp_path / "headgate.toml").write_text(FLOW)
    rows = [{"prompt": text, "completion": "ok", "subject": f"s{n}"} for n, text in enumerate(TEXTS)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def run(*words: str) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


def told(capsys: pytest.CaptureFixture[str], key: str) -> list[tuple[str, int]]:
    """Who read what of a person: commands and rows."""
    capsys.readouterr()
    assert run("rights", "reads", "--subject", key, "--json") == 0
    return [(one["command"], one["rows"]) for one in json.loads(capsys.readouterr().out)["reads"]]


def test_a_review_and_a_report_with_whole_texts_are_reads(folder, capsys):
    """Of the rows that are shown, and of nobody else's."""
    run("curate", "--quiet")
    assert "swallowed" in (folder / ".headgate/reports/support.html").read_text()
    assert run("curate", "review") == 0
    assert "swallowed" in capsys.readouterr().out
    assert run("curate", "review", "--json") == 0
    assert told(capsys, "s0") == [("report of support", 2), ("curate review", 2)]
    assert told(capsys, "s3") == []


def test_who_may_not_read_walks_and_sees_no_text(folder, capsys, monkeypatch):
    """The walk goes on, its report holds no text of the proposal, and the review is refused."""
    (folder / "headgate.toml").write_text(FLOW + ROLES)
    monkeypatch.setenv("HEADGATE_USER", "Max")
    run("curate", "--quiet")
    assert "swallowed" not in (folder / ".headgate/reports/support.html").read_text()
    assert run("curate", "review") == 2
    caught = capsys.readouterr()
    assert "the role personal, which Zoe holds" in caught.err
    assert "swallowed" not in caught.out


CHECK = """
[check]
select = ["inherited-habits", "house-phrases", "near-duplicates"]
"""
HABIT = "I am so sorry, we will refund the whole amount to your account by tomorrow morning"


@pytest.fixture
def habits(folder: Path) -> Path:
    """The project with answers that apologise and promise, and a check of them."""
    rows = [
        {"prompt": f"{text} and number {n} more", "completion": f"{HABIT}, case {n}.", "subject": f"s{n}"}
        for n, text in enumerate(TEXTS * 8)
    ]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "headgate.toml").write_text(FLOW.replace(', "near-duplicates"', "") + CHECK + ROLES)
    return folder


def surfaces(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """What a check says on every surface."""
    out = {}
    for name, words in {"screen": ["check"], "json": ["check", "--json"]}.items():
        run(*words)
        out[name] = capsys.readouterr().out
    out["page"] = (folder / ".headgate/reports/support.html").read_text()
    run("ledger", "log", "--kind", "verdict", "--json")
    entries = json.loads(capsys.readouterr().out)["entries"]
    for entry in entries:
        run("ledger", "show", entry["payload"]["id"], "--json")
        out["records"] = out.get("records", "") + capsys.readouterr().out
    return out


def quoted(text: str) -> list[str]:
    """The words of rows that stand in a text."""
    return [words for words in ("so sorry", "refund the whole", "swallowed by", "petrol station") if words in text]


def test_a_check_shows_words_of_rows_to_nobody_without_the_role(habits, capsys, monkeypatch):
    """On no surface: screen, JSON, page, the records in the ledger; counts and places stay."""
    monkeypatch.setenv("HEADGATE_USER", "Max")
    told = surfaces(habits, capsys)
    assert {name: quoted(text) for name, text in told.items()} == {name: [] for name in told}
    found = {one["rule"]: one for one in json.loads(told["json"])["verdicts"]}
    assert found["inherited-habits"]["details"]["withheld"].startswith("withheld")


def test_a_check_that_shows_words_of_rows_is_a_read_of_them(habits, capsys):
    """Who has the role sees examples, and each row that is quoted is recorded as read."""
    told = surfaces(habits, capsys)
    assert {name for name, text in told.items() if quoted(text)} >= {"json", "records"}
    details = [one.get("details", {}) for one in json.loads(told["json"])["verdicts"]]
    shown = {one["row"] for one in _objects(details) if "asked" in one}
    assert shown
    run("rights", "reads", "--json")
    assert max(one["rows"] for one in json.loads(capsys.readouterr().out)["reads"]) >= len(shown)


def test_without_a_purpose_that_is_wanted_nothing_is_shown(habits, capsys, monkeypatch):
    """The role alone is not enough where reading wants a purpose."""
    text = (habits / "headgate.toml").read_text()
    (habits / "headgate.toml").write_text(text.replace('roles = ["Zoe"]', 'roles = ["Zoe"]\npurpose = ["personal"]'))
    assert run("check", "--quiet") in (0, 1, 3)
    run("check", "--json")
    assert quoted(capsys.readouterr().out) == []
    monkeypatch.setenv("HEADGATE_PURPOSE", "audit 7")
    run("check", "--json")
    assert quoted(capsys.readouterr().out) != []


def _objects(value: object) -> list[dict]:
    if isinstance(value, dict):
        return [value, *(found for one in value.values() for found in _objects(one))]
    return [found for one in value for found in _objects(one)] if isinstance(value, list) else []


def test_a_curation_diff_tells_no_word_to_who_may_not_read(folder, capsys, monkeypatch):
    """Values of slices come from rows: on the screen, in JSON and on the page they are for Zoe alone."""
    (folder / "headgate.toml").write_text(FLOW.replace("near-duplicates", "exact-duplicates") + ROLES)
    rows = [
        {"prompt": text, "completion": "ok", "subject": f"s{n}", "slices": {"diagnosis": "asthma"}}
        for n, text in enumerate(TEXTS * 2)
    ]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    seen = {}
    for who in ("Zoe", "Max"):
        monkeypatch.setenv("HEADGATE_USER", who)
        run("curate", "--quiet")
        seen[who] = [(folder / ".headgate/reports/support.html").read_text()]
        for words in ([], ["--json"]):
            capsys.readouterr()
            assert run("curate", "diff", *words) == 0
            seen[who].append(capsys.readouterr().out)
    assert ["asthma" in one for one in seen["Zoe"]] == [True] * 3
    assert ["asthma" in one for one in seen["Max"]] == [False] * 3
    assert ["diagnosis=[withheld]" in one for one in seen["Max"][1:]] == [True] * 2


def test_a_walk_from_python_tells_what_the_verb_tells(habits, monkeypatch):
    """Whole verdicts for Zoe; for Max the same outcomes without a word of a row."""
    import headgate

    walks = {}
    for who in ("Zoe", "Max"):
        monkeypatch.setenv("HEADGATE_USER", who)
        walks[who] = headgate.open(habits).run(until="check")
    said = {
        who: str([verdict.as_json() for step in walk.steps for verdict in step.result.verdicts]).lower()
        for who, walk in walks.items()
    }
    assert {"Zoe": True, "Max": False} == {who: "so sorry" in text for who, text in said.items()}
    assert walks["Zoe"].outcome is walks["Max"].outcome
