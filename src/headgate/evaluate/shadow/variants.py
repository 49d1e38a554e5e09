"""The items of a suite in other words: by operators, and in the user's own translations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headgate.evaluate.batteries import ShadowSettings
from headgate.evaluate.lines import lines_of
from headgate.evaluate.pools import Item
from headgate.kit.hashing import digest_json
from headgate.text.perturbing import OPERATORS, perturbed

TRANSLATED = "other-language"


@dataclass(frozen=True, slots=True)
class Variants:
    """Items, and each of them changed by each operator that changes it."""

    items: tuple[Item, ...]
    changed: Mapping[str, tuple[tuple[int, Item], ...]]  # by operator: number of the item, the item changed

    @property
    def count(self) -> int:
        """Number of variants."""
        return sum(len(some) for some in self.changed.values())


def variants_of(items: Sequence[Item], settings: ShadowSettings, folder: Path) -> Variants:
    """The items whose digests come first, in other words.

    Raises:
        Refused: a file of translations cannot be read.
    """
    chosen = tuple(sorted(items, key=lambda item: digest_json(item.id))[: settings.most])
    changed: dict[str, list[tuple[int, Item]]] = {name: [] for name in settings.operators or OPERATORS}
    for i, item in enumerate(chosen):
        for name, some in changed.items():
            text = perturbed(item.messages[_place(item)]["content"], name)
            if text is not None:
                some.append((i, _with(item, text)))
    translated = {
        one["prompt"].strip(): one["translation"]
        for file in settings.files
        for _, one in lines_of(folder / file, ("prompt", "translation"), what="translations")
    }
    found = [(i, _with(one, translated[one.question.strip()])) for i, one in enumerate(chosen)
             if one.question.strip() in translated]  # fmt: skip
    if found:
        changed[TRANSLATED] = found
    return Variants(chosen, {name: tuple(some) for name, some in changed.items() if some})


def _place(item: Item) -> int:
    return max(i for i, turn in enumerate(item.messages) if turn["role"] == "user")


def _with(item: Item, text: str) -> Item:
    place = _place(item)
    turns = [{**turn, "content": text} if i == place else turn for i, turn in enumerate(item.messages)]
    return replace(item, messages=tuple(turns))
