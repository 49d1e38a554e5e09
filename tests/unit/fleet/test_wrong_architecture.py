"""Adapters for another architecture, and folders that are no adapters: refused before a weight is read."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_adapters import BASE, make_adapter

from headgate.cli.main import main
from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.models.adapter import CONFIG, RECORD, TENSORS, must_belong
from headgate.models.adapter_settings import pattern_of
from headgate.models.compatibility import base_record
from headgate.models.doors import LOCAL
from headgate.models.fingerprint import fingerprint_of
from headgate.models.named_base import Told
from headgate.models.opening import open_model

pytestmark = pytest.mark.training


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter of the shipped base, with the whole of its record."""
    made = make_adapter(tmp_path / "adapter")
    edited(made / RECORD, base_record=base_record(BASE, fingerprint_of(BASE)))
    return made


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The shipped base under another architecture: every tensor has the same name, shape and value."""
    base = Path(shutil.copytree(BASE, tmp_path / "other"))
    edited(base / "config.json", model_type="mistral", architectures=["MistralForCausalLM"])
    return base


@pytest.fixture(autouse=True)
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """No weight is read by any library in these tests."""
    import safetensors.torch
    from transformers import AutoModelForCausalLM

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("weights were read")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", never)
    monkeypatch.setattr(safetensors.torch, "load_file", never)


def edited(path: Path, **changes: Any) -> None:
    """Changes keys of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


def called(*words: object) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return int(ended.value.code or 0)


DOORS: dict[str, Callable[[Path, Path, Path], tuple[object, ...]]] = {
    "compat": lambda a, b, t: ("fleet", "compat", a, "--base", b, "--ledger", t / "none"),
    "serve": lambda a, b, _: ("serve", "--base", b, "--adapter", f"x={a}", "--port", 0),
    "compose": lambda a, b, t: (
        "fleet", "compose", "--base", b, "--adapter", f"x={a}", "--adapter", f"y={a}",
    ),
    "copy": lambda a, b, t: (
        "fleet", "migrate", "make", a, "--from", BASE, "--to", b, "--road", "copy", "--out", t / "out",
    ),
    "score": lambda a, b, t: (
        "curate", "score", t / "rows.csv", "--model", f"local:{b}", "--adapter", a, "-o", t / "out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_another_architecture_is_refused_at_every_door(
    door: str, adapter: Path, other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Equal shapes are no excuse: the record says what it was made for. Exit code 2, and nothing is written."""
    (tmp_path / "rows.csv").write_text("prompt,completion\nwhere is my card,card\n", encoding="utf-8")
    assert 2 == called(*DOORS[door](adapter, other, tmp_path))
    told = "".join(capsys.readouterr())
    assert "architecture" in told
    assert "mistral" in told
    assert not (tmp_path / "out").exists()


def test_whatever_asks_a_local_model_refuses_it_first(adapter: Path, other: Path) -> None:
    """Evaluation, probes, distillation and judges all open a model here."""
    with pytest.raises(Refused, match="made for another architecture"):
        open_model(f"local:{other}", adapter=adapter)
    with pytest.raises(Refused, match="made for another architecture"):
        open_door(LOCAL).LocalModel(other, adapter=adapter, as_it_is=True)


def test_without_a_record_the_own_settings_may_still_speak_against_a_base(
    adapter: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The class that was wrapped, the folder that is named, the download that is named: each tells the architecture."""
    (adapter / RECORD).unlink()
    cache = tmp_path / "hub/models--acme--tiny"
    shutil.copytree(BASE, cache / "snapshots/c0ffee")
    (cache / "refs").mkdir()
    (cache / "refs/main").write_text("c0ffee", encoding="utf-8")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    library = {"base_model_class": "LlamaForCausalLM", "parent_library": "transformers.models.llama.modeling_llama"}
    for own in (
        {"auto_mapping": library, "base_model_name_or_path": ""},
        {"auto_mapping": None, "base_model_name_or_path": str(BASE)},
        {"auto_mapping": None, "base_model_name_or_path": "acme/tiny"},
    ):
        edited(adapter / CONFIG, **own)
        with pytest.raises(Refused, match="made for another architecture"):
            open_model(f"local:{other}", adapter=adapter, allow_unrecorded=True)
        with pytest.raises(Refused, match="made for another architecture"):
            open_door(LOCAL).LocalModel(other, adapter=adapter, as_it_is=True)
        assert 2 == called("fleet", "compat", adapter, "--base", other, "--ledger", tmp_path / "none", "--quiet")
        assert 3 == called("fleet", "compat", adapter, "--base", BASE, "--ledger", tmp_path / "none", "--quiet")


@pytest.mark.parametrize(
    "name", ["acme/tiny", "llama/llama", "../base", "/nowhere", "\0", "x" * 5000, "/proc/self/mem"]
)
def test_a_name_alone_says_nothing(name: str, adapter: Path, other: Path, tmp_path: Path) -> None:
    """Many a model is called after one family and built like another; and no name is an accident."""
    (adapter / RECORD).unlink()
    edited(adapter / CONFIG, base_model_name_or_path=name, revision="../..", auto_mapping={"parent_library": "os.path"})
    assert 3 == called("fleet", "compat", adapter, "--base", other, "--ledger", tmp_path / "none", "--quiet")


@pytest.mark.parametrize(
    ("kind", "family", "same"),
    [("gemma3_text", "gemma3", True), ("gemma3", "gemma", False), ("llama4", "llama", False), ("x-mod", "x_mod", True)],
)
def test_a_family_is_a_word_of_its_own(kind: str, family: str, same: bool) -> None:
    """The text part of a model with pictures is of its family; the next generation is not."""
    told = Told(family=family, where="", config={})
    assert same is (told.contradicts({"model_type": kind}) == "")


def test_compat_says_why_in_json_too(adapter: Path, other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer is an error with every cause; a base that would load is a verdict."""
    assert 2 == called("fleet", "compat", adapter, "--base", other, "--ledger", other / "none", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert ("error", "cannot load", "refused") == (answer["outcome"], answer["kind"], answer["error"]["kind"])
    assert ["architecture"] == [one["part"] for one in answer["causes"]]
    edited(other / "config.json", model_type="llama", rms_norm_eps=1e-3)
    assert 1 == called("fleet", "compat", adapter, "--base", other, "--ledger", other / "none", "--json")
    assert "fail" == json.loads(capsys.readouterr().out)["outcome"]


def test_a_base_without_a_tokenizer_is_named(adapter: Path, tmp_path: Path) -> None:
    """Not as a missing file."""
    base = Path(shutil.copytree(BASE, tmp_path / "mute"))
    fingerprint = fingerprint_of(base)
    (base / "tokenizer.json").unlink()
    with pytest.raises(Refused, match="the base has no tokenizer"):
        must_belong(adapter, base, fingerprint)


DAMAGE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a pickle": (TENSORS, lambda f: f.rename(f.with_name("adapter_model.bin")), "no safetensors in the adapter folder"),
    "a pickle by another name": (TENSORS, lambda f: f.write_bytes(pickle.dumps([1] * 99)), "not a safetensors file"),
    "cut short": (TENSORS, lambda f: f.write_bytes(f.read_bytes()[:-9]), "cut short"),
    "a link to elsewhere": (TENSORS, lambda f: (f.unlink(), f.symlink_to("/etc/hosts")), "not a safetensors file"),
    "a rank that is a word": (CONFIG, lambda f: edited(f, r="many"), "setting r cannot be read"),
    "targets that are a number": (CONFIG, lambda f: edited(f, target_modules=7), "setting target_modules"),
    "endless brackets": (CONFIG, lambda f: f.write_text("[" * 100_000), "not JSON"),
    "a record of words": (RECORD, lambda f: f.write_text('{"base": "x"}'), "record cannot be read: base"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_no_adapter_is_refused(damage: str, adapter: Path) -> None:
    """As bad input with its reason, never as an accident of ours."""
    name, change, told = DAMAGE[damage]
    change(adapter / name)
    with pytest.raises(Refused, match=told):
        must_belong(adapter, BASE, fingerprint_of(BASE))


@pytest.mark.parametrize("pattern", ["(a+)+$", "((a+))+", "(x(.*)y)*", "(?:(?:a+)b){5,}", "a" * 3000, "("])
def test_patterns_that_may_never_end_mean_nothing(pattern: str) -> None:
    """A repeated group that repeats something itself is not tried."""
    assert None is pattern_of(pattern)


@pytest.mark.parametrize(
    ("pattern", "name", "other"),
    [
        (r".*\.(q|v)_proj", "layers.0.self_attn.q_proj", "layers.0.self_attn.k_proj"),
        (r"model\.layers\.(1\d|2[0-9]+)\..*", "model.layers.17.mlp", "model.layers.3.mlp"),
        ("^(?!.*visual).*(?:q|k)", "text.q", "visual.q"),
    ],
)
def test_patterns_that_people_write_are_tried(pattern: str, name: str, other: str) -> None:
    """Alternatives, look-ahead, one repetition after the other."""
    found = pattern_of(pattern)
    assert (True, True) == (found is not None and found.fullmatch(name) is not None, found.fullmatch(other) is None)
