"""Items of judged suites: questions without a target, frozen and protected like those of every other suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headgate.evaluate.pools import Item, cluster_of, clusters_of_items, guarded
from headgate.evaluate.settings import POOLS, JudgedSettings, Settings
from headgate.kit.errors import Refused, merged
from headgate.kit.hashing import digest_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.steps import StageContext
from headgate.models.model import Prompt
from headgate.rows.reading import read_rows
from headgate.rows.row import Row
from headgate.rules.firewall import protect

POOL = "gate"


@dataclass(frozen=True, kw_only=True)
class JudgedSuite:
    """One judged suite, ready to be asked."""

    name: str
    settings: JudgedSettings
    items: tuple[Item, ...]
    node: str
    repeats: int  # items given more than once, asked once

    def prompt(self, item: Item) -> Prompt:
        """An item as a model sees it."""
        system = self.settings.system
        first: list[Mapping[str, str]] = [{"role": "system", "content": system}] if system else []
        return (*first, *item.messages)


def judged_suites(ledger: Ledger, settings: Settings, context: StageContext) -> list[JudgedSuite]:
    """The judged suites of the section, frozen and protected.

    Raises:
        Refused: a file cannot be read, an item has no question, or a suite has a name that is taken.
    """
    taken = sorted(set(settings.judged) & set(settings.suites))
    if taken:
        raise Refused("two suites of one name", found=taken[0], wanted="other names in [evaluate.judged]")
    return [_loaded(ledger, name, one, context.folder) for name, one in settings.judged.items()]


def _loaded(ledger: Ledger, name: str, settings: JudgedSettings, folder: Path) -> JudgedSuite:
    rows: list[Row] = []
    for file in settings.files:
        reader = read_rows(
            folder / file, format=settings.format or None, columns=settings.columns or None, strict=True
        )  # fmt: skip
        rows += list(reader)
    errors = [_silent(name, row) for row in rows if not row.prompt_text.strip()]
    if errors:
        raise merged(errors[:10])
    clusters = clusters_of_items(rows)
    found = [replace(_item(name, row, settings), cluster=own) for row, own in zip(rows, clusters, strict=True)]
    items = tuple({item.id: item for item in reversed(found)}.values())[::-1]
    body: dict[str, Any] = {
        "suite": name,
        "pools": {pool: sorted(item.id for item in items) if pool == POOL else [] for pool in POOLS},
        "judged": True,
        "system": settings.system,
        "template": settings.template,
        "digests": {POOL: digest_json([name, sorted(one.id for one in items), settings.system, settings.template])},
    }
    with ledger.transaction():
        node = ledger.record("suite", name, body)
        for item in items:
            about = {"row": item.id, "suite": name, "pool": POOL, "cluster": item.cluster}
            ledger.record("item", f"{name}/{POOL}", about, edges=[Edge("member-of", node)])
    protect(ledger, f"suite:{name}", map(guarded, items), pool=POOL, suite=node)
    return JudgedSuite(name=name, settings=settings, items=items, node=node, repeats=len(found) - len(items))


def _silent(name: str, row: Row) -> Refused:
    file, line = (row.place.file, row.place.line) if row.place else (None, None)
    return Refused(f"judged suite {name!r}: no question", file=file, line=line, wanted="a question")


def _item(suite: str, row: Row, settings: JudgedSettings) -> Item:
    turns = [{"role": message.role, "content": message.content} for message in row.prompt]
    turns = turns or [{"role": "user", "content": row.prompt_text}]
    for turn in reversed(turns):
        if turn["role"] == "user":
            turn["content"] = settings.template.replace("{prompt}", turn["content"])
            break
    return Item(
        id=row.content_id,
        suite=suite,
        pool=POOL,
        messages=tuple(turns),
        question=row.prompt_text,
        target=row.answer_text,
        cluster=cluster_of(row),
        place=row.place,
        slices=dict(row.side.slices),
        row=row.id,
    )
