"""Files read in shards give the verdicts, findings and mended copies of files read into memory."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import polars
import pytest
import zstandard

from headgate.check.auditing import Audit, audit
from headgate.check.engines import local
from headgate.check.mending import mend
from headgate.check.reports.sarif import sarif, write_sarif
from headgate.check.workplace import CACHE, MARK
from headgate.cli.main import main
from headgate.kit.errors import HeadgateError, Refused, Retryable
from headgate.rows.spans import spans_of
from headgate.stats.verdict import Finding, Findings, Outcome, remedies_of
from headgate.text.kernels import THREADS

RULES = ["DAT003", "DAT006", "DAT008", "DAT009", "LIN001"]
ASKED = "the card transfer limit account refund phone address receipt order fee loan house garden tax".split()  # noqa: SIM905
NAMES = ["Leeds", "Porto", "Lagos", "Osaka", "Quito", "Turin", "Graz", "Lyon"]


def sentence(rng: random.Random, words: int) -> str:
    """Words in a row, with a name and a number here and there."""
    chosen = [rng.choice(ASKED) + rng.choice(["", "s", "ed", "ing"]) for _ in range(words)]
    return " ".join([*chosen, rng.choice(NAMES), str(rng.randrange(40))])


def rows_of(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Chat rows with copies, near copies, empty answers, keys, slices and ids."""
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for place in range(count):
        if rows and rng.random() < 0.3:
            turns = [dict(turn) for turn in rng.choice(rows)["messages"]]
            if rng.random() < 0.7:
                words = turns[0]["content"].split()
                words[rng.randrange(len(words))] = rng.choice([*ASKED, "not", "17"])
                turns[0]["content"] = " ".join(words)
        else:
            turns = [
                {"role": "user", "content": sentence(rng, rng.choice([4, 12, 30, 60]))},
                {"role": "assistant", "content": sentence(rng, rng.choice([3, 25])) if rng.random() > 0.05 else " "},
            ]
        row: dict[str, Any] = {"messages": turns, "id": f"r{place}"}
        if rng.random() < 0.5:
            row |= {"conversation": f"c{rng.randrange(count)}", "slices": {"tone": rng.choice(["calm", "cross"])}}
        if rng.random() < 0.3:
            row |= {"source": "desk", "licence": "MIT", "subject": f"s{rng.randrange(9)}"}
        rows.append(row)
    return rows


def lines_of(rows: list[dict[str, Any]]) -> list[bytes]:
    """The rows as lines, with broken, blank and doubled ones among them."""
    lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    lines[5:5] = [b"{broken", b"", b'{"messages": []}']
    lines[90:90] = [b"\xff\xfe", b"  "]
    if len(lines) > 200:
        lines[200:200] = [lines[3], lines[150], lines[3]]  # ids that were used before
    return lines


def hidden(text: str, place: int) -> dict[str, Any]:
    """A text beside what an answer says: in its reasoning or among the arguments of its call."""
    if place % 8 == 3:
        return {"reasoning_content": f"They once asked me: {text}\nSo I know."}
    arguments = json.dumps({"limit": place, "query": text})
    return {"tool_calls": [{"id": "a", "type": "function", "function": {"name": "search", "arguments": arguments}}]}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A training file and an evaluation file of which some items leaked."""
    rows = rows_of(300)
    items = rows_of(40, seed=1)
    for place, item in enumerate(items):
        item["id"] = f"i{place}"
        if place % 4 == 0:
            row = rows[place * 6]
            row["messages"] = [dict(turn) for turn in item["messages"]]
            row["messages"][0]["content"] = "Please tell me, " + item["messages"][0]["content"] + " and thanks"
        if place % 4 == 2:
            row, words = rows[place * 6], item["messages"][0]["content"].split()
            words[3::7] = ["otter"] * len(words[3::7])
            asked = words if place % 8 == 2 else words[: len(words) * 2 // 3]
            row["messages"] = [{"role": "user", "content": " ".join(asked)}, row["messages"][1]]
        if place % 4 == 3:
            rows[place * 6]["messages"][1] |= hidden(item["messages"][0]["content"], place)
        if place % 8 == 5:
            item["messages"][1]["reasoning_content"] = thought = sentence(random.Random(place), 30)
            rows[place * 6 + 1]["messages"][1]["reasoning_content"] = "Let me see. " + thought
        if place % 5 == 0:
            item["conversation"] = rows[place * 3].get("conversation", "c1")
    train, test = tmp_path / "train.jsonl", tmp_path / "test.jsonl"
    train.write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines_of(rows)))
    test.write_text("".join(json.dumps(item) + "\n" for item in items))
    return train, test


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Shards of a few rows, scanned in this process, in a cache of this test."""
    monkeypatch.setenv("HEADGATE_SHARD_BYTES", "9000")
    monkeypatch.setenv(THREADS, "1")
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    yield


def in_memory(train: Path, test: Path | None, **more: Any) -> Audit:
    """The audit that everything is compared with."""
    return audit(train, eval=[test] if test else (), select=RULES, **more)


def in_shards(train: Path, test: Path | None, **more: Any) -> Audit:
    """The same by shards."""
    return in_memory(train, test, engine="local", **more)


def told(one: Audit) -> tuple[bytes, list[list[dict[str, Any]]], list[dict[str, Any]]]:
    """All that an audit says: JSON, every finding, every bad line."""
    findings = [[finding.as_json() for finding in verdict.findings] for verdict in one.verdicts]
    return orjson.dumps(one.as_json()), findings, [bad.as_json() for bad in one.bad_lines]


@pytest.mark.parametrize("kernels", ["plain", "compiled"])
def test_shards_say_what_memory_says(kernels: str, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, with findings of every rule, bad lines and ids used before."""
    monkeypatch.setenv("HEADGATE_KERNELS", kernels)
    expected, found = in_memory(*files), in_shards(*files)
    assert 15 < len(list((files[0].parent / "cache").glob(f"{MARK}*/shard-*")))
    assert told(expected) == told(found)
    assert all(len(verdict.findings) > 3 for verdict in expected.verdicts)
    messages = "\n".join(finding.message for verdict in expected.verdicts for finding in verdict.findings)
    for place in ("the reasoning of evaluation item", "in the reasoning of turn 2", "in the arguments of search in"):
        assert place in messages
    assert sum("used before" in bad.what for bad in expected.bad_lines) == 3
    assert sarif(expected.verdicts, expected.bad_lines) == sarif(found.verdicts, found.bad_lines)


def test_options_reach_the_scan(files: tuple[Path, Path]) -> None:
    """Thresholds of near-duplicates and opening turns of conversations."""
    options = {
        "near-duplicates": {"threshold": 0.8, "short_threshold": 0.5},
        "group-leak": {"opening_turn": True, "opening_words": 3},
    }
    assert told(in_memory(*files, options=options)) == told(in_shards(*files, options=options))


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst", ".json", ".parquet", ".csv"])
def test_files_that_cannot_be_cut_are_one_shard(suffix: str, files: tuple[Path, Path], tmp_path: Path) -> None:
    """Packed files, one array, Parquet and tables give the same as in memory."""
    rows = [json.loads(line) for line in files[0].read_bytes().splitlines() if line.startswith(b'{"messages": [{')]
    train = tmp_path / f"other{suffix}"
    plain = [{"prompt": r["messages"][0]["content"], "completion": r["messages"][1]["content"]} for r in rows]
    raw = files[0].read_bytes()
    if suffix == ".parquet":
        polars.DataFrame(plain).write_parquet(train)
    elif suffix == ".csv":
        polars.DataFrame(plain).write_csv(train)
    elif suffix == ".json":
        train.write_text(json.dumps(rows))
    else:
        train.write_bytes(gzip.compress(raw) if suffix.endswith("gz") else zstandard.compress(raw))
    assert told(in_memory(train, files[1])) == told(in_shards(train, files[1]))


def test_several_files_are_one_corpus(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Duplicates across files are found, and an id may come once in each."""
    second = tmp_path / "second.jsonl"
    second.write_bytes(b"\n".join(lines_of(rows_of(150, seed=0))) + b"\n")
    pair = [files[0], second]
    expected = audit(pair, eval=files[1], select=RULES)
    assert told(expected) == told(audit(pair, eval=files[1], select=RULES, engine="local"))


def test_a_side_car_gives_shards_their_side_data(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Lines are counted over the whole file, because the side-car knows rows by line."""
    with pytest.raises(SystemExit):
        main(["convert", str(files[0]), "--to", "openai-sft", "-o", str(tmp_path / "out.jsonl"), "-q"])
    assert (tmp_path / "out.jsonl.headgate.jsonl").exists()
    expected = in_memory(tmp_path / "out.jsonl", files[1])
    assert {"desk"} <= {row.side.source for row in expected.training}
    assert told(expected) == told(in_shards(tmp_path / "out.jsonl", files[1]))


def test_the_mended_copy_is_the_same(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Kept rows, dropped rows and the diff."""
    expected = mend(in_memory(*files), tmp_path / "clean.jsonl")
    kept = (tmp_path / "clean.jsonl").read_bytes(), (tmp_path / "clean.jsonl.diff").read_bytes()
    assert expected == mend(in_shards(*files), tmp_path / "clean.jsonl")
    assert kept == ((tmp_path / "clean.jsonl").read_bytes(), (tmp_path / "clean.jsonl.diff").read_bytes())
    assert expected.dropped > 10


def test_a_rule_that_needs_memory_says_so(files: tuple[Path, Path]) -> None:
    """It is skipped with the reason and what to do; without evaluation items the missing input is the reason."""
    (needing,) = audit(files[0], eval=files[1], select=["wrong-labels"], engine="local").verdicts
    assert Outcome.SKIPPED == needing.outcome
    assert "read in shards; --sample 100000" in needing.reason
    (alone,) = audit(files[0], select=["paraphrased-leak"], engine="local").verdicts
    assert alone.reason == "not given: evaluation-items"


def test_large_files_are_read_in_shards_unasked(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """From a size on; the answer does not change."""
    expected = told(in_memory(*files))
    monkeypatch.setattr("headgate.check.auditing.IN_MEMORY", 1000)
    found = in_memory(*files)
    assert found.work is not None
    assert expected == told(found)
    found.close()
    assert not found.work.exists()


def test_a_sample_is_even_and_says_its_size(files: tuple[Path, Path], tmp_path: Path) -> None:
    """So many rows in their order, the same each time; a sample cannot be mended."""
    one, other = in_memory(*files, sample=50), in_memory(*files, sample=50)
    assert 50 == len(one.training) == one.as_json()["sample"]
    assert told(one) == told(other)
    assert [row.place.line for row in one.training] == sorted(row.place.line for row in one.training)
    with pytest.raises(Refused, match="a sample cannot be mended"):
        mend(one, tmp_path / "clean.jsonl")


def test_workers_of_their_own_give_the_same(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two worker processes, as on a machine of two processors."""
    expected = told(in_memory(*files))
    monkeypatch.setenv(THREADS, "2")
    assert expected == told(in_shards(*files))


def test_what_a_worker_refuses_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged stream is told in the words of the reader, from another process too."""
    monkeypatch.setenv(THREADS, "2")
    packed = gzip.compress("".join(json.dumps(row) + "\n" for row in rows_of(3000)).encode())
    for name in ("one", "two"):
        (tmp_path / f"{name}.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(Refused, match="the gzip stream is cut off"):
        audit([tmp_path / "one.jsonl.gz", tmp_path / "two.jsonl.gz"], select=RULES, engine="local")


def test_a_worker_that_dies_is_replaced(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Once: the shard is scanned again. Every time: the audit says that workers die."""
    expected = told(in_memory(*files))
    monkeypatch.setenv(THREADS, "2")
    real = sys.executable
    mark = tmp_path / "died"
    dying = tmp_path / "python"
    dying.write_text(f'#!/bin/sh\nif mkdir {mark} 2>/dev/null; then kill -9 $$; fi\nexec {real} "$@"\n')
    dying.chmod(0o755)
    monkeypatch.setattr(local.sys, "executable", str(dying))
    assert expected == told(in_shards(*files, cache=tmp_path / "first"))
    assert mark.exists()
    dying.write_text("#!/bin/sh\nkill -9 $$\n")
    with pytest.raises(Retryable, match="died 3 times"):
        in_shards(*files, cache=tmp_path / "second")


def test_a_killed_audit_goes_on_where_it_stood(files: tuple[Path, Path], tmp_path: Path) -> None:
    """kill -9 in the middle of a real run; the shards that were finished are not written again."""
    _, test = files
    big = tmp_path / "big.jsonl"
    big.write_bytes(b"".join(line + b"\n" for seed in range(8) for line in map(json_bytes, rows_of(250, seed))))
    command = [str(Path(sys.executable).parent / "headgate"), "check", str(big), "--eval", str(test), "--json"]
    command += ["--select", ",".join(RULES)]
    in_memory = subprocess.run(command, stdout=subprocess.PIPE)
    command += ["--engine", "local"]
    cache = tmp_path / "killed"
    environment = {**os.environ, CACHE: str(cache), "HEADGATE_SHARD_BYTES": "25000"}
    first = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    while len(shards_in(cache)) < 5:
        assert first.poll() is None
        time.sleep(0.002)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    total = len(spans_of(big, 25000))
    done = shards_in(cache)
    assert 5 <= len(done) < total
    watched = {path: path.stat().st_ino for path in done}
    second = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    kept = {path: ino_of(path) for path in done}  # before the end, when the folder is removed
    while len(shards_in(cache)) < total and second.poll() is None:
        kept = {path: ino_of(path) or kept[path] for path in done}
    out, _ = second.communicate()
    assert watched == kept
    assert in_memory.stdout == out
    assert json.loads(out)["verdicts"][0]["findings_total"] > 100
    assert [] == shards_in(cache)  # an audit that ends well leaves nothing behind


def json_bytes(row: dict[str, Any]) -> bytes:
    """A row without an id, as bytes."""
    return orjson.dumps({name: value for name, value in row.items() if name != "id"})


def shards_in(cache: Path) -> list[Path]:
    """Finished shards in a cache folder."""
    return sorted(cache.glob(f"{MARK}*/shard-*"))


def ino_of(path: Path) -> int:
    """Which file stands there; 0 when none does."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def test_spans_hold_every_line_once(tmp_path: Path) -> None:
    """Whatever the size of a span, lines of all lengths, the last without an end."""
    rng = random.Random(2)
    path = tmp_path / "lines"
    path.write_bytes(b"\n".join(b"x" * rng.choice([0, 1, 5, 300]) for _ in range(200)))
    for size in (1, 7, 100, 301, 100_000):
        spans = spans_of(path, size, count_lines=True)
        raw = path.read_bytes()
        assert raw == b"".join(raw[span.first : span.last] for span in spans)
        assert all(raw[span.first - 1 : span.first] == b"\n" for span in spans[1:])
        assert [raw[: span.first].count(b"\n") + 1 for span in spans] == [span.line for span in spans]


def test_old_entries_of_the_cache_go(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Those that nobody came back to for a week; nothing else in the folder is touched."""
    cache = tmp_path / "cache"
    for name in (f"{MARK}old", f"{MARK}new", "mine"):
        (cache / name).mkdir(parents=True)
    for name in (f"{MARK}old", "mine"):
        os.utime(cache / name, (1, 1))
    in_shards(*files).close()
    assert [f"{MARK}new", "mine"] == sorted(path.name for path in cache.iterdir())


@pytest.mark.parametrize(("options", "said"), [({"engine": "spark"}, "no engine named"), ({"sample": 0}, "--sample")])
def test_wrong_use_is_refused(options: dict[str, Any], said: str, files: tuple[Path, Path]) -> None:
    """An engine that does not exist, a sample of nothing."""
    with pytest.raises(HeadgateError, match=said):
        in_memory(*files, **options)


def test_a_report_is_written_result_by_result(files: tuple[Path, Path], tmp_path: Path) -> None:
    """The same bytes as the whole report in one piece."""
    found = in_shards(*files)
    with (tmp_path / "report.sarif").open("wb") as stream:
        write_sarif(stream, found.verdicts, found.bad_lines)
    whole = orjson.dumps(sarif(found.verdicts, found.bad_lines), option=orjson.OPT_INDENT_2)
    assert whole == (tmp_path / "report.sarif").read_bytes()


def test_findings_are_made_when_they_are_looked_at() -> None:
    """Slices and iteration make what they give; what they need is told block by block."""
    made, ready = [], []

    def make(place: int) -> Finding:
        made.append(place)
        return Finding(message=str(place))

    findings = Findings(1200, make, ready.append, ["review"])
    assert ("7", ["8", "9"]) == (findings[7].message, [one.message for one in findings[8:10]])
    assert ([7, 8, 9], 1200, frozenset(["review"])) == (made, len(findings), remedies_of(findings))
    assert [str(place) for place in range(1200)] == [one.message for one in findings]
    assert [range(8, 10), range(512), range(512, 1024), range(1024, 1200)] == ready
    assert findings == tuple(findings)
    assert findings != tuple(findings)[1:]


def test_a_shard_may_have_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line is a shard of its own, blank and broken ones too."""
    monkeypatch.setenv("HEADGATE_SHARD_BYTES", "1")
    train = tmp_path / "train.jsonl"
    train.write_bytes(b"\n".join(lines_of(rows_of(25))) + b"\n{broken\n\n")
    expected = in_memory(train, train)
    assert told(expected) == told(in_shards(train, train))
    assert 8 == len(expected.bad_lines)  # four of each role


def test_a_file_without_a_row_is_refused_in_the_same_words(tmp_path: Path) -> None:
    """With its first bad lines."""
    train = tmp_path / "train.jsonl"
    train.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows_of(30)))
    said = []
    for engine in (None, "local"):
        with pytest.raises(Refused) as refused:
            audit(train, format="alpaca", select=RULES, engine=engine)
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_strict_stops_at_the_first_bad_line(files: tuple[Path, Path]) -> None:
    """Whichever shard it stands in."""
    said = []
    for engine in (None, "local"):
        with pytest.raises(Refused) as refused:
            audit(files[0], strict=True, select=RULES, engine=engine)
        said.append(str(refused.value))
    assert said[0] == said[1]
