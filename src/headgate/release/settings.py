"""The section [release] of the flow file."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.kit.errors import Refused
from headgate.kit.names import must_be_name
from headgate.kit.settings import option

FOLDER = "releases"  # below the flow file


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a release is named, what its card says beside the evidence, and which alias moves to it."""

    name: str = option("", help="First part of the name; empty: the name of the flow.")
    alias: str = option("production", help="Alias that moves to the new release; empty: none moves.")
    keep: int = option(3, help="Earlier releases whose folders stay ready for rollback; 0: all.", unit="releases")
    about: str = option("", help="What the adapter is for, in a sentence or two, for the card.")
    licence: str = option("", help="Licence of the adapter, an SPDX identifier; empty: not stated.")
    language: list[str] = option([], help="Languages, as ISO 639-1 codes.")
    tags: list[str] = option([], help="More tags for the card.")
    limits: list[str] = option([], help="Known limits, one sentence each, for the card.")

    def __post_init__(self) -> None:
        if self.name:
            must_be_name(self.name, "release.name")
        if self.alias:
            must_be_name(self.alias, "release.alias")
        if self.keep < 0:
            raise Refused("release.keep", found=str(self.keep), wanted="0 or more")
