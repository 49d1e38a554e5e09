"""What the verbs of `headgate rights retention` share: opening, claiming, printing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from headgate.cli.output import answer, print_json
from headgate.cli.rights_cases import moment
from headgate.kit.errors import Exit, Refused


@contextlib.contextmanager
def opened(store: Path) -> Iterator[tuple[Any, int]]:
    """The ledger with the periods of the project file taken over, and how long an adapter is meant to live."""
    from headgate.flow.governing import folder_of, open_ledger, table
    from headgate.kit.people import acting
    from headgate.ledger.roles import RETENTION, in_force
    from headgate.rights.periods import RetentionSettings, take_over

    written = table(folder_of(store), "retention")
    with open_ledger(store) as ledger:
        roles, person = in_force(ledger, moment()), acting()
        if written is not None and (roles is None or roles.allows(person.name, RETENTION)):
            take_over(ledger, written, person, moment())
        elif written is not None:
            click.echo(f"warning: {person.name} may not set periods: [retention] as it was taken over last", err=True)
        yield ledger, (written or RetentionSettings()).adapter_life


def looked(ledger: Any, life: int) -> tuple[Any, list[Any]]:
    """What is past its period, and the holds that stand."""
    from headgate.ledger import holds
    from headgate.rights import retention

    return retention.due(ledger, moment(), adapter_life=life), holds.standing(ledger, moment())


def claimed(asked: dict[str, Any], verb: str, role: str, about: str, act: Callable[[Any], None]) -> None:
    """Lets somebody with the role make a claim, and says so."""
    from headgate.ledger.roles import require

    with opened(asked["store"]) as (ledger, _):
        require(ledger, role, by=asked["by"], about=about, now=moment())
        act(ledger)
    if asked["as_json"]:
        print_json(answer(f"rights retention {verb}", {"about": about, "by": asked["by"], "reason": asked["reason"]}))
    elif not asked["quiet"]:
        click.echo(f"{verb} {about}, says {asked['by']}: {asked['reason']}")


def of_hold(source: str | None, subject: str | None, every: bool) -> str:
    """What a hold is about.

    Raises:
        Refused: none or several are named.
    """
    named = [f"{kind}:{key}" for kind, key in (("source", source), ("subject", subject)) if key] + ["ledger"] * every
    if len(named) != 1:
        raise Refused("a hold on what?", found=", ".join(named) or "none", wanted="--source, --subject or --all")
    return named[0]


def told(verb: str, found: Any, holds: list[Any], done: Any, *, quiet: bool, as_json: bool) -> int:
    """Prints what is past its period and what was done; the exit code."""
    from headgate.rights import retention

    left = bool(found.alarms or (done.case if done else found.erasable or found.needed or found.outputs))
    left = left or bool(done and (done.unreached or (done.erased and not done.erased.whole)))
    if as_json:
        acted = {
            "erased": done.erased.as_json() if done and done.erased else None,
            "outputs_erased": done.outputs if done else 0,
            "unreached": done.unreached if done else [],
            "case": done.case.as_json() if done and done.case else None,
        }
        parts = found.as_json() | {"holds": [one.as_json() for one in holds]} | acted
        print_json(answer(f"rights retention {verb}", parts, "fail" if left else "pass"))
    elif not quiet:
        kept = [f"hold on {one.about} until {one.until}, says {one.by}: {one.reason}" for one in holds]
        click.echo("\n".join([*kept, *retention.lines(found, done)]))
    return int(Exit.FAIL if left else Exit.PASS)
