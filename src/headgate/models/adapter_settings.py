"""What the settings and the record of an adapter may hold, before anything is made of them.

Both files come from elsewhere. A number where a list should be, or a pattern that takes for ever, is refused here
with its key, and not met as an accident further in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused

LONGEST_PATTERN = 2_000  # characters
LARGEST_RANK = 1 << 16
# A group that is repeated and that repeats something itself: matching it can take time without end.
NESTED = re.compile(r"\([^()]*[*+}][^()]*\)\s*[*+{]")
INNER = re.compile(r"\([^()]*\)")


def must_be_settings(settings: Mapping[str, Any], file: Path) -> None:
    """Refuses settings whose values are of no kind that PEFT writes for their key.

    Raises:
        Refused: a key whose value is of another kind.
    """
    for key, (wanted, holds) in KINDS.items():
        if (value := settings.get(key)) is not None and not holds(value):
            raise Refused(
                f"the adapter's setting {key} cannot be read", file=str(file), found=_shown(value), wanted=wanted
            )


def must_be_record(record: Mapping[str, Any], file: Path) -> None:
    """Refuses a record whose parts are of another kind than training writes.

    Raises:
        Refused: a part of another kind.
    """
    told = record.get("base_record")
    parts = {
        "base": (record.get("base"), _texts),
        "adapter": (record.get("adapter"), _text),
        "tensors": (record.get("tensors"), _text),
        "config": (record.get("config"), _text),
        "base_record": (told, _table),
        "base_record.config": (told.get("config") if isinstance(told, dict) else None, _table),
        "base_record.values": (told.get("values") if isinstance(told, dict) else None, _table),
        "base_record.libraries": (told.get("libraries") if isinstance(told, dict) else None, _texts),
    }
    for name, (value, holds) in parts.items():
        if value is not None and not holds(value):
            raise Refused(
                f"the adapter's record cannot be read: {name}", file=str(file), found=_shown(value),
                wanted="the record as headgate train wrote it",
            )  # fmt: skip


def pattern_of(text: str) -> re.Pattern[str] | None:
    """A regular expression of the settings; None for one that is none, or whose matching may never end."""
    left = re.sub(r"\\.|\[\^?\]?[^\]]*\]", "x", text)  # escaped characters and classes hold no quantifiers
    while not NESTED.search(left):
        fewer = INNER.sub(lambda one: "x*" if re.search(r"[*+}]", one[0]) else "x", left)
        if fewer == left:
            break
        left = fewer
    if len(text) > LONGEST_PATTERN or NESTED.search(left) or re.search(r"\*\s*[*+{]", left):
        return None
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return None


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _table(value: Any) -> bool:
    return isinstance(value, dict)


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _names(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _rank(value: Any) -> bool:
    return type(value) is int and 0 < value <= LARGEST_RANK


def _numbers_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(_number(one) for one in value.values())


def _layers(value: Any) -> bool:
    return type(value) is int or (isinstance(value, list) and all(type(one) is int for one in value))


def _tokens(value: Any) -> bool:
    return _layers(value) or (isinstance(value, dict) and all(_layers(one) for one in value.values()))


KINDS = {
    "peft_type": ("a name", _text),
    "r": (f"a whole number from 1 to {LARGEST_RANK}", _rank),
    "lora_alpha": ("a number", _number),
    "target_modules": ("a list of names, or a pattern", _names),
    "exclude_modules": ("a list of names, or a pattern", _names),
    "target_parameters": ("a list of names", _names),
    "modules_to_save": ("a list of names", _names),
    "rank_pattern": ("a number for each pattern", _numbers_by_name),
    "alpha_pattern": ("a number for each pattern", _numbers_by_name),
    "layers_to_transform": ("a list of numbers", _layers),
    "trainable_token_indices": ("a list of numbers, or one for each name", _tokens),
    "bias": ("none, all or lora_only", _text),
}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
