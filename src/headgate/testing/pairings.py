"""Adapters on bases that are not theirs: the wrong pairings that are met in practice, made from a right one.

Each takes a copy of a base folder and a copy of an adapter folder and changes one of them, as a mistake would. The
causes are the parts of which a check must name at least one; none means that the pair must not be flagged.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headgate.models.adapter import CONFIG, TENSORS
from headgate.models.safetensors_header import read_header
from headgate.models.values import READERS, to_bf16

Array = np.ndarray[Any, Any]
Stored = dict[str, tuple[str, tuple[int, ...], bytes]]  # name -> type, shape, bytes
WEIGHTS = "model.safetensors"
SEED = 7
# What a library leaves in tokenizer.json after somebody's last batch.
PADDING = {
    "strategy": "BatchLongest", "direction": "Left", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
    "pad_token": "<|pad|>",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """One way to bring an adapter and a base together."""

    name: str
    change: Callable[[Path, Path], None]  # of copies of the base and of the adapter
    causes: frozenset[str] = frozenset()  # parts of which a check must name one; empty: must not be flagged
    same_values: bool = False  # to be told as a class of its own, and passed once the effect was replayed
    harmless: bool = False  # other bytes that compute the same: flagged from the files, passed by a replay


def stored(path: Path) -> Stored:
    """Every tensor of a safetensors file."""
    header, start = read_header(path)
    raw = path.read_bytes()
    return {name: (dtype, shape, raw[start + a : start + b]) for name, (dtype, shape, a, b) in header.items()}


def store(path: Path, tensors: Stored, metadata: dict[str, str] | None = None) -> None:
    """Writes a safetensors file, tensors in the order given."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    data = b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def edit_json(path: Path, **changes: Any) -> None:
    """Changes keys of a JSON file."""
    body = json.loads(path.read_bytes())
    path.write_text(json.dumps({**body, **changes}), encoding="utf-8")


def values(one: tuple[str, tuple[int, ...], bytes]) -> Array:
    """A stored tensor as float32."""
    return READERS[one[0]][1](one[2]).reshape(one[1]).astype(np.float32)


def as_stored(array: Array) -> tuple[str, tuple[int, ...], bytes]:
    """A float32 array as a stored tensor."""
    return "F32", tuple(array.shape), np.ascontiguousarray(array, "<f4").tobytes()


def _each(change: Callable[[Array, np.random.Generator], Array]) -> Callable[[Path, Path], None]:
    def run(base: Path, adapter: Path) -> None:  # noqa: ARG001 - one shape for all
        rng = np.random.default_rng(SEED)
        tensors = stored(base / WEIGHTS)
        store(base / WEIGHTS, {name: as_stored(change(values(one), rng)) for name, one in tensors.items()})

    return run


def _noised(share: float) -> Callable[[Path, Path], None]:
    return _each(lambda x, rng: x + share * x.std() * rng.standard_normal(x.shape, dtype=np.float32))


def _random(x: Array, rng: np.random.Generator) -> Array:
    return np.asarray(rng.normal(float(x.mean()), float(x.std()), x.shape)) if x.ndim > 1 else x


def _through_bf16(x: Array, rng: np.random.Generator) -> Array:  # noqa: ARG001
    return (to_bf16(x).astype(np.uint32) << 16).view(np.float32)


def _kept_bf16(base: Path, adapter: Path) -> None:  # noqa: ARG001
    tensors = stored(base / WEIGHTS)
    short = {name: ("BF16", one[1], to_bf16(values(one)).tobytes()) for name, one in tensors.items()}
    store(base / WEIGHTS, short)
    edit_json(base / "config.json", dtype="bfloat16")


def _layers(move: Callable[[int], list[int]], count: Callable[[int], int]) -> Callable[[Path, Path], None]:
    """Layers copied to other numbers: `move` gives the new numbers of an old one, `count` their number."""

    def run(base: Path, adapter: Path) -> None:  # noqa: ARG001
        out: Stored = {}
        for name, one in stored(base / WEIGHTS).items():
            found = re.search(r"\.layers\.(\d+)\.", name)
            numbers = move(int(found[1])) if found else [None]
            for number in numbers:
                out[name if number is None else re.sub(r"\.layers\.\d+\.", f".layers.{number}.", name)] = one
        config = json.loads((base / "config.json").read_bytes())
        store(base / WEIGHTS, out)
        edit_json(base / "config.json", num_hidden_layers=count(config["num_hidden_layers"]), layer_types=None)

    return run


def _many_heads(base: Path, adapter: Path) -> None:  # noqa: ARG001
    config = json.loads((base / "config.json").read_bytes())
    heads, groups = config["num_attention_heads"], config["num_key_value_heads"]
    out: Stored = {}
    for name, one in stored(base / WEIGHTS).items():
        if re.search(r"\.(k|v)_proj\.weight$", name):
            array = values(one)
            wide = np.repeat(array.reshape(groups, -1, array.shape[1]), heads // groups, axis=0)
            one = as_stored(wide.reshape(-1, array.shape[1]))
        out[name] = one
    store(base / WEIGHTS, out)
    edit_json(base / "config.json", num_key_value_heads=heads)


def _wider_vocabulary(base: Path, adapter: Path) -> None:  # noqa: ARG001
    out: Stored = {}
    for name, one in stored(base / WEIGHTS).items():
        array = values(one)
        wide = name.endswith(("embed_tokens.weight", "lm_head.weight"))
        out[name] = as_stored(np.concatenate([array, array[:16]]) if wide else array)
    store(base / WEIGHTS, out)
    edit_json(base / "config.json", vocab_size=json.loads((base / "config.json").read_bytes())["vocab_size"] + 16)


def _template(change: Callable[[str], str]) -> Callable[[Path, Path], None]:
    def run(base: Path, adapter: Path) -> None:  # noqa: ARG001
        path = base / "chat_template.jinja"
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return run


def _other_ids(base: Path, adapter: Path) -> None:  # noqa: ARG001
    path = base / "tokenizer.json"
    body = json.loads(path.read_bytes())
    vocabulary = body["model"]["vocab"]
    special = {one["content"] for one in body.get("added_tokens", [])}
    names = [name for name in vocabulary if name not in special]
    turned = [vocabulary[name] for name in names]
    for name, number in zip(names, turned[7:] + turned[:7], strict=True):
        vocabulary[name] = number
    path.write_text(json.dumps(body), encoding="utf-8")


def _base_names(change: Callable[[str], str]) -> Callable[[Path, Path], None]:
    def run(base: Path, adapter: Path) -> None:  # noqa: ARG001
        store(base / WEIGHTS, {change(name): one for name, one in stored(base / WEIGHTS).items()})

    return run


def _tensors(change: Callable[[Stored], Stored]) -> Callable[[Path, Path], None]:
    def run(base: Path, adapter: Path) -> None:  # noqa: ARG001
        store(adapter / TENSORS, change(stored(adapter / TENSORS)))

    return run


def _without_layer(tensors: Stored) -> Stored:
    return {name: one for name, one in tensors.items() if ".layers.1." not in name}


def _extra_layer(tensors: Stored) -> Stored:
    more = {name.replace(".layers.1.", ".layers.9."): one for name, one in tensors.items() if ".layers.1." in name}
    return tensors | more


def _other_prefix(tensors: Stored) -> Stored:
    return {name.replace(".model.layers.", ".model.language_model.layers."): one for name, one in tensors.items()}


def _settings(**changes: Any) -> Callable[[Path, Path], None]:
    def run(base: Path, adapter: Path) -> None:  # noqa: ARG001
        edit_json(adapter / CONFIG, **changes)

    return run


def _times_alpha(base: Path, adapter: Path) -> None:  # noqa: ARG001
    edit_json(adapter / CONFIG, lora_alpha=4 * json.loads((adapter / CONFIG).read_bytes())["lora_alpha"])


def _rank(base: Path, adapter: Path) -> None:  # noqa: ARG001
    edit_json(adapter / CONFIG, r=2 * json.loads((adapter / CONFIG).read_bytes())["r"])


def _rope(base: Path, adapter: Path) -> None:  # noqa: ARG001
    config = json.loads((base / "config.json").read_bytes())
    edit_json(base / "config.json", rope_parameters={**config["rope_parameters"], "rope_theta": 5e5})


def _epsilon(base: Path, adapter: Path) -> None:  # noqa: ARG001
    edit_json(base / "config.json", rms_norm_eps=1e-5)


def _nothing(base: Path, adapter: Path) -> None:
    """The pair as it is."""


def _shards(base: Path, adapter: Path) -> None:  # noqa: ARG001
    tensors = stored(base / WEIGHTS)
    names = sorted(tensors, reverse=True)
    for part, some in (("a.safetensors", names[::2]), ("b.safetensors", names[1::2])):
        store(base / part, {name: tensors[name] for name in some})
    where = {name: "a.safetensors" if i % 2 == 0 else "b.safetensors" for i, name in enumerate(names)}
    (base / WEIGHTS).unlink()
    (base / f"{WEIGHTS}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}), encoding="utf-8")


def _older_library(base: Path, adapter: Path) -> None:  # noqa: ARG001
    """Settings as version 4 of transformers wrote them, the tied head stored again, buffers and all."""
    config = json.loads((base / "config.json").read_bytes())
    rope = config.pop("rope_parameters")
    config |= {"rope_theta": rope["rope_theta"], "rope_scaling": None, "torch_dtype": config.pop("dtype", "float32")}
    config |= {"transformers_version": "4.44.0", "_name_or_path": "/somewhere/else"}
    (base / "config.json").write_text(json.dumps(config, indent=4), encoding="utf-8")
    tensors = stored(base / WEIGHTS)
    if config.get("tie_word_embeddings"):
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = as_stored(np.ones(4, np.float32))
    store(base / WEIGHTS, tensors, {"format": "pt"})
    edit_json(base / "tokenizer.json", padding=PADDING, truncation=None)


def _metadata(base: Path, adapter: Path) -> None:
    store(base / WEIGHTS, stored(base / WEIGHTS), {"format": "pt", "made": "elsewhere"})
    store(adapter / TENSORS, dict(reversed(stored(adapter / TENSORS).items())), {"format": "pt"})


def _elsewhere(base: Path, adapter: Path) -> None:
    for folder in (base, adapter):
        folder.rename(folder.with_name(folder.name + "-moved"))
        folder.with_name(folder.name + "-moved").rename(folder)
    edit_json(adapter / CONFIG, base_model_name_or_path="somebody/another-base", peft_version="0.18.0")


def _parts(*names: str) -> frozenset[str]:
    return frozenset(names)


# The wrong pairings of the method paper, in its order; accuracy there fell to nothing in seven of the silent ones.
WRONG: tuple[Pairing, ...] = (
    Pairing(name="layers in another order", change=_layers(lambda i: [2 - i] if i < 3 else [i], lambda n: n),
            causes=_parts("weights")),
    Pairing(name="random weights, same shapes", change=_each(_random), causes=_parts("weights")),
    Pairing(name="rope_theta changed", change=_rope, causes=_parts("config")),
    Pairing(name="rms_norm_eps changed", change=_epsilon,
            causes=_parts("config")),
    Pairing(name="grouped heads made full heads", change=_many_heads, causes=_parts("shapes")),
    Pairing(name="two more layers", change=_layers(lambda i: [i, 3, 4] if i == 2 else [i], lambda n: n + 2),
            causes=_parts("config", "tensors")),
    Pairing(name="one layer fewer", change=_layers(lambda i: [i] if i < 2 else [], lambda n: n - 1),
            causes=_parts("tensors")),
    Pairing(name="vocabulary of 16 more", change=_wider_vocabulary, causes=_parts("vocabulary")),
    Pairing(name="another chat template", causes=_parts("template"),
            change=_template(lambda s: s.replace("'<|' + message['role'] + '|>'", "'### ' + message['role'] + ': '"))),
    Pairing(name="template with one more newline", causes=_parts("template"),
            change=_template(lambda s: s.replace("<|end|>", "<|end|>\\n"))),
    Pairing(name="token ids permuted", change=_other_ids, causes=_parts("tokenizer")),
    Pairing(name="keys under another prefix", change=_tensors(_other_prefix), causes=_parts("tensors")),
    Pairing(name="adapter lacks a layer", change=_tensors(_without_layer), causes=_parts("tensors")),
    Pairing(name="adapter has a layer too many", change=_tensors(_extra_layer), causes=_parts("tensors")),
    Pairing(name="lora_alpha times four", change=_times_alpha, causes=_parts("settings")),
    Pairing(name="r edited", change=_rank, causes=_parts("settings")),
    Pairing(name="target_modules narrowed", change=_settings(target_modules=["q_proj"]), causes=_parts("targets")),
)  # fmt: skip

# Other bytes that compute the same: flagged as another base from the files, passed once the effect was replayed.
HARMLESS: tuple[Pairing, ...] = (
    *(
        Pairing(name=f"weights noised by {share:g} of their spread", change=_noised(share), causes=_parts("weights"),
                harmless=True)
        for share in (1e-6, 1e-4, 1e-3, 1e-2)
    ),
    Pairing(name="through bfloat16 and back", change=_each(_through_bf16), causes=_parts("weights"), same_values=True),
    Pairing(name="kept as bfloat16", change=_kept_bf16, causes=_parts("weights"), same_values=True),
)  # fmt: skip

# The same pair, stored or called otherwise: must not be flagged.
SAME: tuple[Pairing, ...] = (
    Pairing(name="nothing changed", change=_nothing),
    Pairing(name="another base named in the settings", change=_settings(base_model_name_or_path="other/base")),
    Pairing(name="sharded anew", change=_shards),
    Pairing(name="saved by an older library", change=_older_library),
    Pairing(name="metadata and order of tensors", change=_metadata),
    Pairing(name="moved and called otherwise", change=_elsewhere),
)

PAIRINGS = (*WRONG, *HARMLESS, *SAME)
