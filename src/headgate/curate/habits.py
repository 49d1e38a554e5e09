"""What becomes of habits in the answers that are trained on: put right, masked out of the loss, or the row goes.

Inputs and the other splits stay as they are. A changed row is a new row made from the old.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from headgate.curate.settings import Settings
from headgate.curate.steps import stored
from headgate.curate.working import Bench, removed_from
from headgate.ledger.ledger import Ledger
from headgate.rows.row import Row
from headgate.rules.given import Corpus, Given
from headgate.rules.habits import Habits
from headgate.rules.operations import ACTS, operations, rules_named
from headgate.rules.options import read_options
from headgate.rules.running import run_rules
from headgate.rules.selection import find

STEP = "habits"
MARK = "mended-habits"  # key of `extra` with what was done, and how often


def mend_habits(bench: Bench, settings: Settings, ledger: Ledger) -> None:
    """Carries out the decisions on the rows of the split that is trained on.

    Raises:
        Refused: nobody says what the right words are.
    """
    places = bench.positions(settings.splitting.train)
    given = Given({"training-rows": Corpus([bench.items[place].row for place in places], "rows to train on")})
    rules = [find(name) for name in rules_named(settings.habits)]
    verdicts = run_rules(rules, given, settings.rules, settings.level) if rules else []
    own = settings.rules.get(ACTS, {})
    allowed = Habits.of(read_options(find(ACTS), own))
    todo = operations(settings.habits, verdicts, allowed)
    counts: Counter[str] = Counter()
    gone, changed = {}, {}
    for place in places:
        item = bench.items[place]
        done = todo.on(item.row)
        counts.update(done.counts)
        if done.row is None:
            gone[place] = removed_from(item, STEP, done.reason)
        elif done.counts:
            extra = {**done.row.side.extra, MARK: dict(done.counts)}
            changed[place] = done.row.with_side(parents=(item.row.id,), extra=extra)
    numbers = stored(ledger, list(changed.values()))
    for place, row in changed.items():
        bench.items[place] = replace(bench.items[place], row=row, number=numbers[row.id])
    bench.remove(STEP, gone, changed=len(changed), spans=dict(sorted(counts.items())))


def made_by_mending(row: Row) -> bool:
    """Whether a row is the mended form of another; such rows are reached through the row they were made from."""
    return MARK in row.side.extra and len(row.side.parents) == 1
