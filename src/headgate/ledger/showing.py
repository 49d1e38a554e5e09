"""A record with its surroundings, for a person or a script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from headgate.kit.errors import Refused
from headgate.kit.hashing import short

if TYPE_CHECKING:
    from headgate.ledger.chain import Entry
    from headgate.ledger.ledger import Ledger
    from headgate.ledger.lineage import Lineage
    from headgate.ledger.verifying import Verification

SUBJECT = "subject:"
LISTED = 12  # edges shown of a kind
WIDTH = 110


def describe(ledger: Ledger, name: str) -> dict[str, Any]:
    """Body, edges both ways and claims of a node, or the body and versions of a row.

    Raises:
        Refused: the ledger has no such record.
    """
    number = ledger.rows.number_of(name)
    if number is not None:
        body = next((orjson.loads(data) for _, _, data in ledger.rows.bodies([number])), None)
        holding = list(ledger.versions.holding([number]))
        return {"id": name, "kind": "row", "number": number, "erased": body is None, "body": body, "versions": holding}
    node = ledger.node(name)
    outward, inward = ledger.edges_from(node.id), ledger.edges_to(node.id)
    names = {one.id: f"{one.kind} {one.name}" for one in ledger.nodes.many(_ends(outward, inward))}
    about = [node.id, *([f"source:{node.name}"] if node.kind == "source" else [])]
    return {
        **node.as_json(),
        "needs": [{"label": e.label, "id": e.target_id, "what": names.get(e.target_id, "row")} for e in outward],
        "needed_by": [{"label": e.label, "id": e.source_id, "what": names.get(e.source_id, "row")} for e in inward],
        "claims": [claim.as_json() for one in about for claim in ledger.claims.history(one)],
    }


def lines(record: Mapping[str, Any]) -> list[str]:
    """A described record in one screen."""
    out = [f"{record['kind']} {record.get('name', record.get('number'))}  {record['id']}"]
    if record.get("at"):
        out.append(f"  recorded  {record['at']} as entry {record['seq']}")
    if record.get("erased"):
        out.append("  body      erased")
    for key, value in (record.get("body") or {}).items():
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        out.append(f"  {key:<12} {text if len(text) <= WIDTH else text[:WIDTH] + '…'}")
    for title in ("needs", "needed_by"):
        edges = record.get(title, [])
        out += [f"  {title.replace('_', ' ')}: {e['label']} {e['what']} {short(e['id'])}" for e in edges[:LISTED]]
        if len(edges) > LISTED:
            out.append(f"  {title.replace('_', ' ')}: and {len(edges) - LISTED} more (--json lists them)")
    for claim in record.get("claims", []):
        span = f"{claim['valid_from'] or 'always'} to {claim['valid_to'] or 'open'}"
        out.append(f"  claim: {claim['what']} = {claim['value']} ({span}; says {claim['source']})")
    if record.get("versions"):
        out.append("  in: " + ", ".join(record["versions"]))
    return out


def entry_line(entry: Entry) -> str:
    """A log entry in one line."""
    what = " ".join(str(entry.payload[key]) for key in ("kind", "name", "about", "what") if key in entry.payload)
    count = f"{entry.payload['rows']:,} rows" if entry.action == "rows" else ""
    return f"{entry.seq:>6}  {entry.at[:19]}  {entry.action:<15} {what}{count}  {short(entry.hash)}"


def verification_lines(found: Verification) -> list[str]:
    """What a verification found, problems first."""
    problems = [f"entry {one.seq}: {one.what}" if one.seq else one.what for one in found.problems[:20]]
    counts = f"{found.entries:,} entries, {found.nodes:,} nodes, {found.rows:,} rows"
    return [*problems, f"{found.outcome.value}: {len(found.problems)} problems in {counts}; head {found.head.hash}"]


def ask(ledger: Ledger, question: str, name: str) -> Lineage:
    """Impact or closure of a record, or the impact of a person's rows.

    Raises:
        Refused: the ledger has no such record, or no row about that person.
    """
    if name.startswith(SUBJECT):
        key = name.removeprefix(SUBJECT)
        if question != "impact":
            raise Refused(
                "a person has an impact, and no closure", found=name, next_step="headgate ledger query impact"
            )
        if not ledger.rows.numbers_of_subject(key):
            raise Refused("no row about this person", found=name)
        return ledger.impact_of_subject(key)
    address = name if ledger.rows.number_of(name) is not None else ledger.node(name).id
    return ledger.impact(address) if question == "impact" else ledger.closure(address)


def _ends(outward: list[Any], inward: list[Any]) -> list[str]:
    return [edge.target_id for edge in outward] + [edge.source_id for edge in inward]
