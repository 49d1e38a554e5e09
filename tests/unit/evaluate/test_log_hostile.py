"""Logs that are cut off, doubled, packed to burst or simply something else: refused, with the place."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from headgate.evaluate.logs import bounded
from headgate.evaluate.logs.detecting import open_log
from headgate.evaluate.logs.shape import Log, Wanted
from headgate.kit.errors import Refused

LOGS = Path(__file__).parents[2] / "fixtures" / "evaluation_logs"
LM_EVAL = LOGS / "lm_eval" / "samples_sums_cot_2026-11-18T10-00-00.000001.jsonl"
STRICT = Wanted(metric="exact_match,strict-match")


def walk(path: Path, wanted: Wanted | None = None) -> Log:
    log = open_log(path, wanted)
    list(log.entries)
    return log


def inspect_log() -> dict[str, Any]:
    return json.loads((LOGS / "inspect.json").read_text())


def packed(path: Path, log: dict[str, Any], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    samples = log.pop("samples")
    with zipfile.ZipFile(path, "w", method) as archive:
        for one in samples:
            archive.writestr(f"samples/{one['id']}_epoch_{one['epoch']}.json", json.dumps(one))
        archive.writestr("header.json", json.dumps(log))
    return path


def test_a_cut_off_archive(tmp_path):
    """Half of a zip file has no directory at its end."""
    path = tmp_path / "half.eval"
    path.write_bytes((LOGS / "inspect.eval").read_bytes()[:4000])
    with pytest.raises(Refused, match="a broken or cut-off archive"):
        walk(path)


def test_a_damaged_member(tmp_path):
    """A member whose bytes were changed fails its checksum."""
    path = tmp_path / "bent.eval"
    data = bytearray((LOGS / "inspect.eval").read_bytes())
    with zipfile.ZipFile(LOGS / "inspect.eval") as archive:
        member = archive.getinfo("samples/3_epoch_2.json")
    start = member.header_offset + 30 + len(member.filename) + 40
    data[start : start + 4] = bytes(byte ^ 0xFF for byte in data[start : start + 4])
    path.write_bytes(data)
    with pytest.raises(Refused, match=r"a damaged member(.|\n)*samples/3_epoch_2\.json"):
        walk(path)


def test_an_archive_that_bursts(tmp_path, monkeypatch):
    """A member that unfolds beyond the limit of a sample is not unfolded further, however it was packed."""
    monkeypatch.setattr(bounded, "ENTRY_BYTES", 1 << 20)
    log = inspect_log()
    log["samples"][0]["input"] = " " * (3 << 20)
    with pytest.raises(Refused, match="an archive that unfolds too far"):
        walk(packed(tmp_path / "bomb.eval", log))


def test_an_archive_that_bursts_bit_by_bit(tmp_path, monkeypatch):
    """Many members, each within the limit, may not unfold to more than a multiple of the file."""
    monkeypatch.setattr(bounded, "UNFOLDED_LEAST", 1 << 20)
    monkeypatch.setattr(bounded, "UNFOLDED", 10)
    log = inspect_log()
    for one in log["samples"]:
        one["input"] = " " * (1 << 18)
    with pytest.raises(Refused, match="an archive that unfolds too far"):
        walk(packed(tmp_path / "bomb.eval", log))


@pytest.mark.parametrize(("name", "share"), [("inspect.json", 0.7), ("promptfoo_v3.json", 0.5)])
def test_a_cut_off_file(tmp_path, name, share):
    """A JSON log that ends in the middle of a sample is refused."""
    path = tmp_path / name
    text = (LOGS / name).read_text()
    path.write_text(text[: int(len(text) * share)])
    with pytest.raises(Refused, match="cut off"):
        walk(path, Wanted(model="openai:tiny"))


def test_cut_off_lines(tmp_path):
    """The last line of a samples file that was still being written is named by its number."""
    path = tmp_path / LM_EVAL.name
    path.write_text(LM_EVAL.read_text()[:-40])
    with pytest.raises(Refused) as refused:
        walk(path, STRICT)
    assert (str(path), 10) == (refused.value.file, refused.value.line)


def test_missing_samples(tmp_path):
    """A log that says how many samples there were and holds fewer is a choice that nobody saw."""
    for one in LM_EVAL.parent.iterdir():
        (tmp_path / one.name).write_text("".join(one.read_text().splitlines(keepends=True)))
    (tmp_path / LM_EVAL.name).write_text("".join(LM_EVAL.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(Refused) as refused:
        walk(tmp_path / LM_EVAL.name, STRICT)
    assert ("samples are missing", "4 samples", "5") == (
        refused.value.what, refused.value.found, refused.value.wanted,
    )  # fmt: skip
    log = inspect_log()
    log["samples"].pop()
    (tmp_path / "few.json").write_text(json.dumps(log))
    with pytest.raises(Refused, match="samples are missing"):
        walk(tmp_path / "few.json")


def test_results_without_samples(tmp_path):
    """Means alone are no evidence: two arms are compared item by item."""
    (tmp_path / "results_x.json").write_text((LM_EVAL.parent / f"results_{LM_EVAL.stem[-26:]}.json").read_text())
    with pytest.raises(Refused) as refused:
        walk(tmp_path / "results_x.json")
    assert "lm_eval ... --log_samples" == refused.value.next_step


def test_an_item_twice(tmp_path):
    """Two runs in one samples file would count every item twice."""
    path = tmp_path / LM_EVAL.name
    path.write_text(LM_EVAL.read_text() * 2)
    with pytest.raises(Refused) as refused:
        walk(path, STRICT)
    assert ("an item stands twice in a log", 11, "doc_id 0, first in line 1") == (
        refused.value.what, refused.value.line, refused.value.found,
    )  # fmt: skip


@pytest.mark.parametrize("status", ["started", "cancelled", "error"])
def test_an_evaluation_that_did_not_end(tmp_path, status):
    """Samples that were done first are no draw from all samples."""
    (tmp_path / "log.json").write_text(json.dumps(inspect_log() | {"status": status}))
    with pytest.raises(Refused, match="an evaluation that did not end"):
        walk(tmp_path / "log.json")


def test_a_score_that_is_no_share(tmp_path):
    """A perplexity cannot be a pass or a failure."""
    log = inspect_log()
    log["samples"][0]["scores"]["match"]["value"] = 17.5
    (tmp_path / "log.json").write_text(json.dumps(log))
    with pytest.raises(Refused, match="a score that is no share"):
        walk(tmp_path / "log.json")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"a": 1}', "not json", "PK", '{"results": ' + "[" * 100_000, '{"results": {"results": 3}}'],
)
def test_something_else(tmp_path, text):
    """What no known tool wrote is refused in words, and never with a traceback."""
    path = tmp_path / "log.json"
    path.write_text(text)
    with pytest.raises(Refused):
        walk(path)


def test_one_sample_as_large_as_no_sample_is(tmp_path, monkeypatch):
    """A single value is held at once, so it has a limit."""
    monkeypatch.setattr(bounded.JsonWalk.__init__, "__kwdefaults__", {"limit": 1 << 18})
    log = inspect_log()
    log["samples"][2]["store"] = {"a": "x" * (1 << 20)}
    (tmp_path / "log.json").write_text(json.dumps(log))
    with pytest.raises(Refused, match="one sample is too large"):
        walk(tmp_path / "log.json")


def test_a_long_log_is_read_in_pieces(tmp_path):
    """Twenty megabytes of samples never stand in memory together."""
    import tracemalloc

    log = inspect_log()
    one = log["samples"][0]
    log["eval"]["dataset"] = {}
    log["results"]["total_samples"] = 400
    log["samples"] = [one | {"id": i, "store": {"a": f"{i} " * 12_000}} for i in range(400)]
    path = tmp_path / "long.json"
    path.write_text(json.dumps(log))
    del log
    tracemalloc.start()
    read = open_log(path)
    assert 400 == sum(1 for _ in read.entries)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < path.stat().st_size / 4
