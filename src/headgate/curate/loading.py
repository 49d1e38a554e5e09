"""Which rows a curation starts from, and reading them from the ledger."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from pyroaring import BitMap

from headgate.curate.habits import made_by_mending
from headgate.curate.inputs import made_by_repair
from headgate.curate.redaction import made_by_redaction
from headgate.curate.settings import Settings
from headgate.curate.weighting import made_by_weighting
from headgate.curate.working import Item
from headgate.kit.errors import Refused
from headgate.kit.progress import Advance
from headgate.ledger.ledger import Ledger
from headgate.rows.stored import stored_rows

MADE = (made_by_redaction, made_by_weighting, made_by_mending, made_by_repair)
FEEDING = ("capture", "generate")  # stages whose output `rows` is the address of a bitmap of row numbers


def numbers_to_curate(ledger: Ledger, settings: Settings, outputs: Mapping[str, Mapping[str, str]]) -> BitMap:
    """Numbers of the rows to start from: what the stages above brought, or whole sources, or everything.

    Raises:
        Refused: a source is unknown, or there are no rows at all.
    """
    above = [outputs[stage]["rows"] for stage in FEEDING if "rows" in outputs.get(stage, {})]
    numbers = BitMap()
    for address in above:
        numbers |= BitMap.deserialize(ledger.content.get(address))
    if settings.sources:
        wanted = BitMap()
        for name in settings.sources:
            wanted |= _of_source(ledger, name)
        numbers = numbers & wanted if above else wanted
    elif not above:
        numbers = ledger.rows.all_numbers()
    if not numbers:
        raise Refused(
            "there are no rows to curate",
            found=", ".join(settings.sources) or None,
            next_step="headgate capture import FILE --source NAME --licence SPDX",
        )
    return numbers


def load(ledger: Ledger, numbers: BitMap, *, whole: bool, advance: Advance) -> list[Item]:
    """Rows by number; erased ones are gone, and what curation made is reached through the rows it was made from.

    `whole` says that the numbers are those of whole sources, forms made by earlier curations among them.
    """
    items = []
    for number, row in stored_rows(ledger, numbers):
        advance(1)
        if not (whole and any(made(row) for made in MADE)):
            items.append(Item(number=number, root=number, row=row))
    return items


def _of_source(ledger: Ledger, name: str) -> BitMap:
    found = BitMap()
    for node in ledger.find("source", name):
        found |= ledger.rows.numbers_of_source(node.id)
    if not found:
        names = sorted({node.name for node in ledger.find("source")})
        near = difflib.get_close_matches(name, names, n=1)
        wanted = f"did you mean {near[0]!r}?" if near else "one of: " + ", ".join(names) if names else None
        raise Refused("no rows of that source", found=repr(name), wanted=wanted, next_step="headgate capture import")
    return found
