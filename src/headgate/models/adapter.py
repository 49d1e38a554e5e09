"""An adapter folder: its identity, its record, and whether it belongs to a base. No torch needed.

PEFT loads an adapter onto the wrong base in silence (18 of 23 altered pairings said nothing, seven of
them lost 86 points or more), so what an adapter was trained on is recorded beside its tensors in
`headgate.json` and compared before any weight is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest_json
from headgate.models.adapter_layout import misfits
from headgate.models.adapter_settings import must_be_record, must_be_settings
from headgate.models.fingerprint import (
    PICKLES,
    Fingerprint,
    file_marks,
    must_have_tokenizer,
    read_json,
    weight_files,
    weights_root,
)
from headgate.models.named_base import told_base
from headgate.models.safetensors_header import read_header

CONFIG = "adapter_config.json"
TENSORS = "adapter_model.safetensors"
RECORD = "headgate.json"
# Keys that name places, library versions or habits of loading, and change no output.
IDLE_KEYS = frozenset({"base_model_name_or_path", "revision", "peft_version", "inference_mode", "auto_mapping"})
# Every setting of LoRA that is understood here (PEFT 0.21); another one, unless it is empty, is asked for in vain.
KNOWN_SETTINGS = IDLE_KEYS | frozenset(
    [
        "alora_invocation_tokens",
        "alpha_pattern",
        "arrow_config",
        "bias",
        "corda_config",
        "ensure_weight_tying",
        "eva_config",
        "exclude_modules",
        "fan_in_fan_out",
        "init_lora_weights",
        "kasa_config",
        "layer_replication",
        "layers_pattern",
        "layers_to_transform",
        "loftq_config",
        "lora_alpha",
        "lora_bias",
        "lora_dropout",
        "lora_ga_config",
        "megatron_config",
        "megatron_core",
        "modules_to_save",
        "monteclora_config",
        "peft_type",
        "qalora_group_size",
        "r",
        "rank_pattern",
        "target_modules",
        "target_parameters",
        "task_type",
        "trainable_token_indices",
        "use_bdlora",
        "use_dora",
        "use_qalora",
        "use_rslora",
        "velora_config",
    ]
)
BREAKING = ("weights", "config", "tokenizer", "template")  # parts of a base that an adapter depends on


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterMark:
    """Identity of an adapter: tensors and settings, whoever saved them and wherever."""

    tensors: str
    config: str

    @property
    def digest(self) -> str:
        """One address over both."""
        return digest_json({"tensors": self.tensors, "config": self.config})


def adapter_mark(folder: Path) -> AdapterMark:
    """The identity of an adapter folder.

    Raises:
        Refused: a file is missing or damaged.
    """
    return AdapterMark(
        tensors=weights_root(file_marks(folder / TENSORS)), config=digest_json(canonical_config(read_config(folder)))
    )


def read_config(folder: Path) -> dict[str, Any]:
    """The adapter's settings as PEFT wrote them.

    Raises:
        Refused: missing, damaged, or with a value of no kind that its key takes.
    """
    settings = read_json(folder / CONFIG)
    must_be_settings(settings, folder / CONFIG)
    return settings


def canonical_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in one form: PEFT writes sets in the order of the hash seed and the path of the base."""
    out = {}
    for key, value in sorted(config.items()):
        if key in IDLE_KEYS:
            continue
        out[key] = sorted(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else value
    return out


def canonical_bytes(config: Mapping[str, Any], base_name: str) -> bytes:
    """The file to ship: canonical settings, with the base's name for people and no path."""
    return canonical_json({**canonical_config(config), "base_model_name_or_path": base_name, "inference_mode": True})


def read_record(folder: Path) -> dict[str, Any] | None:
    """What headgate recorded when the adapter was made; None for an adapter from elsewhere.

    Raises:
        Refused: it is damaged.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    record = read_json(path)
    must_be_record(record, path)
    return record


def must_belong(folder: Path, base: Path, fingerprint: Fingerprint, *, allow_unrecorded: bool = False) -> None:
    """Refuses an adapter that was not made for this base, or that was changed since.

    Raises:
        Refused: no record, another architecture, another base (naming the parts that differ), edited files, a base
            without a tokenizer, or tensors that do not fit the base's shapes.
    """
    must_be_adapter_folder(folder)
    must_have_tokenizer(base)
    record = read_record(folder)
    must_be_architecture(folder, base, record)
    if record is None and not allow_unrecorded:
        raise Refused(
            "the adapter has no record of its base",
            file=str(folder / RECORD),
            wanted=f"the {RECORD} that headgate train writes",
            next_step="train it with headgate, or load it with allow_unrecorded=True at your own risk",
        )
    if record is not None:
        _same_base(folder, base, fingerprint, record)
        mark = adapter_mark(folder)
        if record.get("adapter") != mark.digest:
            part = "tensors" if record.get("tensors") != mark.tensors else "settings"
            raise Refused(f"the adapter's {part} were changed after it was made", file=str(folder), found=mark.digest)
    must_fit(folder, base)


def _same_base(folder: Path, base: Path, fingerprint: Fingerprint, record: Mapping[str, Any]) -> None:
    differing = [name for name in fingerprint.differences(record.get("base", {})) if name in BREAKING]
    if differing:
        raise Refused(
            "the adapter was made for another base",
            file=str(folder),
            found=f"{base} differs in " + ", ".join(differing),
            wanted=f"base {record.get('base_name', '')} {record.get('base', {}).get('root', '')}".strip(),
            next_step="load it with the base it was trained on, or train it again on this one",
        )


def must_be_adapter_folder(folder: Path) -> None:
    """Refuses what is no adapter folder; a pickled adapter is named and not opened.

    Raises:
        Refused: no such folder, pickled tensors, or files of it are missing.
    """
    if not folder.is_dir():
        raise Refused("no such adapter folder", file=str(folder), next_step="check the spelling of the adapter")
    if not (folder / TENSORS).exists():
        pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
        raise Refused(
            "no safetensors in the adapter folder",
            file=str(folder),
            found=", ".join(pickles) or "no tensors at all",
            wanted=TENSORS,
            next_step="save it again as safetensors; pickles run code when they are opened" if pickles else None,
        )


def must_be_architecture(folder: Path, base: Path, record: Mapping[str, Any] | None) -> None:
    """Refuses a base of another architecture than the adapter was made for, even where every shape fits.

    Raises:
        Refused: the record, or without one what the adapter's settings say of its base, names one architecture and the
            settings of the base another.
    """
    config = read_json(base / "config.json")
    made_for = ((record or {}).get("base_record") or {}).get("config") or {}
    wanted, found = made_for.get("model_type"), config.get("model_type")
    if record is None:
        wanted = told_base(read_config(folder)).contradicts(config) or None
    if wanted is not None and found != wanted:
        raise Refused(
            "the adapter was made for another architecture",
            file=str(folder),
            found=f"{base} is of the architecture {found}",
            wanted=f"{wanted}, as the base that it was trained on",
            next_step="train it again on this base, or move its skill: headgate fleet migrate plan",
        )


def must_fit(folder: Path, base: Path) -> None:
    """Refuses an adapter whose tensors do not cover exactly modules of the base, one by one.

    Raises:
        Refused: another architecture, nothing consumes a tensor, half of a pair is missing, a shape does not fit, or
            a module that the settings target has no tensors.
    """
    must_be_adapter_folder(folder)
    must_be_architecture(folder, base, read_record(folder))
    header, _ = read_header(folder / TENSORS)
    settings = read_config(folder)
    if settings.get("peft_type") != "LORA":
        raise Refused("not a LoRA adapter", file=str(folder / CONFIG), found=repr(settings.get("peft_type")))
    shapes = {name: entry[1] for path in weight_files(base) for name, entry in read_header(path)[0].items()}
    own = {name: entry[1] for name, entry in header.items()}
    wrong = [one.message for one in misfits(own, settings, shapes, read_json(base / "config.json"))]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise Refused("the adapter does not fit the base", file=str(folder), found="; ".join(wrong[:3]) + more)
