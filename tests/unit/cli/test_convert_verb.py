"""`headgate convert` as it is typed."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from headgate.cli.main import main

GOOD = b'{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo"}],"licence":"MIT"}\n'


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["convert", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_a_table_becomes_chat_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The columns are named, everything is written, exit code 0."""
    source, out = tmp_path / "in.csv", tmp_path / "out.jsonl"
    source.write_bytes(b"mail,reply,kind\nhi,yo,greeting\n")
    code = run(
        source,
        "--columns",
        "prompt=mail,completion=reply",
        "--columns",
        "slice.kind=kind",
        "--to",
        "openai-sft",
        "-o",
        out,
    )
    assert code == 0
    assert orjson.loads(out.read_bytes())["messages"][1] == {"role": "assistant", "content": "yo"}
    printed = capsys.readouterr().out
    assert "1 of 1 rows as openai-sft" in printed
    assert "slices (1)" in printed


def test_json_tells_the_whole_story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object: outcome, losses, what was not read, what was not written, what stands beside."""
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    prompt = b'{"messages":[{"role":"user","content":"hi"}]}\n'
    weighed = GOOD.replace(b'"yo"', b'"yo","weight":1')
    source.write_bytes(GOOD + b"{broken\n" + prompt + weighed)
    assert run(source, "--to", "alpaca", "-o", out, "--json") == 2
    told = orjson.loads(capsys.readouterr().out)
    assert (told["command"], told["outcome"], told["written"]) == ("convert", "fail", 2)
    assert told["lost"] == {"weights": 1}
    assert told["carried"] == {"side.licence": 2}
    assert [(bad["line"], bad["what"]) for bad in told["bad_lines"]] == [(2, "broken JSON")]
    assert [(one["line"], one["reason"]) for one in told["unwritable"]] == [(3, "it is a prompt without an answer")]
    assert (told["side_car"], told["dataset_info"]) == (f"{out}.headgate.jsonl", str(tmp_path / "dataset_info.json"))


def test_losses_of_parts_alone_pass_and_quiet_prints_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0 when every row was written, though a weight went."""
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(GOOD.replace(b'"yo"', b'"yo","weight":1'))
    assert run(source, "--to", "alpaca", "-o", out, "--quiet") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--to", "alpacca"], "did you mean alpaca?"),
        (["--to", "alpaca", "--strict"], "in.jsonl:2"),
        (["--to", "alpaca", "--columns", "prompt"], "OURS=THEIRS"),
        (["--to", "openai-dpo"], "no pair of a chosen and a rejected answer"),
    ],
)
def test_wrong_use_and_bad_input_end_with_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    """The message says what to do; nothing is written."""
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(GOOD + b"{broken\n")
    assert run(source, "-o", out, *arguments) == 2
    assert told in capsys.readouterr().err
    assert not out.exists()


def test_a_file_is_not_converted_onto_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also not through a link."""
    source, link = tmp_path / "in.jsonl", tmp_path / "link.jsonl"
    source.write_bytes(GOOD)
    link.symlink_to(source)
    assert run(source, "--to", "alpaca", "-o", link) == 2
    assert "the same file" in capsys.readouterr().err
    assert source.read_bytes() == GOOD


def test_a_dash_is_no_file_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the format cannot hold is written beside OUT, and beside standard output there is nothing."""
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_bytes(GOOD)
    assert 2 == run("in.jsonl", "--to", "alpaca", "-o", "-")
    assert "OUT is a file" in capsys.readouterr().err
    assert ["in.jsonl"] == [path.name for path in tmp_path.iterdir()]
