"""The step near-duplicates: what may go goes as far as slices keep their floors and people do not say otherwise.

With the step, proposals are carried out within the floors; without it, only those that a person
accepted. A person who keeps a row is obeyed in both. What stays because its slice is small gets a weight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headgate.curate.duplicates import near_duplicates
from headgate.curate.proposing import body_of
from headgate.curate.quotas import Quotas
from headgate.curate.reviews import ACCEPT, KEEP, Decision
from headgate.curate.settings import Settings
from headgate.curate.slices import slices_of, thin
from headgate.curate.steps import stored
from headgate.curate.survivors import Removal
from headgate.curate.weighting import weighted
from headgate.curate.working import Bench, Item, Removed, removed_from
from headgate.ledger.ledger import Ledger

STEP = "near-duplicates"
ALIKE = "is a near-duplicate of another row"


@dataclass(frozen=True, slots=True)
class _Carried:
    """What becomes of each proposal, by position."""

    gone: Mapping[int, str]  # reason
    states: Mapping[int, str]
    small: Mapping[int, str]  # the small slice for which a row stays with less weight
    floors: Mapping[int, str]  # the slice whose floor a row stays for


def drop_near(
    ledger: Ledger, bench: Bench, settings: Settings, said: Mapping[str, Decision], quotas: Quotas, *, apply: bool
) -> None:
    """Proposes near-duplicates inside training; carries out what the step, or a person, lets go."""
    how = settings.near_duplicates
    places = bench.positions(settings.splitting.train)
    items = [bench.items[place] for place in places]
    choice = near_duplicates([item.row for item in items], how.likeness(), keep=how.keep, hardness=how.hardness)
    roots = dict(ledger.rows.ids([item.root for item in items]))
    heard = {place: said[roots[item.root]] for place, item in enumerate(items) if roots[item.root] in said}
    carried = _carried(choice.removals, items, settings, heard, apply=apply)
    accepted = {place: one.id for place, one in heard.items() if one.what == ACCEPT}
    reasons = {one.position: carried.gone.get(one.position, ALIKE) for one in choice.removals}
    records = {
        one.position: _record(items, one, roots, reasons[one.position], accepted.get(one.position, ""))
        for one in choice.removals
    }
    bench.proposals += records.values()
    bench.proposal = body_of(choice, items, roots, carried.states)
    _weigh(ledger, bench, {places[position]: how.small_weight for position in carried.small})
    if not apply and not carried.gone:
        return
    notes: dict[str, Any] = {
        "clusters": len(choice.clusters),
        "proposed": len(choice.removals),
        "share-only-the-prompt": choice.prompt_only,
        "alike-but-of-other-slices-or-labels": len(choice.mixed),
    }
    if carried.floors:
        notes["kept-for-their-slice"] = dict(Counter(carried.floors.values()).most_common())
    if carried.small:
        notes["weighted"] = {"rows": len(carried.small), "weight": how.small_weight}
    people = Counter(f"{one.what} by {one.name}" for place, one in heard.items() if place in records)
    if people:
        notes["decided"] = dict(sorted(people.items()))
    gone = {places[position]: records[position] for position in carried.gone}
    doubt = {place: 1.0 - (one.similarity or 0.0) for place, one in gone.items()}
    bench.remove(STEP, quotas.hold(bench, gone, doubt, settings.splitting.train), **notes)


def _carried(
    removals: Sequence[Removal],
    items: Sequence[Item],
    settings: Settings,
    heard: Mapping[int, Decision],
    *,
    apply: bool,
) -> _Carried:
    how = settings.near_duplicates
    gone: dict[int, str] = {}
    states: dict[int, str] = {}
    open_ones = []
    for one in removals:
        decision = heard.get(one.position)
        if decision is None:
            open_ones.append(one)
        else:
            states[one.position] = f"{'kept' if decision.what == KEEP else 'accepted'} by {decision.name}"
            if decision.what == ACCEPT:
                gone[one.position] = f"{ALIKE}; accepted by {decision.name} on {decision.at[:10]}"
    floors: dict[int, str] = {}
    if apply:
        done: Sequence[Removal] = open_ones
        if how.floors:
            thinned = thin(open_ones, [slices_of(item.row) for item in items], how.limits())
            done, floors = thinned.removals, dict(thinned.kept)
        gone |= {one.position: ALIKE for one in done}
        states |= {one.position: "removed" for one in done}
    sizes = Counter(name for item in items for name in slices_of(item.row))
    small = {place: name for place, name in floors.items() if sizes[name] < how.floor_rows and how.small_weight < 1}
    states |= {place: f"kept for {name}" for place, name in floors.items()}
    states |= {place: f"weighted for {name}" for place, name in small.items()}
    return _Carried(gone, states, small, floors)


def _weigh(ledger: Ledger, bench: Bench, weights: Mapping[int, float]) -> None:
    rows = {place: weighted(bench.items[place].row, weight) for place, weight in weights.items()}
    numbers = stored(ledger, list(rows.values()))
    for place, row in rows.items():
        bench.items[place] = replace(bench.items[place], row=row, number=numbers[row.id])


def _record(items: Sequence[Item], one: Removal, roots: Mapping[int, str], reason: str, decision: str) -> Removed:
    item, survivor = items[one.position], items[one.survivor].row
    root = roots[item.root]
    return removed_from(
        item,
        STEP,
        reason,
        partner=survivor.id,
        similarity=one.similarity,
        partner_text=survivor.text,
        root=root if root != item.row.id else "",
        fields=one.fields,
        field=one.field,
        decision=decision,
    )
