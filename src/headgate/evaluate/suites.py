"""Suites: item files read, checked, spread over pools and frozen in the ledger.

The ledger keeps addresses and no words: an item's node holds the content address of its row, its
pool and its place; the text stays in the user's file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from headgate.evaluate.pools import Item, cluster_of, clusters_of_items
from headgate.evaluate.scorers import Scorer
from headgate.evaluate.settings import POOLS, SuiteSettings
from headgate.evaluate.spreading import keys_of, must_be_moments, spread
from headgate.kit.errors import Refused, merged
from headgate.kit.hashing import digest_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.models.model import Prompt
from headgate.rows.reading import BadLine, read_rows
from headgate.rows.row import Row

PROMPT = "{prompt}"


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One suite, ready to run."""

    name: str
    settings: SuiteSettings
    pools: Mapping[str, tuple[Item, ...]]
    scorer: Scorer
    bridges: int = 0  # items that were left out because they hang together with items of two pools
    repeats: int = 0  # items that were given more than once in a pool and are asked once
    spent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # items of sealed pools that were spent
    gone: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # items that each pool had, spent or replaced

    @property
    def items(self) -> list[Item]:
        """All items of all pools."""
        return [item for pool in POOLS for item in self.pools[pool]]

    def digest(self, pool: str) -> str:
        """Address of a pool: its items, how they are asked and how they are scored."""
        return digest_json([self.name, pool, sorted(item.id for item in self.pools[pool]), self._manner()])

    def _manner(self) -> dict[str, object]:
        s = self.settings
        manner = {"scorer": s.scorer, "extractor": list(s.extractor), "labels": list(self.scorer.labels)}
        return {**manner, "system": s.system, "template": s.template, "cut_off": s.cut_off}

    def body(self) -> dict[str, object]:
        """What is frozen of the suite."""
        pools = {pool: sorted(item.id for item in self.pools[pool]) for pool in POOLS}
        digests = {pool: self.digest(pool) for pool in POOLS if self.pools[pool]}
        return {"suite": self.name, "pools": pools, "digests": digests, **self._manner()}


def load_suite(name: str, settings: SuiteSettings, folder: Path, known: Mapping[str, str] | None = None) -> Suite:
    """Reads the files of a suite; `known` are the pools of items that were spread before, by content id.

    Raises:
        Refused: a file or one of its lines cannot be read, or an item has no question or a target that cannot be
            scored.
    """
    must_be_moments(settings.since)
    rows: list[tuple[str, Row]] = []
    loose: list[Row] = []
    for key in (*POOLS, "items"):
        for file in settings.files(key):
            reader = read_rows(folder / file, format=settings.format or None, columns=settings.columns or None)
            for row in reader:
                rows.append((key, row)) if key in POOLS else loose.append(row)
            _must_be_whole(name, reader.bad_lines)
    found = spread(name, loose, settings.shares, settings.since, known)
    rows += [(pool, row) for pool, row in zip(found.pools, loose, strict=True) if pool]
    labels = settings.labels or [row.answer_text.strip() for _, row in rows]
    scorer = Scorer(settings.scorer, settings.extractor, labels=labels, cut_off=settings.cut_off)
    _must_be_askable(name, rows, scorer)
    clusters = clusters_of_items([row for _, row in rows])
    made = zip(rows, clusters, strict=True)
    items = [replace(item_of(name, pool, row, settings), cluster=own) for (pool, row), own in made]
    pools = {pool: _once([item for item in items if item.pool == pool]) for pool in POOLS}
    kept = sum(len(pool) for pool in pools.values())
    return Suite(
        name=name, settings=settings, pools=pools, scorer=scorer, repeats=len(items) - kept,
        bridges=len(found.bridges),
    )  # fmt: skip


def _must_be_askable(name: str, rows: Sequence[tuple[str, Row]], scorer: Scorer) -> None:
    problems = []
    for _, row in rows:
        reason = "no question" if not row.prompt_text.strip() else scorer.check_target(row.answer_text)
        if reason:
            file, line = (row.place.file, row.place.line) if row.place else (None, None)
            problems.append(
                Refused(f"suite {name!r}: {reason}", file=file, line=line, wanted="a question and a target")
            )
    if problems:
        shown = problems[:10]
        more = len(problems) - len(shown)
        if more:
            shown.append(Refused(f"and {more:,} more items like these", file=shown[0].file))
        raise merged(shown)


def _must_be_whole(name: str, bad: Sequence[BadLine]) -> None:
    """A line of a suite is never passed over: without it a score would be of other items than the file's."""
    problems = [
        Refused(f"suite {name!r}: {one.what}", file=one.file, line=one.line, found=one.found, wanted=one.wanted)
        for one in bad[:10]
    ]
    if problems:
        raise merged(problems)


def item_of(suite: str, pool: str, row: Row, settings: SuiteSettings) -> Item:
    """A row as an item of a suite."""
    turns = [{"role": message.role, "content": message.content} for message in row.prompt]
    if not turns:
        turns = [{"role": "user", "content": row.prompt_text}]
    for turn in reversed(turns):
        if turn["role"] == "user":
            turn["content"] = settings.template.replace(PROMPT, turn["content"])
            break
    return Item(
        id=row.content_id,
        suite=suite,
        pool=pool,
        messages=tuple(turns),
        question=row.prompt_text,
        target=row.answer_text,
        cluster=cluster_of(row),
        place=row.place,
        slices=dict(row.side.slices),
        row=row.id,
        context=_context(row),
        keys=tuple(keys_of(row, subjects=False)),
        reasoning=row.reasoning_text,
        calls=row.calls_text,
    )


def _context(row: Row) -> str:
    told = row.side.extra.get("context", "")
    parts = told if isinstance(told, list) else [told]
    return "\n\n".join(part for part in parts if isinstance(part, str) and part.strip())


def _once(items: Sequence[Item]) -> tuple[Item, ...]:
    return tuple({item.id: item for item in reversed(items)}.values())[::-1]


def prompt_of(item: Item, suite: Suite, examples: Sequence[Mapping[str, str]] = ()) -> Prompt:
    """The prompt of an item: system message, examples as turns, then the item."""
    system = suite.settings.system
    first: list[Mapping[str, str]] = [{"role": "system", "content": system}] if system else []
    rest = list(item.messages)
    if rest and rest[0]["role"] in ("system", "developer"):
        # Examples come after the item's own instructions, not before them.
        first, rest = [*first, rest[0]], rest[1:]
    return (*first, *examples, *rest)


def freeze(ledger: Ledger, suite: Suite) -> str:
    """Records the suite and its items; the same suite again adds nothing. Returns the suite's node id."""
    with ledger.transaction():
        node = ledger.record("suite", suite.name, suite.body())
        for item in suite.items:
            body = {"row": item.id, "suite": suite.name, "pool": item.pool, "cluster": item.cluster}
            ledger.record("item", f"{suite.name}/{item.pool}", body, edges=[Edge("member-of", node)])
    return node


def known_pools(ledger: Ledger) -> dict[str, str]:
    """The pool that each item had when it was first frozen, in a suite of any name, by content id.

    The first one counts: items that were spent are frozen again as development items, and a suite under another name
    must not deal its items anew.
    """
    found: dict[str, str] = {}
    for node in ledger.find("item"):
        if not node.erased and "row" in node.body:
            found.setdefault(str(node.body["row"]), str(node.body["pool"]))
    return found


def counts(suite: Suite) -> dict[str, int]:
    """Items and clusters of each pool."""
    found: Counter[str] = Counter()
    for pool in POOLS:
        found[pool] = len(suite.pools[pool])
        found[f"{pool} clusters"] = len({item.cluster for item in suite.pools[pool]})
    return dict(found)
