"""What an adapter's own settings say of its base, where no record does: a class that was trained, a folder, a name.

None of them is an identity. Two are still worth asking, because they can only speak against a pair: the class that
PEFT wrapped, which it writes as `auto_mapping` where no task was named, and the settings of the base that
`base_model_name_or_path` names, where that base lies on this machine, in a folder or in the cache of downloads.
A name alone says nothing: many a model is called after one family and built like another.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused
from headgate.models.fingerprint import canonical_config, read_json

FAMILY = re.compile(r"transformers\.models\.([a-z0-9_]+)\.")  # of the module of a class
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
REVISION = re.compile(r"[A-Za-z0-9][\w.-]{0,99}")
CONFIG_FILE = "config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told of the base of an adapter without a record."""

    family: str  # of architectures, as the library names its folder; empty: not told
    where: str  # that the settings below were read; empty: nowhere
    config: Mapping[str, Any]  # canonical settings of the base that is named; empty: it is not on this machine

    def contradicts(self, found: Mapping[str, Any]) -> str:
        """The architecture that it was made for, where a base with these settings is of another; empty: it is not."""
        kind = str(found.get("model_type", ""))
        if self.family and not _of_family(kind, self.family):
            return self.family
        named = str(self.config.get("model_type", ""))
        return named if named and named != kind else ""


def told_base(settings: Mapping[str, Any]) -> Told:
    """What the settings of an adapter say of its base; nothing is loaded, and nothing is fetched."""
    mapping = settings.get("auto_mapping")
    library = str(mapping.get("parent_library", "")) if isinstance(mapping, dict) else ""
    family = FAMILY.match(f"{library}.")
    place = _place(str(settings.get("base_model_name_or_path") or ""), str(settings.get("revision") or "main"))
    config: dict[str, Any] = {}
    if place is not None:
        with contextlib.suppress(Refused):
            config = canonical_config(read_json(place))
    return Told(family=family[1] if family else "", where=str(place.parent) if config and place else "", config=config)


def _of_family(kind: str, family: str) -> bool:
    """`gemma3_text` is of the family `gemma3`; `gemma3` is not of the family `gemma`."""
    plain = kind.replace("-", "_")
    return plain == family or plain.startswith(f"{family}_") or family.startswith(f"{plain}_")


def _place(name: str, revision: str) -> Path | None:
    """The settings of a base that is named by a whole path, or that was downloaded under a name to the cache.

    A path that begins nowhere means another folder wherever one stands, so it is not asked.
    """
    with contextlib.suppress(OSError, ValueError):
        if Path(name).is_absolute():
            path = Path(name) / CONFIG_FILE
            return path if path.is_file() else None
        if HUB_NAME.fullmatch(name) and REVISION.fullmatch(revision):
            folder = _cache() / f"models--{name.replace('/', '--')}"
            marked = folder / "refs" / revision
            commit = marked.read_text(encoding="utf-8").strip() if marked.is_file() else revision
            path = folder / "snapshots" / commit / CONFIG_FILE
            return path if REVISION.fullmatch(commit) and path.is_file() else None
    return None


def _cache() -> Path:
    """Where downloads of the model hub lie, by the variables that its library reads."""
    above = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    home = Path(os.environ.get("HF_HOME") or above / "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
