"""Rows that stay and name erased ones: their parents are named by the addresses that the ledger keeps.

A row that was made from rows of two people names both by plain addresses, which are part of what its own address is
computed over. When one of the two is erased, both would be something to try texts against: its list of parents, and
its own address for somebody who knows all the rest of it. So the list is written anew with keyed addresses, which no
one can compute without the key, and the plain address of the row goes; rows made from it name it by the keyed one too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json
from headgate.ledger import schema
from headgate.ledger.ledger import Ledger
from headgate.rows.row import from_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Staying:
    """What rows that stay are to say instead."""

    bodies: Mapping[int, bytes]  # by number of row
    addresses: frozenset[str]  # plain ones that go: named parents, and the rows' own


def of(ledger: Ledger, going: BitMap, merged: BitMap) -> Staying:
    """New bodies for the rows among `merged` that name rows of `going`, or each other.

    The same again where an erasure was cut off, or was made before rows were restated: it needs no body of the rows
    that go.
    """
    bodies, addresses = dict[int, bytes](), set[str]()
    if not ledger.seal.keyed or not merged:
        return Staying(bodies={}, addresses=frozenset())
    kept = {address for _, address in ledger.rows.kept(going | merged)}
    kept |= {address for _, address in ledger.rows.contents(going - ledger.rows.said_elsewhere(going))}
    for number, address, body in ledger.rows.bodies(merged):
        named = _named(body)
        sealed = {parent: ledger.seal.of(parent) for parent in named if schema.is_address(parent)}
        plain = {parent for parent, one in sealed.items() if one in kept}
        if plain:
            bodies[number] = _naming(body, {parent: sealed[parent] for parent in plain})
            addresses |= plain
            addresses.add(address)
    return Staying(bodies=bodies, addresses=frozenset(addresses))


def _named(body: bytes) -> list[str]:
    with contextlib.suppress(Refused):  # a body that is no row names nobody
        return list(from_bytes(body).side.parents)
    return []


def _naming(body: bytes, instead: Mapping[str, str]) -> bytes:
    row: dict[str, Any] = orjson.loads(body)
    side = row["side"]
    return canonical_json(row | {"side": side | {"parents": [instead.get(one, one) for one in side["parents"]]}})
