"""Whether an adapter belongs on a base, decided from files before a weight is loaded.

PEFT loads almost any pair in silence, so the question is asked of what can be known beforehand: headers (does every
tensor have its module and its shape), the record that was written when the adapter was made (weights, settings,
vocabulary, tokenizer, template, quantisation), and the versions of the libraries. Four classes:

- `identical`: the base it was made for.
- `same values`: the same values in another type of number. The recorded effect decides.
- `another base`: it loads, and what it does then nobody knows. The recorded effect can only excuse changed weights.
- `cannot load`: tensors without a module, shapes that do not fit, another vocabulary, no tokenizer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from headgate.kit.doors import version_of
from headgate.kit.errors import Refused, printable
from headgate.models.adapter import (
    CONFIG,
    KNOWN_SETTINGS,
    TENSORS,
    adapter_mark,
    must_be_adapter_folder,
    read_config,
    read_record,
)
from headgate.models.adapter_layout import misfits
from headgate.models.fingerprint import (
    QUANTISATION,
    Fingerprint,
    canonical_config,
    fingerprint_of,
    has_tokenizer,
    read_json,
    weight_files,
)
from headgate.models.named_base import Told, told_base
from headgate.models.safetensors_header import read_header
from headgate.models.values import same_values, value_roots
from headgate.stats.judging import cannot_tell, judge_count
from headgate.stats.verdict import Finding, Level, Verdict

FAILURE = "adapter-compatibility-cliff"
LIBRARIES = ("peft", "transformers", "torch", "tokenizers")
VOCABULARY = ("vocab_size",)  # keys of a config, and what they are a matter of
ARCHITECTURE = ("model_type",)
EMBEDDED = re.compile(r"(embed_tokens|wte|embed_in|word_embeddings)\.weight$")


class Kind(StrEnum):
    """What a base is to an adapter."""

    IDENTICAL = "identical"
    SAME_VALUES = "same values"
    OTHER = "another base"
    CANNOT_LOAD = "cannot load"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One way in which a base is not the one that an adapter was made for."""

    part: str  # tensors, shapes, targets, settings, architecture, vocabulary, config, weights, tokenizer, ...
    message: str
    kind: Kind  # what the pairing is on account of this alone

    def as_json(self) -> dict[str, str]:
        """As printed."""
        return {"part": self.part, "message": self.message, "kind": self.kind.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compatibility:
    """What is known about an adapter and a base before either is loaded."""

    adapter: str
    base: str
    recorded: bool  # the adapter says what it was made for
    causes: tuple[Cause, ...]
    notes: tuple[str, ...]  # differences that change no answer, or that nobody can hold it to
    checks: int

    @property
    def kind(self) -> Kind:
        """The worst of the causes."""
        order = list(Kind)
        return max((one.kind for one in self.causes), key=order.index, default=Kind.IDENTICAL)

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that differ."""
        return tuple(dict.fromkeys(one.part for one in self.causes))

    @property
    def refusal(self) -> Refused | None:
        """Why the pair is refused as bad input; None where it would load, whatever it does then."""
        if self.kind is not Kind.CANNOT_LOAD:
            return None
        causes = [f"{one.part}: {one.message}" for one in self.causes if one.kind is Kind.CANNOT_LOAD]
        more = f" and {len(causes) - 3} more" if len(causes) > 3 else ""
        return Refused(
            "the adapter cannot be loaded on this base",
            file=self.adapter,
            found="; ".join(causes[:3]) + more,
            wanted=f"a base whose modules take every tensor of it; {self.base} is none",
            next_step="use the base it was trained on, or train it again on this one",
        )

    @property
    def verdict(self) -> Verdict:
        """Whether the pair may be used, as far as files can tell."""
        kind, details = self.kind, self.as_json()
        summary = f"{self.adapter} on {self.base}: {kind.value}"
        if self.causes:
            summary += f" ({', '.join(self.parts)})"
        replay = "replay the recorded effect: headgate fleet compat ADAPTER --base BASE --effect FILE"
        if kind is Kind.SAME_VALUES:
            reason = "the values are the same in another type of number; how much of the effect is left was not asked"
            return cannot_tell(summary=summary, reason=reason, next_step=replay, details=details)
        if not self.recorded and not self.causes:
            reason = "the adapter has no record of its base; it fits by its shapes, which many bases do"
            return cannot_tell(summary=f"{summary}, unrecorded", reason=reason, next_step=replay, details=details)
        return judge_count(
            len(self.causes),
            name="ways in which it does not belong",
            unit="causes",
            summary=summary,
            looked_at=self.checks,
            at_most=0,
            findings=[Finding(message=f"{one.part}: {one.message}") for one in self.causes],
            next_step="use the base it was trained on, or train it again on this one" if self.causes else "",
            details=details,
        )

    @property
    def named_verdict(self) -> Verdict:
        """The verdict under its name, for records and reports."""
        return replace(self.verdict, rule="compatibility", failure=FAILURE, level=Level.BLOCK)

    def as_json(self) -> dict[str, Any]:
        """As printed and recorded."""
        return {
            "adapter": self.adapter,
            "base": self.base,
            "kind": self.kind.value,
            "recorded": self.recorded,
            "causes": [one.as_json() for one in self.causes],
            "notes": list(self.notes),
        }


def compare(adapter: Path, base: Path, *, fingerprint: Fingerprint | None = None) -> Compatibility:
    """Holds an adapter folder against a base folder; reads headers, hashes and JSON, loads nothing.

    Raises:
        Refused: a folder is missing, or a file in it is damaged.
    """
    must_be_adapter_folder(adapter)
    record = read_record(adapter)
    causes = _structure(adapter, base)
    notes: list[str] = []
    if record is not None:
        found = fingerprint or fingerprint_of(base)
        causes += _identity(record, base, found)
        causes += _edited(adapter, record)
        notes += _notes(record, found)
    else:
        told, config = told_base(read_config(adapter)), read_json(base / "config.json")
        causes += _told(told, config)
        if told.where:
            notes.append(f"held against the settings of {told.where}, which its own settings name; weights were not")
    notes += _versions(read_config(adapter), record)
    return Compatibility(
        adapter=printable(adapter.resolve().name),
        base=printable(base.resolve().name),
        recorded=record is not None,
        causes=tuple(dict.fromkeys(causes)),
        notes=tuple(notes),
        checks=len(read_header(adapter / TENSORS)[0]) + 8,
    )


def base_record(folder: Path, fingerprint: Fingerprint) -> dict[str, Any]:
    """What an adapter keeps of its base beside the fingerprint, so that a difference can be named."""
    return {
        "config": canonical_config(read_json(folder / "config.json")),
        "values": value_roots(folder, fingerprint.weights),
        "tokens": tokens_of(folder),
        "libraries": {name: version for name in LIBRARIES if (version := version_of(name))},
    }


def tokens_of(folder: Path) -> int:
    """One more than the highest id that the tokenizer of a folder gives; 0 where that cannot be read."""
    path = folder / "tokenizer.json"
    if not path.exists():
        return 0
    body = read_json(path)
    model = body.get("model")
    vocabulary = model.get("vocab", {}) if isinstance(model, dict) else {}
    ids = list(vocabulary.values()) if isinstance(vocabulary, dict) else list(range(len(vocabulary)))
    added = [one.get("id", 0) for one in body.get("added_tokens") or [] if isinstance(one, dict)]
    return max((one for one in (*ids, *added) if isinstance(one, int)), default=-1) + 1


def _structure(adapter: Path, base: Path) -> list[Cause]:
    settings, config = read_config(adapter), read_json(base / "config.json")
    shapes = {name: entry[1] for path in weight_files(base) for name, entry in read_header(path)[0].items()}
    own = {name: entry[1] for name, entry in read_header(adapter / TENSORS)[0].items()}
    causes = [
        Cause(part=one.part, message=one.message, kind=Kind.CANNOT_LOAD)
        for one in misfits(own, settings, shapes, config)
    ]
    for key, value in settings.items():
        if key not in KNOWN_SETTINGS and value not in (None, False, {}, [], ""):
            message = f"{CONFIG} asks for {key}, which is not known here"
            causes.append(Cause(part="settings", message=message, kind=Kind.CANNOT_LOAD))
    tokens, rows = tokens_of(base), _embedded(shapes)
    if not has_tokenizer(base):
        causes.append(Cause(part="tokenizer", message="the base has no tokenizer", kind=Kind.CANNOT_LOAD))
    if rows and tokens > rows:
        message = f"the tokenizer gives ids up to {tokens - 1}, the base has {rows} embeddings"
        causes.append(Cause(part="vocabulary", message=message, kind=Kind.CANNOT_LOAD))
    return causes


def _embedded(shapes: Mapping[str, tuple[int, ...]]) -> int:
    return next((shape[0] for name, shape in sorted(shapes.items()) if EMBEDDED.search(name) and len(shape) == 2), 0)


def _identity(record: Mapping[str, Any], base: Path, found: Fingerprint) -> list[Cause]:
    differing = set(found.differences(record.get("base", {}))) - {"generation"}
    told = record.get("base_record", {})
    causes = []
    if "config" in differing:
        causes += _settings(told.get("config"), canonical_config(read_json(base / "config.json")))
    if {"weights", "quantisation"} & differing:
        causes.append(_weights(told, base, found, differing))
    if "tokenizer" in differing and has_tokenizer(base):
        before, now = told.get("tokens"), tokens_of(base)
        sizes = f"{now} tokens, it was made with {before}" if before and before != now else "the same size, other ids"
        causes.append(Cause(part="tokenizer", message=f"another tokenizer: {sizes}", kind=Kind.OTHER))
    if "template" in differing:
        message = "another chat template" if found.template else "the base has no chat template"
        causes.append(Cause(part="template", message=message, kind=Kind.OTHER))
    return causes


def _told(told: Told, config: Mapping[str, Any]) -> list[Cause]:
    """What an adapter without a record says of its base, as far as it speaks against this one."""
    causes = _settings(told.config, canonical_config(config)) if told.config else []
    made_for = told.contradicts(config)
    if made_for and "architecture" not in {one.part for one in causes}:
        message = f"model_type is {config.get('model_type')!r}, it was made with {made_for!r}"
        causes.append(Cause(part="architecture", message=message, kind=Kind.CANNOT_LOAD))
    return causes


def _settings(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[Cause]:
    if before is None:
        return [Cause(part="config", message="other settings than it was made with", kind=Kind.OTHER)]
    causes = []
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        part, kind = "config", Kind.OTHER
        if key in ARCHITECTURE:
            part, kind = "architecture", Kind.CANNOT_LOAD
        elif key in VOCABULARY:
            part, kind = "vocabulary", Kind.CANNOT_LOAD
        causes.append(Cause(part=part, message=f"{key} is {new!r}, it was made with {old!r}", kind=kind))
    return causes


def _weights(told: Mapping[str, Any], base: Path, found: Fingerprint, differing: set[str]) -> Cause:
    if "quantisation" in differing:
        scheme = (read_json(base / "config.json").get(QUANTISATION) or {}).get("quant_method", "none")
        message = f"quantised another way (here: {scheme}); whether the values are near cannot be read from the files"
        return Cause(part="quantisation", message=message, kind=Kind.SAME_VALUES)
    if same_values(told.get("values", {}), value_roots(base, found.weights)):
        return Cause(part="weights", message="the same values, stored in another type", kind=Kind.SAME_VALUES)
    return Cause(part="weights", message="other weights", kind=Kind.OTHER)


def _edited(adapter: Path, record: Mapping[str, Any]) -> list[Cause]:
    mark = adapter_mark(adapter)
    if record.get("adapter") == mark.digest:
        return []
    part = "tensors" if record.get("tensors") != mark.tensors else "settings"
    message = f"the adapter's {part} were changed after it was made"
    return [Cause(part=part, message=message, kind=Kind.OTHER)]


def _notes(record: Mapping[str, Any], found: Fingerprint) -> list[str]:
    notes = []
    if "generation" in found.differences(record.get("base", {})):
        notes.append("other generation defaults: answers may end or be drawn in another way")
    for name, version in record.get("base_record", {}).get("libraries", {}).items():
        if (now := version_of(name)) and now != version:
            notes.append(f"made with {name} {version}, here is {now}")
    return notes


def _versions(settings: Mapping[str, Any], record: Mapping[str, Any] | None) -> list[str]:
    written, here = settings.get("peft_version"), version_of("peft")
    if record is None and written and here and written != here:
        return [f"written by peft {written}, here is {here}"]
    return []
