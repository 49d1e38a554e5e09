"""What every document of evidence is made from: counts, names, digests and claims; never the text of a row.

People are counted here and nowhere named: no key of a person leaves the ledger. What nobody stated is empty, and each
format says so in its own words.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headgate.ledger.ledger import DatasetVersion, Node
from headgate.release.evidence import Grounds
from headgate.release.settings import Settings
from headgate.rights.evidence.licences import NOASSERTION, all_of

DATASET, ADAPTER, RELEASE = "dataset-version", "adapter", "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A claim that holds at the moment of the export."""

    value: str
    said_by: str
    observed: str  # day
    until: str  # last moment, empty where it is open

    def as_text(self) -> str:
        """In one line: what, who says so, since and until when."""
        until = f", until {self.until[:10]}" if self.until else ""
        return f"{self.value} (says {self.said_by}, {self.observed}{until})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """One source of the rows of a version."""

    name: str
    id: str
    rows: int
    licence: Term | None
    owner: Term | None
    consent: Term | None
    stated: Mapping[str, int]  # licences that rows themselves state, with the number of rows

    @property
    def expression(self) -> str:
        """Everything that is said of its licence, as one SPDX expression; rows that say nothing follow the claim."""
        said = [self.licence.value] if self.licence else []
        if not said and sum(self.stated.values()) < self.rows:
            return NOASSERTION
        return all_of([*said, *sorted(self.stated)])


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFacts:
    """What the rows of a version are, in counts. Erased rows can no longer be looked at."""

    readable: int
    erased: int
    size: int  # bytes of the readable rows in canonical form
    about_people: int  # rows with a subject
    people: int  # distinct subjects
    consent: Mapping[str, int]  # people, by what is claimed of their consent
    kinds: Mapping[str, int]
    languages: Mapping[str, int]
    generators: Mapping[str, int]  # rows that a model wrote, by model
    synthetic: int  # rows that a model wrote or that stand one or more generations from human text
    first: str  # day on which the oldest dated row was created; empty: none is dated
    last: str
    dated: int

    @property
    def consent_unknown(self) -> int:
        """People of whose consent nothing is claimed."""
        return self.people - sum(self.consent.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """A dataset version."""

    version: DatasetVersion
    frozen_at: str
    sources: tuple[SourceFacts, ...]
    rows: RowFacts
    steps: tuple[Mapping[str, Any], ...]  # of the curation: step, before, after

    @property
    def name(self) -> str:
        """Such as support@3."""
        return self.version.name

    @property
    def splits(self) -> dict[str, int]:
        """Rows of each split."""
        return {split: len(numbers) for split, numbers in sorted(self.version.splits.items())}

    @property
    def licence(self) -> str:
        """One SPDX expression over all sources; one source that says nothing leaves the whole without assertion."""
        return all_of([one.expression for one in self.sources])

    @property
    def owners(self) -> list[str]:
        """Who answers for the sources, as claimed; where nobody is claimed to, that is said."""
        named = [one.owner.value if one.owner else NOASSERTION for one in self.sources]
        return list(dict.fromkeys(named)) or [NOASSERTION]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One file of a model, by digests."""

    name: str
    blake3: str  # hex
    sha256: str  # hex; empty where the file is not at hand
    size: int | None  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """An adapter, or a release of one."""

    kind: str  # ADAPTER or RELEASE
    node: Node
    adapter: Node
    base: Node
    run: Node
    grounds: Grounds | None  # None: no decision covers the adapter
    settings: Settings  # of the release; defaults where there is none
    files: tuple[FileFacts, ...]
    retired: Term | None  # retired, or in quarantine, at the moment of the export

    @property
    def name(self) -> str:
        """Full name."""
        return self.node.name

    @property
    def digest(self) -> str:
        """Hex digits of the identity of tensors and settings."""
        return hex_of(str(self.adapter.body.get("digest", self.adapter.id)))

    @property
    def licence(self) -> str:
        """SPDX expression of the adapter's own licence."""
        return all_of([self.settings.licence])

    @property
    def plan(self) -> Mapping[str, Any]:
        """Everything that decided the bytes of the training."""
        return dict(self.run.body.get("plan", {}))

    @property
    def recipe(self) -> dict[str, str]:
        """Settings of the training in one flat table, in order of name."""
        return dict(sorted(_flat("", self.plan.get("settings", {}))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that a document may say."""

    at: datetime  # the moment for which it is said
    made_by: str  # headgate's version
    data: DataFacts
    model: ModelFacts | None

    @property
    def name(self) -> str:
        """What the documents are about."""
        return self.model.name if self.model else self.data.name

    @property
    def id(self) -> str:
        """Its address in the ledger."""
        return self.model.node.id if self.model else self.data.version.node_id

    @property
    def second(self) -> str:
        """The moment to the second, as most formats want it."""
        return self.at.strftime("%Y-%m-%dT%H:%M:%SZ")


def hex_of(address: str) -> str:
    """The digits of a content address."""
    return address.removeprefix("b3:")


def urn(kind: str, address: str) -> str:
    """A name of a record that no place on the web is promised for."""
    return f"urn:headgate:{kind}:{hex_of(address)}"


def uuid_of(text: str) -> str:
    """The same identifier for the same text."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text))


def counted(counts: Mapping[str, int], nothing: str = "unknown") -> str:
    """Counts in one line, the most frequent first."""
    order = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name}: {count:,}" for name, count in order) or nothing


def curation(data: DataFacts) -> list[str]:
    """Each step of the curation with what it left."""
    return [f"{one['step']}: {one['before']:,} rows to {one['after']:,}" for one in data.steps]


def people(data: DataFacts) -> list[str]:
    """Who the rows are about, and by what leave, in counts."""
    rows = data.rows
    if not rows.people:
        return [f"No row names a person that it is about; whether texts hold personal data: {NOASSERTION}."]
    told = f"Consent claimed of people: {counted(rows.consent)}" if rows.consent else "No consent of people is claimed"
    unknown = f"; of {rows.consent_unknown:,} nothing is claimed" if rows.consent and rows.consent_unknown else ""
    return [
        f"{rows.about_people:,} rows are about {rows.people:,} people; their pseudonymous keys are not published.",
        f"{told}{unknown}.",
    ]


def _flat(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [pair for key, inner in value.items() for pair in _flat(f"{prefix}{key}.", inner)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = ", ".join(str(one) for one in value)
    return [(prefix.rstrip("."), str(value))]
