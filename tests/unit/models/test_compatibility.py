"""The verdict before loading: wrong pairings are named, the same pair in other clothes is not flagged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from headgate.cli.main import main
from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json
from headgate.models.adapter import adapter_mark
from headgate.models.adapter_layout import misfits
from headgate.models.compatibility import Kind, base_record, compare
from headgate.models.effect import Asked, Effect, decided, retention
from headgate.models.fingerprint import fingerprint_of, read_json
from headgate.models.safetensors_header import read_header
from headgate.models.values import same_values, to_bf16, value_roots
from headgate.stats.verdict import Outcome
from headgate.testing.pairings import HARMLESS, PAIRINGS, SAME, WRONG, Pairing, as_stored, edit_json, store, stored

BASE = Path(__file__).parents[3] / "examples/base/headgate-tiny"
RANK = 2


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the shipped base, and an adapter of all its linear layers with its record."""
    base, adapter = Path(shutil.copytree(BASE, tmp_path / "base")), tmp_path / "adapter"
    adapter.mkdir()
    rng = np.random.default_rng(0)
    tensors = {}
    for name, (_, shape, _, _) in read_header(base / "model.safetensors")[0].items():
        if name.endswith("_proj.weight"):
            stem = f"base_model.model.{name.removesuffix('.weight')}"
            tensors[f"{stem}.lora_A.weight"] = as_stored(rng.normal(size=(RANK, shape[1])))
            tensors[f"{stem}.lora_B.weight"] = as_stored(rng.normal(size=(shape[0], RANK)))
    store(adapter / "adapter_model.safetensors", tensors)
    targets = sorted({name.split(".")[-3] for name in tensors})
    settings = {"peft_type": "LORA", "r": RANK, "lora_alpha": 4, "target_modules": targets, "peft_version": "0.21.2"}
    (adapter / "adapter_config.json").write_bytes(canonical_json(settings))
    mark, fingerprint = adapter_mark(adapter), fingerprint_of(base)
    record = {"adapter": mark.digest, "tensors": mark.tensors, "base": fingerprint.as_json(), "base_name": "tiny"}
    record["base_record"] = base_record(base, fingerprint)
    (adapter / "headgate.json").write_bytes(canonical_json(record))
    return base, adapter


@pytest.mark.parametrize("one", WRONG, ids=lambda one: one.name)
def test_every_wrong_pairing_is_named(pair: tuple[Path, Path], one: Pairing) -> None:
    """Files alone tell that the pair is wrong, and in which part."""
    base, adapter = pair
    one.change(base, adapter)
    found = compare(adapter, base)
    assert Outcome.FAIL is found.verdict.outcome
    assert one.causes & set(found.parts), found.causes


@pytest.mark.parametrize("one", SAME, ids=lambda one: one.name)
def test_the_same_pair_in_other_clothes_is_not_flagged(pair: tuple[Path, Path], one: Pairing) -> None:
    """Shards, names, metadata and the version that saved are no part of an identity."""
    base, adapter = pair
    one.change(base, adapter)
    found = compare(adapter, base)
    assert (Kind.IDENTICAL, (), Outcome.PASS) == (found.kind, found.causes, found.verdict.outcome)


def test_an_update_of_an_embedding_is_stored_the_other_way_round() -> None:
    """PEFT keeps (rank, vocabulary) and (width, rank) for it; its own way round is right, a linear one is not."""
    base = {"model.embed_tokens.weight": (100, 8)}
    settings = {"peft_type": "LORA", "r": 2, "target_modules": ["embed_tokens"]}
    stem = "base_model.model.model.embed_tokens.lora_embedding_"
    assert [] == misfits({f"{stem}A": (2, 100), f"{stem}B": (8, 2)}, settings, base, {})
    assert ["shapes"] == [one.part for one in misfits({f"{stem}A": (2, 8), f"{stem}B": (100, 2)}, settings, base, {})]


@pytest.mark.parametrize("trick", ["x\npass: x on base", "x\x1b[2Jy", "x\u202efdp"])
def test_a_name_forges_no_line(pair: tuple[Path, Path], capsys, trick: str) -> None:
    """A folder's name is printed on one line, with what would break, hide or turn it escaped."""
    base, adapter = pair
    named = adapter.rename(adapter.with_name(trick))
    for folder, code in ((named, 0), (named.with_name(f"{trick}?"), 2)):
        with pytest.raises(SystemExit) as ended:
            main(["fleet", "compat", str(folder), "--base", str(base)])
        assert code == ended.value.code
        said = "".join(capsys.readouterr())
        assert trick not in said
        assert trick.encode("unicode_escape").decode() in said


@pytest.mark.parametrize("one", HARMLESS, ids=lambda one: one.name)
def test_another_type_is_a_class_of_its_own(pair: tuple[Path, Path], one: Pairing) -> None:
    """A cast is told from other weights; both wait for the recorded effect, which can excuse them."""
    base, adapter = pair
    one.change(base, adapter)
    found = compare(adapter, base)
    wanted = (Kind.SAME_VALUES, Outcome.UNSURE) if one.same_values else (Kind.OTHER, Outcome.FAIL)
    assert wanted == (found.kind, found.verdict.outcome)
    assert ("weights",) == found.parts
    assert Outcome.PASS is decided(found, retention(effect(0.0), effect(0.0)))


def effect(shift: float, places: int = 4, prompts: int = 60, pull: float = 1.0) -> Effect:
    """A recorded effect whose likeliest token loses so much probability."""
    first = np.log(0.9 - shift)
    one = Asked(
        messages=({"role": "user", "content": "?"},),
        answer="yes",
        log_probabilities=(float(first),) * places,
        likeliest=(((5, float(first)), (6, float(np.log(0.05)))),) * places,
        divergence=(2.0 * pull,) * places,
    )
    return Effect(adapter="b3:a", base="b3:b", asked=(one,) * prompts)


def test_a_replay_tells_what_is_left_of_an_effect() -> None:
    """The same passes; a moved distribution, a halved pull and other tokens fail; few prompts cannot tell."""
    told = {
        "same": retention(effect(0), effect(0)),
        "moved": retention(effect(0), effect(0.4)),
        "weak": retention(effect(0), effect(0, pull=0.3)),
        "strong": retention(effect(0), effect(0, pull=3)),
        "tokens": retention(effect(0), effect(0, places=5)),
    }
    failed = {name: [one.rule for one in verdicts if one.outcome is Outcome.FAIL] for name, verdicts in told.items()}
    assert {
        "same": [], "moved": ["effect-distribution"], "weak": ["effect-retention"],
        "strong": ["effect-retention"], "tokens": ["effect-tokens"],
    } == failed  # fmt: skip
    few = {one.rule: one.outcome for one in retention(effect(0, prompts=4), effect(0, prompts=4))}
    assert Outcome.UNSURE is few["effect-agreement"]


def test_a_replay_excuses_bytes_and_nothing_else(pair: tuple[Path, Path]) -> None:
    """A template that differs stays a reason, whatever a replay says."""
    base, adapter = pair
    next(one for one in WRONG if one.name == "template with one more newline").change(base, adapter)
    assert Outcome.FAIL is decided(compare(adapter, base), retention(effect(0), effect(0)))


def test_rounding_is_to_nearest_even() -> None:
    """The short types are those of IEEE 754, ties and not-a-number included."""
    given = np.array([1.0, 1.00390625, 1.01171875, np.nan, np.inf, -0.0, 3.4e38], np.float32)
    assert ["3f80", "3f80", "3f82", "7fc0", "7f80", "8000", "7f80"] == [f"{one:04x}" for one in to_bf16(given)]


def test_values_survive_a_cast_and_not_a_change(pair: tuple[Path, Path]) -> None:
    """float32, bfloat16 and float16 copies hold the same values; one changed value is seen in all of them."""
    base, _ = pair
    before = value_roots(base, "one")
    tensors = stored(base / "model.safetensors")
    name, one = next(iter(tensors.items()))
    array = np.frombuffer(one[2], "<f4")
    tensors[name] = ("F16", one[1], array.astype("<f2").tobytes())
    store(base / "model.safetensors", tensors)
    assert same_values(before, value_roots(base, "two"))
    changed = array.copy()
    changed[0] *= 1.5
    tensors[name] = as_stored(changed.reshape(one[1]))
    store(base / "model.safetensors", tensors)
    assert not same_values(before, value_roots(base, "three"))


def test_a_quantised_copy_waits_for_the_effect(pair: tuple[Path, Path]) -> None:
    """Whether packed values are near cannot be read from files: a class of its own, and unsure."""
    base, adapter = pair
    edit_json(base / "config.json", quantization_config={"quant_method": "gptq", "bits": 4})
    found = compare(adapter, base)
    assert (("quantisation",), Outcome.UNSURE) == (found.parts, found.verdict.outcome)


def test_an_adapter_from_elsewhere_is_unsure(pair: tuple[Path, Path]) -> None:
    """Fitting by shape is no proof: many bases have the same."""
    base, adapter = pair
    (adapter / "headgate.json").unlink()
    assert Outcome.UNSURE is compare(adapter, base).verdict.outcome


def test_settings_that_are_not_known_are_a_reason(pair: tuple[Path, Path]) -> None:
    """A newer library may ask for arithmetic that this one does not do; empty settings ask for nothing."""
    base, adapter = pair
    (adapter / "headgate.json").unlink()
    edit_json(adapter / "adapter_config.json", a_new_empty_setting=None)
    assert () == compare(adapter, base).causes
    edit_json(adapter / "adapter_config.json", use_newer_lora=True)
    assert ("settings",) == compare(adapter, base).parts


def test_tokens_without_embeddings_and_no_tokenizer(pair: tuple[Path, Path]) -> None:
    """A tokenizer that grew beyond the embeddings, or that is not there, cannot serve."""
    base, adapter = pair
    body = read_json(base / "tokenizer.json")
    edit_json(base / "tokenizer.json", added_tokens=[*body["added_tokens"], {"id": 5000, "content": "<new>"}])
    assert {"vocabulary", "tokenizer"} <= set(compare(adapter, base).parts)
    (base / "tokenizer.json").unlink()
    found = compare(adapter, base)
    assert Kind.CANNOT_LOAD is found.kind
    assert "the base has no tokenizer" in [one.message for one in found.causes]


def test_pairings_have_names_of_their_own() -> None:
    """The table is complete: 17 that change answers, 5 that change bytes, 6 that change neither, and one type more."""
    assert (17, 6, 6) == (len(WRONG), len(HARMLESS), len(SAME))
    assert len(PAIRINGS) == len({one.name for one in PAIRINGS})


def test_the_verb_says_it_in_exit_codes(pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """0 may be used, 1 would load and may not, 2 cannot be loaded or read, 3 files cannot tell."""
    base, adapter = pair

    def run(*more: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(["fleet", "compat", str(adapter), "--base", str(base), "--ledger", str(base / "none"), *more])
        return int(ended.value.code or 0)

    assert 0 == run()
    assert "identical" in capsys.readouterr().out
    next(one for one in HARMLESS if one.same_values).change(base, adapter)
    assert 3 == run("--quiet")
    edit_json(base / "config.json", rms_norm_eps=1e-3)
    assert 1 == run("--json")
    answer = json.loads(capsys.readouterr().out)
    assert ("fail", "another base") == (answer["outcome"], answer["kind"])
    assert {"config", "weights"} == {one["part"] for one in answer["causes"]}
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    assert 2 == run()
    assert "pickles run code" in capsys.readouterr().err


def test_an_effect_of_another_adapter_is_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """What was recorded belongs to one adapter."""
    from headgate.fleet.compat import ask
    from headgate.models.effect import write_effect

    base, adapter = pair
    write_effect(effect(0), tmp_path / "other.effect")
    with pytest.raises(Refused, match="the effect of another adapter"):
        ask(adapter, base, effect=tmp_path / "other.effect")
    (tmp_path / "other.effect").write_text("{}", encoding="utf-8")
    with pytest.raises(Refused, match="not a recorded effect"):
        ask(adapter, base, effect=tmp_path / "other.effect")
