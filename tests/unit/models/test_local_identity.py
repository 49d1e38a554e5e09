"""Fingerprints of bases and adapters: what is the same, what is another, what does not belong together."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json
from headgate.models.adapter import adapter_mark, must_belong
from headgate.models.fingerprint import file_marks, fingerprint_of, read_header

BASE = Path(__file__).parents[3] / "examples/base/headgate-tiny"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped base."""
    return Path(shutil.copytree(BASE, tmp_path / "copy"))


def write_tensors(path: Path, tensors: dict[str, tuple[str, list[int], bytes]]) -> None:
    """A safetensors file, tensors in the order given."""
    header, data = {}, b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_tensors(path: Path) -> dict[str, tuple[str, list[int], bytes]]:
    header, start = read_header(path)
    raw = path.read_bytes()
    return {n: (dtype, list(shape), raw[start + a : start + b]) for n, (dtype, shape, a, b) in header.items()}


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    body = json.loads(path.read_bytes())
    change(body)
    path.write_text(json.dumps(body, indent=4), encoding="utf-8")


def test_the_shipped_base_is_what_its_sums_say() -> None:
    """The files in the repository are those that the build script makes."""
    import hashlib

    lines = (BASE.parent / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    named = {line.split("  ")[1]: line.split("  ")[0] for line in lines}
    found = {f"headgate-tiny/{p.name}": hashlib.sha256(p.read_bytes()).hexdigest() for p in BASE.iterdir()}
    assert found == named


def test_sharding_order_and_idle_keys_change_nothing(copy: Path) -> None:
    """The same weights saved as two files by another version are the same base."""
    tensors = read_tensors(copy / "model.safetensors")
    names = sorted(tensors, reverse=True)
    for part, some in (("a.safetensors", names[::2]), ("b.safetensors", names[1::2])):
        write_tensors(copy / part, {name: tensors[name] for name in some})
    shards = {name: "a.safetensors" if name in names[::2] else "b.safetensors" for name in names}
    (copy / "model.safetensors").unlink()
    (copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}), encoding="utf-8")
    edit_json(copy / "config.json", lambda body: body.update(transformers_version="9.9", _name_or_path="/x"))
    edit_json(copy / "tokenizer.json", lambda body: body.update(padding={"direction": "Left"}, truncation=None))
    assert fingerprint_of(copy) == fingerprint_of(BASE)


def one_bit(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(bytes(data))


CHANGES: dict[str, Callable[[Path], None]] = {
    "weights": one_bit,
    "config": lambda f: edit_json(f / "config.json", lambda body: body.update(rms_norm_eps=1e-5)),
    "tokenizer": lambda f: edit_json(f / "tokenizer.json", lambda body: body["model"]["merges"].reverse()),
    "template": lambda f: (f / "chat_template.jinja").write_text(
        (f / "chat_template.jinja").read_text(encoding="utf-8").replace("<|end|>", "<|end|>\n"), encoding="utf-8"
    ),
    "generation": lambda f: edit_json(f / "generation_config.json", lambda body: body.update(eos_token_id=[2, 0])),
}


@pytest.mark.parametrize("part", CHANGES)
def test_each_part_of_a_base_is_told_apart(copy: Path, part: str) -> None:
    """A change shows in its part and in no other."""
    CHANGES[part](copy)
    assert fingerprint_of(BASE).differences(fingerprint_of(copy).as_json()) == [part]


def test_pickled_weights_are_never_opened(copy: Path) -> None:
    """Opening a pickle runs code; the refusal names what was found."""
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(Refused, match="no safetensors weights") as refused:
        fingerprint_of(copy)
    assert refused.value.found == "pytorch_model.bin"


@pytest.mark.parametrize("data", [b"", b"\x00" * 7, b"\xff" * 64, struct.pack("<Q", 2) + b"[]", b"PK\x03\x04" * 9])
def test_what_is_not_safetensors_is_refused(tmp_path: Path, data: bytes) -> None:
    """No crash, whatever the bytes."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(Refused, match="not a safetensors file"):
        file_marks(path)


def test_a_file_cut_short_is_refused(copy: Path) -> None:
    """A download that broke off is told from another model."""
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Refused, match="cut short"):
        fingerprint_of(copy)


def test_an_index_may_not_point_outside_its_folder(copy: Path) -> None:
    """Shard names come from outside."""
    index = {"weight_map": {"a": "../../etc/passwd"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(Refused, match="points outside"):
        fingerprint_of(copy)


RANK = 2


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """A LoRA adapter for the query and value layers of the shipped base, with its record."""
    folder = tmp_path / "adapter"
    folder.mkdir()
    header, _ = read_header(BASE / "model.safetensors")
    tensors = {}
    for name, (_, shape, _, _) in header.items():
        stem = name.removesuffix(".weight")
        if stem.rpartition(".")[2] not in ("q_proj", "v_proj"):
            continue
        for half, size in (("A", (RANK, shape[1])), ("B", (shape[0], RANK))):
            raw = bytes((len(tensors) + i) % 251 for i in range(4 * size[0] * size[1]))
            tensors[f"base_model.model.{stem}.lora_{half}.weight"] = ("F32", list(size), raw)
    write_tensors(folder / "adapter_model.safetensors", tensors)
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 4, "target_modules": ["v_proj", "q_proj"]}
    (folder / "adapter_config.json").write_bytes(canonical_json(config))
    sign(folder)
    return folder


def sign(folder: Path) -> None:
    mark = adapter_mark(folder)
    record = {"adapter": mark.digest, "tensors": mark.tensors, "base": fingerprint_of(BASE).as_json(), "base_name": "t"}
    (folder / "headgate.json").write_bytes(canonical_json(record))


def test_an_adapter_belongs_to_its_base(adapter: Path) -> None:
    """The right pairing passes, also after PEFT wrote its settings in another order with a path in them."""
    must_belong(adapter, BASE, fingerprint_of(BASE))

    def resaved(body: dict[str, Any]) -> None:
        body["target_modules"].reverse()
        body.update(base_model_name_or_path="/somewhere/else", peft_version="0.99")

    edit_json(adapter / "adapter_config.json", resaved)
    must_belong(adapter, BASE, fingerprint_of(BASE))


@pytest.mark.parametrize("part", ["weights", "config", "tokenizer", "template"])
def test_an_adapter_is_refused_on_any_other_base(adapter: Path, copy: Path, part: str) -> None:
    """PEFT loads these pairings in silence; here the differing part is named."""
    CHANGES[part](copy)
    with pytest.raises(Refused, match="made for another base") as refused:
        must_belong(adapter, copy, fingerprint_of(copy))
    assert str(refused.value.found).endswith(f"differs in {part}")


def test_other_generation_defaults_do_not_break_an_adapter(adapter: Path, copy: Path) -> None:
    """Defaults of sampling are not what an adapter was trained on."""
    CHANGES["generation"](copy)
    must_belong(adapter, copy, fingerprint_of(copy))


def test_an_adapter_from_elsewhere_needs_a_word(adapter: Path) -> None:
    """Without a record nothing is known; who loads it all the same says so."""
    (adapter / "headgate.json").unlink()
    with pytest.raises(Refused, match="no record of its base"):
        must_belong(adapter, BASE, fingerprint_of(BASE))
    must_belong(adapter, BASE, fingerprint_of(BASE), allow_unrecorded=True)


def test_edited_settings_and_tensors_are_seen(adapter: Path) -> None:
    """Four times the alpha loads without a word elsewhere and ruins every answer."""
    edit_json(adapter / "adapter_config.json", lambda body: body.update(lora_alpha=16))
    with pytest.raises(Refused, match="settings were changed"):
        must_belong(adapter, BASE, fingerprint_of(BASE))
    edit_json(adapter / "adapter_config.json", lambda body: body.update(lora_alpha=4))
    path = adapter / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(Refused, match="tensors were changed"):
        must_belong(adapter, BASE, fingerprint_of(BASE))


def without_layer(tensors: dict[str, Any]) -> None:
    for name in [one for one in tensors if ".layers.1." in one]:
        del tensors[name]


def extra_layer(tensors: dict[str, Any]) -> None:
    for name in [one for one in tensors if ".layers.1." in one]:
        tensors[name.replace(".layers.1.", ".layers.9.")] = tensors[name]


def half_a_pair(tensors: dict[str, Any]) -> None:
    del tensors[next(name for name in tensors if "lora_B" in name)]


def other_prefix(tensors: dict[str, Any]) -> None:
    for name in list(tensors):
        tensors[name.replace("base_model.model.model.", "base_model.model.language_model.")] = tensors.pop(name)


def other_shape(tensors: dict[str, Any]) -> None:
    name = next(name for name in tensors if "lora_A" in name)
    dtype, (rank, width), raw = tensors[name]
    tensors[name] = (dtype, [rank, width // 2], raw[: len(raw) // 2])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_layer, "has no tensors"),
        (extra_layer, "layers.9.self_attn.q_proj is not in the base"),
        (half_a_pair, "lacks half of its pair"),
        (other_prefix, "is not in the base"),
        (other_shape, "x (2, 48) on"),
    ],
)
def test_tensors_must_cover_the_base_exactly(
    adapter: Path, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    """Missing, left over, halved, renamed or reshaped: refused from the header alone."""
    tensors = read_tensors(adapter / "adapter_model.safetensors")
    change(tensors)
    write_tensors(adapter / "adapter_model.safetensors", tensors)
    sign(adapter)
    with pytest.raises(Refused, match="does not fit the base") as refused:
        must_belong(adapter, BASE, fingerprint_of(BASE))
    assert said in str(refused.value.found)
