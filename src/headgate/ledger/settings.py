"""The section `[ledger]` of the project file: where the ledger of a project lies, if not in a file beside it."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.kit.errors import Refused
from headgate.kit.settings import option


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """Where a team has its ledger."""

    url: str = option(
        "", help="Database of a team, postgresql://USER@HOST/DATABASE; its password in PGPASSWORD or ~/.pgpass."
    )
    content: str = option("", help="Where the content of a new ledger is to lie, s3://BUCKET/PREFIX; empty: in it.")

    def __post_init__(self) -> None:
        from headgate.ledger import postgres
        from headgate.ledger.objects import split

        if self.url and not postgres.is_address(self.url):
            raise Refused("not the address of a database", found=self.url.split("://")[0], wanted="postgresql://...")
        if self.url and postgres.has_password(self.url):
            step = "take it out of the file; PGPASSWORD or ~/.pgpass has it"
            raise Refused("a password in the project file", found=postgres.shown(self.url), next_step=step)
        if self.content:
            split(self.content)
