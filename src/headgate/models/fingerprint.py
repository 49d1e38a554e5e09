"""Identity of a model folder: what its tensors, settings, tokenizer and template are, never its name.

Reads safetensors headers and bytes directly, so that telling two bases apart needs no torch.
Six parts are kept apart because each breaks an adapter in its own way: changed weights, changed
arithmetic, other token ids, other prompt text, other stopping, fewer bits. Sharding, file names and the
library version that saved the folder are in none of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from blake3 import blake3

from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file
from headgate.kit.hashing import PREFIX, canonical_json, digest_file, digest_json
from headgate.models.chat_template import FIXED_CONVERSATIONS, ChatTemplate
from headgate.models.safetensors_header import read_header

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
QUANTISATION = "quantization_config"  # key of config.json
# Buffers that some versions store and that are computed from the settings.
BUFFERS = ("rotary_emb.inv_freq", "rotary_pos_emb.inv_freq", "attn.masked_bias")
EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "embed_in.weight", "word_embeddings.weight")
HEADS = ("lm_head.weight", "embed_out.weight")
PICKLES = (".bin", ".pt", ".pth", ".ckpt")  # endings of files that run code when they are opened
# Files that hold a tokenizer which was not saved as one file.
TOKENIZER_FILES = ("vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "spiece.model", "added_tokens.json")
# Keys that libraries write and that change no output.
IDLE_CONFIG_KEYS = frozenset(
    {"_name_or_path", "transformers_version", "use_cache", "architectures", "torch_dtype", "dtype"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorMark:
    """Identity of one stored tensor."""

    dtype: str
    shape: tuple[int, ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The identity of a base in six parts, each a content address (empty: the folder has no such part)."""

    weights: str  # names, types, shapes and bytes of all tensors
    config: str  # architecture settings without idle keys
    tokenizer: str  # vocabulary, merges, normaliser; without padding and truncation
    template: str  # source of the chat template and what it renders on fixed conversations
    generation: str  # generation defaults, such as end tokens
    quantisation: str = ""  # how the weights are packed into fewer bits

    @property
    def root(self) -> str:
        """One address over the parts; that of a base which is not quantised does not speak of it."""
        return digest_json({name: value for name, value in asdict(self).items() if value or name != "quantisation"})

    def as_json(self) -> dict[str, str]:
        """The parts and the root as JSON."""
        return {**asdict(self), "root": self.root}

    def differences(self, other: Mapping[str, str]) -> list[str]:
        """Names of the parts in which a recorded fingerprint differs from this one."""
        return [name for name, value in asdict(self).items() if other.get(name, "") != value]


def fingerprint_of(folder: Path) -> Fingerprint:
    """The fingerprint of a model folder.

    Raises:
        Refused: no such folder, no safetensors in it, or a damaged file.
    """
    if not folder.is_dir():
        raise Refused("no such model folder", file=str(folder), next_step="check the spelling of the base")
    config = read_json(folder / "config.json")
    return Fingerprint(
        weights=weights_root(canonical_marks(tensor_marks(folder), config)),
        config=config_digest(config),
        tokenizer=tokenizer_digest(folder),
        template=template_digest(folder),
        generation=_optional(folder / "generation_config.json"),
        quantisation=digest_json(config[QUANTISATION]) if config.get(QUANTISATION) else "",
    )


def weights_root(marks: Mapping[str, TensorMark]) -> str:
    """One address over all tensors; the order and the file they are stored in do not matter."""
    return digest_json([[name, m.dtype, list(m.shape), m.digest] for name, m in sorted(marks.items())])


def config_digest(config: Mapping[str, Any]) -> str:
    """Address of the architecture settings."""
    return digest_json(canonical_config(config))


def canonical_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The architecture settings in one form, whichever version of the library wrote them.

    Left out: what changes no output, what is null (an absent key means the same), what follows from other keys, and
    the quantisation, which is a part of its own. The rotary settings stand in one place, as newer versions write them.

    Raises:
        Refused: a setting that is read here has the wrong type, or a number that nobody can write down.
    """
    _must_be_settings(config)
    out = {key: value for key, value in config.items() if value is not None and key not in IDLE_CONFIG_KEYS}
    out.pop(QUANTISATION, None)
    rope = {key: value for key, value in (out.pop("rope_scaling", None) or {}).items() if key != "type"}
    if kind := (config.get("rope_scaling") or {}).get("type"):
        rope.setdefault("rope_type", kind)
    rope |= {key: out.pop(key) for key in ("rope_theta", "partial_rotary_factor") if key in out}
    rope |= {key: value for key, value in (out.pop("rope_parameters", None) or {}).items() if value is not None}
    if rope:
        out["rope_parameters"] = {"rope_type": "default", **rope}
    heads, width = out.get("num_attention_heads"), out.get("hidden_size")
    if isinstance(heads, int) and isinstance(width, int) and heads and out.get("head_dim") == width // heads:
        del out["head_dim"]
    if set(out.get("layer_types") or ["full_attention"]) == {"full_attention"}:
        out.pop("layer_types", None)
    return out


def _must_be_settings(config: Mapping[str, Any]) -> None:
    wrong = [key for key in ("rope_scaling", "rope_parameters") if not isinstance(config.get(key) or {}, dict)]
    layers = config.get("layer_types") or []
    if not isinstance(layers, list) or not all(isinstance(one, str) for one in layers):
        wrong.append("layer_types")
    if wrong:
        raise Refused(f"the setting {wrong[0]} of a model cannot be read", found=repr(config[wrong[0]])[:80])
    try:
        canonical_json(dict(config))
    except TypeError as error:
        raise Refused("the settings of a model cannot be read", found=str(error)) from None


def canonical_marks(marks: Mapping[str, TensorMark], config: Mapping[str, Any]) -> dict[str, TensorMark]:
    """The tensors that make a model what it is: without buffers that are computed, and tied heads stored twice."""
    tied = {one.digest for name, one in marks.items() if name.endswith(EMBEDDINGS)} if _tied(config) else set()
    return {
        name: one
        for name, one in marks.items()
        if not name.endswith(BUFFERS) and not (name.endswith(HEADS) and one.digest in tied)
    }


def _tied(config: Mapping[str, Any]) -> bool:
    return bool(config.get("tie_word_embeddings", False))


def tokenizer_digest(folder: Path) -> str:
    """Address of what turns text into token ids; padding and truncation are state, not identity."""
    path = folder / "tokenizer.json"
    if not path.exists():
        parts = {name: digest_file(folder / name) for name in TOKENIZER_FILES if (folder / name).is_file()}
        return digest_json(parts) if parts else ""
    body = read_json(path)
    return digest_json({key: value for key, value in body.items() if key not in ("padding", "truncation", "version")})


def has_tokenizer(folder: Path) -> bool:
    """Whether a model folder has a tokenizer, in one file or in several."""
    return any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json"))


def must_have_tokenizer(folder: Path) -> None:
    """Refuses a base that nobody can talk to.

    Raises:
        Refused: it has no tokenizer.
    """
    if not has_tokenizer(folder):
        raise Refused(
            "the base has no tokenizer",
            file=str(folder),
            wanted="tokenizer.json beside its weights",
            next_step="fetch or save the base again, with its tokenizer",
        )


def template_digest(folder: Path) -> str:
    """Address of the chat template: its source and its text on fixed conversations."""
    template = ChatTemplate.of_folder(folder)
    if template is None:
        return ""
    return digest_json({"source": template.source, "rendered": [template.outcome(*one) for one in FIXED_CONVERSATIONS]})


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that hold a model's weights, in order of name.

    Raises:
        Refused: there are none. Pickled weights are never opened, because opening them runs code.
    """
    index = folder / WEIGHTS_INDEX
    if index.exists():
        names = sorted(set(read_json(index).get("weight_map", {}).values()))
        outside = [name for name in names if Path(name).name != name]
        if outside:
            raise Refused("the weight index points outside its folder", file=str(index), found=outside[0])
        return [must_be_file(folder / name) for name in names]
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    found = sorted(path.name for path in folder.glob("*") if path.suffix in PICKLES)
    raise Refused(
        "no safetensors weights in the model folder",
        file=str(folder),
        found=", ".join(found) or "no weights at all",
        wanted=f"{WEIGHTS} or {WEIGHTS_INDEX}",
        next_step="save the model again as safetensors; pickled weights are not opened",
    )


def tensor_marks(folder: Path) -> dict[str, TensorMark]:
    """Identity of every tensor of a model folder, by name."""
    marks: dict[str, TensorMark] = {}
    for path in weight_files(folder):
        marks |= file_marks(path)
    return marks


def file_marks(path: Path) -> dict[str, TensorMark]:
    """Identity of every tensor in one safetensors file.

    Raises:
        Refused: the file is damaged.
    """
    header, start = read_header(path)
    marks = {}
    with path.open("rb") as stream:
        for name, (dtype, shape, begin, end) in header.items():
            stream.seek(start + begin)
            hasher = blake3()
            left = end - begin
            while left and (piece := stream.read(min(left, 1 << 20))):
                hasher.update(piece)
                left -= len(piece)
            if left:
                raise Refused("a safetensors file is cut short", file=str(path), found=f"tensor {name} is incomplete")
            marks[name] = TensorMark(dtype=dtype, shape=shape, digest=PREFIX + hasher.hexdigest())
    return marks


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of a model folder.

    Raises:
        Refused: missing, not JSON, or not an object.
    """
    try:
        body = json.loads(must_be_file(path).read_bytes())
    except (ValueError, RecursionError):
        raise Refused("not JSON", file=str(path)) from None
    if not isinstance(body, dict):
        raise Refused("not a JSON object", file=str(path))
    return body


def _optional(path: Path) -> str:
    if not path.exists():
        return ""
    return digest_json({key: value for key, value in read_json(path).items() if key not in IDLE_CONFIG_KEYS})
