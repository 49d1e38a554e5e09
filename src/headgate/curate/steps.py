"""The steps of a curation, each a function over the rows in hand; order and settings are the caller's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from headgate.curate.decontamination import items_of, leaks
from headgate.curate.duplicates import exact_duplicates
from headgate.curate.filters import compile_filter
from headgate.curate.keys import alike_pairs, check_together, members_of
from headgate.curate.quotas import Quotas
from headgate.curate.redaction import redactor
from headgate.curate.settings import Settings
from headgate.curate.slices import table
from headgate.curate.splitting import HELD_BACK, Memory, Plan, assign
from headgate.curate.working import Bench, Item, removed_from
from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import RowRecord
from headgate.rows.row import Row, to_bytes

CLOSED = ("gate", "sealed")  # pools whose words are on no list
HALVED = 0.5  # a filter that keeps less of a slice is named in its report


def select(bench: Bench, settings: Settings, quotas: Quotas) -> None:
    """Keeps the rows that the filter describes, and those that a quota asks for.

    Raises:
        Refused: the filter names a field that no row has, or keeps no row.
    """
    if not settings.where:
        bench.report("select", len(bench.items))
        return
    chosen = compile_filter(settings.where)
    before = bench.rows()
    kept, left = chosen.split(before)
    if not kept:
        raise Refused("the filter keeps no row", found=settings.where, wanted=f"some of {len(before):,} rows")
    reason = f"not: {settings.where}"
    gone = {position: removed_from(bench.items[position], "select", reason) for position in left}
    gone = quotas.hold(bench, gone, {position: -chosen.distance(bench.items[position].row) for position in gone})
    kept = [position for position in range(len(before)) if position not in gone]
    named = {name.partition(".")[2] for name in chosen.fields if name.startswith("slice.")}
    halved = [
        line
        for line in table(before, [before[position] for position in kept])
        if line["kept"] < HALVED and line["slice"].partition("=")[0] not in named
    ]
    bench.remove("select", gone, absent=dict(chosen.absent), halved=halved[:20])


def redact(bench: Bench, settings: Settings, ledger: Ledger) -> None:
    """Puts placeholders for personal data; every changed row becomes a new row made from the old."""
    clean = redactor(settings.redact.compiled())
    counts: Counter[str] = Counter()
    changed: dict[int, Row] = {}
    for position, item in enumerate(bench.items):
        masked = clean(item.row)
        if masked.changed:
            changed[position] = masked.row
            counts.update(masked.counts)
    numbers = stored(ledger, list(changed.values()))
    for position, row in changed.items():
        bench.items[position] = replace(bench.items[position], row=row, number=numbers[row.id])
    kinds = dict(sorted(counts.items()))
    bench.report("redact", len(bench.items), replaced=kinds, rows=len(changed))


def stored(ledger: Ledger, rows: Sequence[Row]) -> dict[str, int]:
    """Stores rows that a step made; returns their numbers by address."""
    records = []
    for row in rows:
        name = row.side.source or ""
        source = ledger.record("source", name, {"name": name})
        records.append(
            RowRecord(
                id=row.id,
                content_id=row.content_id,
                body=to_bytes(row),
                source_id=source,
                subject=row.side.subject,
                parents=row.side.parents,
            )
        )
    numbers = ledger.rows.append(records).numbers
    return {address: number for number, address in ledger.rows.ids(numbers)}


def split(bench: Bench, settings: Settings, memory: Memory) -> Memory:
    """Deals every row to a split, or holds it back with a reason; returns what to remember.

    Raises:
        Refused: a key to keep rows together is on no row, or every row is held back.
    """
    how = settings.splitting
    rows = bench.rows()
    check_together(rows, how)
    plan = Plan(
        shares=how.shares,
        salt=how.salt,
        cutoff=parse_moment(how.cutoff) if how.cutoff else None,
        later=how.later,
    )
    dealt = assign(members_of(bench.items, how), alike_pairs(rows, how), memory, plan)
    gone = {
        position: removed_from(item, "split", f"{HELD_BACK}: {reason}")
        for position, (item, reason) in enumerate(zip(bench.items, dealt.reasons, strict=True))
        if reason
    }
    if len(gone) == len(rows):
        raise Refused("every row is held back", found=next(iter(gone.values())).reason)
    bench.items = [replace(item, split=name or "") for item, name in zip(bench.items, dealt.splits, strict=True)]
    largest = Counter(dealt.component).most_common(1)[0][1]
    bench.remove("split", gone, splits=sizes(bench.items), components=len(set(dealt.component)), largest=largest)
    return dealt.memory


def whole(bench: Bench, name: str) -> None:
    """Without the step `split`, every row is in the split that is trained on."""
    bench.items = [replace(item, split=name) for item in bench.items]


def drop_exact(ledger: Ledger, bench: Bench, train: str, keep: Collection[str] = ()) -> None:
    """Of training rows with the same content the earliest stays, and any whose captured address is in `keep`."""
    places = bench.positions(train)
    roots = dict(ledger.rows.ids([bench.items[place].root for place in places]))
    found = exact_duplicates([bench.items[p].row for p in places], [bench.items[p].root for p in places])
    gone = {}
    for one in found:
        item, survivor = bench.items[places[one.position]], bench.items[places[one.survivor]]
        if roots[item.root] not in keep:
            gone[places[one.position]] = removed_from(
                item,
                "exact-duplicates",
                "has the content of another row",
                partner=survivor.row.id,
                similarity=1.0,
                root=roots[item.root] if roots[item.root] != item.row.id else "",
            )
    bench.remove("exact-duplicates", gone)


def decontaminate(bench: Bench, settings: Settings, folder: Path, ledger: Ledger) -> None:
    """Takes training rows away that resemble an item of the evaluation files.

    Raises:
        Refused: an evaluation file cannot be read.
    """
    if not settings.against:
        bench.report("decontaminate", len(bench.items))
        return
    how = settings.decontaminate
    closed = {item for one in ledger.protection.sets() if one.pool in CLOSED for item in one.items}
    items = items_of(settings.against, folder, columns=how.columns, format=how.format)
    places = bench.positions(settings.splitting.train)
    rows = [bench.items[p].row for p in places]
    gone = {}
    for leak in leaks(rows, items, share=how.coverage, threshold=how.threshold):
        item = items[leak.item]
        gone[places[leak.position]] = removed_from(
            bench.items[places[leak.position]],
            "decontaminate",
            leak.reason,
            partner=item.id,
            partner_place=str(item.place or ""),
            similarity=leak.share,
            partner_text="" if item.content_id in closed else item.text,
        )
    bench.remove("decontaminate", gone, items=len(items))


def sizes(items: Sequence[Item]) -> dict[str, int]:
    """Rows in each split."""
    return dict(sorted(Counter(item.split for item in items if item.split).items()))
