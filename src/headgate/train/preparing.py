"""Everything that is known of a training before its settings are tried: rows, base, start, and what was examined."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headgate.kit.hashing import digest_file
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.models.chat_template import ChatTemplate
from headgate.models.tokenizer import Tokenizer
from headgate.rows.reading import read_rows
from headgate.rows.row import Row
from headgate.train.closure import Base, find_base, plan, salted
from headgate.train.distilling import distilled
from headgate.train.flights import Flight, fly
from headgate.train.material import Material, material
from headgate.train.rendering import as_dict, tools_of
from headgate.train.rewards import inside
from headgate.train.schedule import Schedule, schedule_of
from headgate.train.settings import Settings
from headgate.train.shard import keep
from headgate.train.starting import Start, find_start
from headgate.train.training import Workshop

INSTRUCTIONS = ("system", "developer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What tries with different settings share."""

    rows: Material
    base: Base
    start: Start | None
    flight: Flight
    held: Flight | None
    probed: Flight | None
    drift: tuple[tuple[int, ...], ...]
    context: StageContext
    distilled: str  # address of the base's own answers that are taught; empty: none

    @property
    def blocking(self) -> Flight | None:
        """The first set of rows that pre-flight stops, if any."""
        flights = (self.flight, self.held, self.probed)
        return next((one for one in flights if one is not None and one.seen.blocks), None)


def prepared(ledger: Ledger, dataset: str, settings: Settings, context: StageContext) -> Prepared:
    """Reads and examines all rows that the settings name.

    Raises:
        Refused: no such base, split or start, or rows that the method cannot learn from.
    """
    base = find_base(ledger, settings.base, context.folder)
    start = find_start(ledger, settings.start, base, context.work)
    return assembled(lambda split: material(ledger, dataset, split), base, start, settings, context)


def assembled(
    read: Callable[[str], Material], base: Base, start: Start | None, settings: Settings, context: StageContext
) -> Prepared:
    """The same from wherever the rows of a split are read.

    Raises:
        Refused: rows that the method cannot learn from.
    """
    rows, answers = _shaped(read(settings.split), base, settings, context)

    def other(split: str, most: int = 0) -> Flight | None:
        if not split:
            return None
        shaped, _ = _shaped(drawn(read(split), most), base, settings, context)
        return fly(shaped, base, settings, context.folder, quiet=context.quiet)

    return Prepared(
        rows=rows,
        base=base,
        start=start,
        flight=fly(rows, base, settings, context.folder, quiet=context.quiet),
        held=other(settings.choose_on if settings.choose == "lowest-loss" or settings.sweep else ""),
        probed=other(settings.probe.split, settings.probe.most),
        drift=_drift_prompts(settings, base, context.folder),
        context=context,
        distilled=answers,
    )


def drawn(rows: Material, most: int) -> Material:
    """The rows with the lowest addresses, `most` of them: the same ones each time, even after others were added."""
    if not most or len(rows.rows) <= most:
        return rows
    kept = set(sorted(row.id for row in rows.rows)[:most])
    return replace(rows, rows=tuple(row for row in rows.rows if row.id in kept))


def _shaped(rows: Material, base: Base, settings: Settings, context: StageContext) -> tuple[Material, str]:
    """The rows as the recipe wants them taught, and the address of what the base itself answered."""
    some = rows.rows
    if settings.system_prompt == "drop":
        some = tuple(_without_instructions(row) for row in some)
    answers = ""
    if settings.distil == "prompts":
        some, answers = distilled(some, base.folder, settings.distil_tokens, quiet=context.quiet)
    return replace(rows, rows=some), answers


def _without_instructions(row: Row) -> Row:
    kept = tuple(one for one in row.messages if one.role not in INSTRUCTIONS)
    # The row keeps its address: what is trained on is still that row.
    return row if len(kept) == len(row.messages) else replace(row, messages=kept).known_as(row.id)


def _drift_prompts(settings: Settings, base: Base, project: Path) -> tuple[tuple[int, ...], ...]:
    if not settings.probe.drift:
        return ()
    tokenizer, template = Tokenizer(base.folder), ChatTemplate.of_folder(base.folder)
    texts = [
        template.render([as_dict(one) for one in row.prompt], add_generation_prompt=True, tools=tools_of(row))
        for row in read_rows(inside(settings.probe.drift, project, "a drift probe"))
        if template is not None
    ]
    return tuple(tuple(one.ids) for one in tokenizer.encode(texts))


def _planned(p: Prepared, settings: Settings, schedules: Mapping[int, Schedule]) -> dict[str, Any]:
    """The plan, with what it has beside the rows; digests over rows are salted."""
    held, probed = (one.seen.shard if one else None for one in (p.held, p.probed))
    salt, scored = p.rows.salt, p.flight.scored
    out = plan(
        material=p.rows, shard=p.flight.seen.shard, schedules=schedules, base=p.base, settings=settings, held=held
    )
    out |= {"start": {"adapter": p.start.digest, "node": p.start.node_id} if p.start else None, **scored}
    if "references" in scored:
        out["references"] = salted(salt, str(scored["references"]))
    if settings.probe.drift:
        out["drift"] = digest_file(p.context.folder / settings.probe.drift)
    return out | {
        "probed_shard": salted(salt, probed.digest if probed else ""),
        "distilled": salted(salt, p.distilled),
    }


def workshop(p: Prepared, settings: Settings) -> Workshop:
    """Everything that one try needs, with the plan that it is bound to; the shard is kept as closure data."""
    shard = p.flight.seen.shard
    sources = _sources(p, settings)
    schedules = {
        seed: schedule_of(
            shard.row_ids,
            seed=seed,
            batch=settings.batch,
            steps=settings.steps,
            epochs=settings.epochs,
            sources=sources,
            mix=settings.mix,
        )
        for seed in settings.seeds
    }
    held = p.held.seen.shard if p.held else None
    probed = p.probed.seen.shard if p.probed else None
    planned = _planned(p, settings, schedules)
    keep(shard, p.context.work / "shards")
    others = [one for one in (p.held, p.probed) if one is not None]
    return Workshop(
        work=p.context.work,
        base=p.base,
        settings=settings,
        shard=shard,
        held=held,
        probed=probed,
        probe_steps=_probe_steps(settings, len(shard), min(one.steps for one in schedules.values())),
        drift_prompts=p.drift,
        schedules=schedules,
        plan=planned,
        pad_id=p.flight.seen.pad_id,
        project=p.context.folder,
        quiet=p.context.quiet,
        start=p.start.folder if p.start else None,
        start_node=p.start.node_id if p.start else "",
        asked=p.flight.asked,
        other_asked={
            row: asked for one in others for row, asked in zip(one.seen.shard.row_ids, one.asked, strict=False)
        },
    )


def _sources(p: Prepared, settings: Settings) -> list[str]:
    """The source of each row of the shard; only asked for where a source has a share."""
    if not settings.mix:
        return []
    known = {row.id: row.side.source or "" for row in p.rows.rows}
    return [known[one.partition("#")[0]] for one in p.flight.seen.shard.row_ids]


def _probe_steps(settings: Settings, rows: int, steps: int) -> frozenset[int]:
    """Steps after which probes are due: one for each pass or what the settings say, and the last."""
    if not settings.probe.asked:
        return frozenset()
    between = max(1, math.ceil(rows / settings.batch * settings.probe.every))
    return frozenset({*range(between, steps + 1, between), steps})
