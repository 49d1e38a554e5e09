"""What people wrote in fields that leave the house: tags and words of closed lists stay, other text is made harmless.

A field of a row, a claim or a settings file may hold any text, so it may hold a person. Languages, licences and words
of consent are let through only where they are what the field is for; names lose their control characters, and any
text with the key of a person is withheld as a whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import select

from headgate.ledger import schema
from headgate.ledger.ledger import Ledger
from headgate.release.evidence import Grounds, Source
from headgate.release.settings import Settings
from headgate.rights.evidence.licences import OWN, expression, reference

WITHHELD, OTHER = "withheld", "other"
PEOPLE = "subject:"
SHORT = 3  # keys of so few characters count only as words of their own; they are part of too many others
UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")  # categories of Unicode
CONSENT = frozenset(
    {
        "yes", "true", "given", "granted", "active", "valid", "full", "partial", "explicit", "implied", "opt-in",
        "no", "false", "none", "withdrawn", "revoked", "refused", "denied", "expired", "opt-out", "pending", "unknown",
        "training", "evaluation", "research", "analysis", "analytics", "support", "service", "testing", "improvement",
        "internal", "commercial", "non-commercial", "publication", "contract", "legitimate-interest",
        "legal-obligation", "vital-interest", "public-interest", "public", "anonymous", "not-required", "all",
    }
)  # fmt: skip
# RFC 5646: language with at most three extensions of it, script, region; then variants, extensions, private use.
LANGUAGE = re.compile(
    r"([a-z]{2,3}(?:-[a-z]{3}){0,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?)"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?",
    re.IGNORECASE | re.ASCII,
)


class Shield:
    """Lets text through, with the keys of people that must not be in it."""

    def __init__(self, keys: Iterable[str]) -> None:
        folded = {_folded(key) for key in keys} - {""}
        self._short = frozenset(key for key in folded if len(key) <= SHORT)
        self._long = frozenset(folded) - self._short
        self._lengths = sorted({len(key) for key in self._long})

    def names_a_person(self, text: str) -> bool:
        """Whether a text holds the key of a person, in whatever case, and whatever invisible signs stand in it."""
        return any(self._holds(one) for one in {_folded(text), _folded(_visible(text, ""))})

    def text(self, written: str) -> str:
        """A name or a sentence in one line; `withheld` where it holds the key of a person."""
        return WITHHELD if self.names_a_person(written) else _visible(written, " ")

    def names(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Counts by name."""
        return _merged((self.text(name), count) for name, count in counts.items())

    def licence(self, written: str) -> str:
        """A licence as an expression; one of somebody's own that holds the key of a person is a reference by hash."""
        found = expression(written)
        return reference(written) if OWN in found and self.names_a_person(found) else found

    def licences(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Counts by licence."""
        return _merged((self.licence(written), count) for written, count in counts.items())

    def settings(self, given: Settings) -> Settings:
        """What the flow file says of a release."""
        return replace(
            given,
            licence=self.licence(given.licence) if given.licence else "",
            about=self.text(given.about),
            language=[language(one) for one in given.language if language(one)],
            limits=[self.text(one) for one in given.limits],
            tags=[self.text(one) for one in given.tags],
        )

    def grounds(self, found: Grounds) -> Grounds:
        """What a release rests on, as the card tells it."""
        told = [
            {key: self.text(value) if isinstance(value, str) else value for key, value in one.items()}
            for one in found.waivers
        ]
        decision = replace(found.decision, body={**found.decision.body, "waivers": told})
        return replace(found, decision=decision, sources=tuple(self._source(one) for one in found.sources))

    def _source(self, one: Source) -> Source:
        # What is claimed and what rows state stand there with commas; a sentence with commas becomes several hashes.
        licences = dict.fromkeys(self.licence(part) for part in one.licence.split(", ")) if one.licence else ()
        return Source(
            name=self.text(one.name),
            licence=", ".join(licences),
            consent=consent(one.consent) if one.consent else "",
        )

    def _holds(self, text: str) -> bool:
        if self._short & set(re.findall(r"\w+", text)) or text in self._short:
            return True
        return any(
            text[start : start + length] in self._long
            for length in self._lengths
            for start in range(len(text) - length + 1)
        )


def shield_of(ledger: Ledger) -> Shield:
    """A shield over everybody whom a row or a claim of consent is about."""
    subject = schema.rows.c.subject
    with ledger.snapshot() as connection:
        keys = {row.subject for row in connection.execute(select(subject).where(subject.is_not(None)).distinct())}
    claimed = (claim.about for claim in ledger.claims.all("consent"))
    return Shield(keys | {about.removeprefix(PEOPLE) for about in claimed if about.startswith(PEOPLE)})


def language(written: str) -> str:
    """Language, script and region of a tag after BCP 47; empty for anything else."""
    found = LANGUAGE.fullmatch(written.strip().replace("_", "-"))
    return found.group(1) if found else ""


def languages(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by language; what is no tag of one is left out."""
    return _merged((language(written), count) for written, count in counts.items() if language(written))


def consent(written: str) -> str:
    """Words of consent from a closed list, in lower case; `other` where any other word stands among them."""
    parts = [re.sub(r"[\s_]+", "-", one.strip().lower()) for one in re.split(r"[,;+/]|\band\b", written, flags=re.I)]
    return ", ".join(parts) if all(one in CONSENT for one in parts) else OTHER


def _merged(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for name, count in pairs:
        counts[name] += count
    return dict(sorted(counts.items()))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _visible(text: str, instead: str) -> str:
    """Text in one line without control characters, invisible signs and line ends."""
    shown = "".join(instead if unicodedata.category(sign) in UNSEEN else sign for sign in text)
    return " ".join(shown.split()) if instead else shown
