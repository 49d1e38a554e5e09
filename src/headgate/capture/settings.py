"""The section [capture] of the flow file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.settings import option
from headgate.text.personal import KINDS, patterns


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Which files become rows, where they come from and on what terms."""

    files: list[str] = option(help="Files to read, relative to the flow file; patterns such as data/*.jsonl.")
    source: str = option("", help="Name of the source, for rows that do not name their own.")
    licence: str = option("", help="Licence of the source, an SPDX identifier; claimed for the source.")
    licence_source: str = option("", help="Where the licence was read: a file or an address.")
    licence_until: date | None = option(None, help="Day until which the licence holds; after it verdicts are unsure.")
    owner: str = option("", help="Who answers for the source; claimed for the source.")
    consent: str = option("", help="Purpose agreed to by everyone in the source; claimed for the source.")
    consent_until: date | None = option(None, help="Day until which that consent holds.")
    teachers: dict[str, str] = option(
        {}, help="Whether outputs of a model may train another: its name and yes, no, conditional or its licence."
    )
    claims: str = option(
        "", help="CSV or JSON lines: subject, consent, of, licence, valid_from, valid_to, source.", unit="file"
    )
    format: str = option("", help="Format of the files; empty: detected.")
    columns: dict[str, str] = option(
        {}, help='Our names and theirs, such as { prompt = "text", subject = "customer" }.'
    )
    subject: str = option("", help="Column that holds the key of the person a row is about.")
    side: dict[str, Any] = option({}, help='Side data for rows without their own, such as { language = "en" }.')
    redact: list[str] = option(
        [], help="Personal data masked before anything is stored: personal for all, or of: " + ", ".join(KINDS) + "."
    )
    redact_patterns: dict[str, str] = option({}, help="Own regular expressions to mask, by name.")
    redact_names: str = option("", help="File of known names of people to mask, one a line.", unit="file")
    redact_name_columns: list[str] = option(
        [], help="Columns, left unmapped, that hold the name of a person, which is masked in that row."
    )
    strict: bool = option(False, help="Whether the first bad line ends the reading.")
    bad_lines_at_most: float = option(0.0, help="Bad lines tolerated; above it the stage fails.", unit="share")
    batch: int = option(1000, help="Rows stored at a time; a stored batch survives a crash.", unit="rows")
    rules: dict[str, dict[str, Any]] = option({}, help="Options of the rules judged here, by rule.")
    level: dict[str, str] = option({}, help="Levels of the rules judged here: block, warn or note.")

    def __post_init__(self) -> None:
        if not self.files:
            raise Refused("capture without files", wanted='files = ["data/train.jsonl"]')
        if not 0 <= self.bad_lines_at_most < 1:
            raise Refused("bad-lines-at-most is a share", found=str(self.bad_lines_at_most), wanted="0 to below 1")
        if self.batch < 1:
            raise Refused("a batch holds one row at least", found=str(self.batch))
        for given, name in ((self.licence, "licence"), (self.owner, "owner"), (self.consent, "consent")):
            if given and not self.source:
                raise Refused(f"a {name} is claimed for a source", found=f"{name} = {given!r}", wanted="source")
        patterns(self.redact, self.redact_patterns)

    @property
    def mapping(self) -> dict[str, str]:
        """Columns with the subject among them."""
        return self.columns | ({"subject": self.subject} if self.subject else {})
