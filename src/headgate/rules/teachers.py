"""Lines of models: what the model to be trained is, what was made from it, and who taught earlier versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headgate.kit.hashing import PREFIX
from headgate.rules.models import Kin, Kinship, plain

LINES = "lines"  # the input that they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What a ledger knows. Names are those of records, their addresses, digests and fingerprints."""

    base: frozenset[str] = frozenset()  # every name of the model to be trained
    made_from: Mapping[str, frozenset[str]] = field(default_factory=dict)  # a model trained here -> names of its bases
    earlier: tuple[tuple[str, Mapping[str, int]], ...] = ()  # versions, oldest first, with their rows by teacher

    @classmethod
    def of(cls, told: Lines | Mapping[str, Any] | None) -> Lines:
        """From a JSON object with the same keys; nothing is known of what is not told."""
        if isinstance(told, Lines):
            return told
        body = dict(told or {})
        return cls(
            base=frozenset(body.get("base", ())),
            made_from={name: frozenset(bases) for name, bases in body.get("made_from", {}).items()},
            earlier=tuple((name, dict(rows)) for name, rows in body.get("earlier", ())),
        )


class Ancestry:
    """Whether a teacher is of the line of the model to be trained."""

    def __init__(self, base: str, lines: Lines, declared: Iterable[str]) -> None:
        self._kin = Kin(declared)
        self._made = {_key(name): bases for name, bases in lines.made_from.items()}
        names = {base} if base else set(lines.base)
        if base and _key(base) in {_key(name) for name in lines.base}:
            names |= lines.base
        self.names = frozenset(names)
        self._line = self._roots(names)

    @property
    def known(self) -> bool:
        """Whether anybody said which model is to be trained."""
        return bool(self.names)

    def is_own(self, teacher: str) -> bool:
        """Whether a teacher is the model itself, was made from it, or was made from what it was made from."""
        return not self._line.isdisjoint(self._roots([teacher]))

    def is_family(self, teacher: str) -> bool:
        """Whether a teacher is of the same family by name: worth a word and no more."""
        return any(self._kin.between(teacher, name) is Kinship.FAMILY for name in self.names)

    def _roots(self, names: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for name in names:
            ways = _ways(name)
            bases = next((self._made[each] for each in ways if each in self._made), frozenset())
            found |= {each for base in bases for each in _ways(base)} or set(ways)
            found |= {self._kin.root(each) for each in (*bases, name) if not each.startswith(PREFIX)}
        return found - {""}


def _ways(name: str) -> tuple[str, ...]:
    """How a name may be looked up: addresses as they are; records are named NAME@DIGEST, by which they are one."""
    if name.startswith(PREFIX):
        return (name,)
    return (_key(name), _key(name.partition("@")[0]))


def _key(name: str) -> str:
    return name if name.startswith(PREFIX) else plain(name)
