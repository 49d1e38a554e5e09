"""`headgate fleet doctor` and `claim`: what ends when, and how one says so."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from headgate.cli.output import EXIT_OF, answer, examples, print_json
from headgate.cli.rights_options import store_options

DAY = click.DateTime(["%Y-%m-%d"])
CLAIMS = ("base-end-of-life", "provider-policy", "owner", "hardware", "dependency", "licence", "consent")


@click.command(epilog=examples("fleet", "doctor", "doctor --within 90 --json"))
@click.option("--within", default=30.0, show_default=True, metavar="DAYS", help="An end this near needs somebody now.")
@store_options
def doctor(within: float, store: Path, quiet: bool, as_json: bool) -> int:
    """Lists adapters in use by the days to the first loss that cannot be made good, with what to do.

    Reads dated claims (base, licence, consent, hosted API, hardware, dependencies, owner), retention periods, drills
    and rescue kits. Exit code 1 where something needs somebody now, 3 where nobody knows.
    """
    from headgate.fleet.doctor import examine, lines
    from headgate.fleet.finding import project_of
    from headgate.kit import clock
    from headgate.ledger.ledger import Ledger
    from headgate.stats.verdict import worst

    with Ledger.open(store) as ledger:
        found = examine(ledger, project_of(store), clock.now(), within_days=within)
    verdicts = [one.verdict for one in found]
    outcome = worst(verdicts)
    if as_json:
        parts = {"verdicts": [one.as_json() for one in verdicts], "fleet": [one.as_json() for one in found]}
        print_json(answer("fleet doctor", parts, outcome))
    elif not quiet:
        click.echo("\n".join(lines(found)))
    return int(EXIT_OF[outcome])


@click.command(
    epilog=examples(
        "fleet",
        "claim base-end-of-life --about production --until 2027-01-14 --source 'vendor page'",
        "claim owner --about production --value 'A. Vos' --until 2027-03-31 --source 'staff list'",
        "claim dependency --package peft==0.21.2 --value yanked --source 'registry'",
    )
)
@click.argument("what", type=click.Choice(CLAIMS))
@click.option("--about", metavar="NAME", help="Adapter, release or alias; a base is found through it.")
@click.option("--package", metavar="NAME==VERSION", help="A dependency.")
@click.option("--hardware", metavar="CAPABILITY", help="A class of processor, such as avx512f.")
@click.option("--value", default="", metavar="TEXT", help="What is claimed, such as a name or 'yanked'.")
@click.option("--until", type=DAY, metavar="DATE", help="The day on which it ends.")
@click.option("--source", required=True, metavar="TEXT", help="Who says so.")
@store_options
def claim(
    what: str, about: str | None, package: str | None, hardware: str | None, value: str, until: datetime | None,
    source: str, store: Path, quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Records a dated claim that a decay clock reads: an end of life, an owner, a yanked dependency."""
    from headgate.fleet.clocks import about_of, unused_by
    from headgate.fleet.finding import member
    from headgate.flow.governing import open_ledger
    from headgate.kit import clock
    from headgate.kit.errors import Refused

    now = clock.now()
    if until is None and not value.strip():
        raise Refused("nothing is claimed", wanted="--until DATE, --value TEXT, or both")
    if not source.strip() or not all(one.isprintable() for one in (source, value, package or "", hardware or "")):
        raise Refused("nobody says so", found=repr(source), wanted="--source TEXT, in signs that can be printed")
    with open_ledger(store) as ledger:
        one = member(ledger, about) if about else None
        unused = unused_by(ledger, package=package, hardware=hardware)
        target = about_of(what, one, package=package, hardware=hardware)
        said = value or (until.date().isoformat() if until else "")
        end = until.replace(tzinfo=now.tzinfo) if until else None
        ended = end is not None and end <= now
        address = ledger.claims.assert_(
            target, what, said, source=source, observed_at=now, valid_from=None if ended else now, valid_to=end
        )
    if as_json:
        told = {"claim": address, "about": target, "what": what, "value": said, "unused": unused}
        print_json(answer("fleet claim", told))
    elif not quiet:
        note = "; no adapter in use was made with it, so no clock reads this" if unused else ""
        click.echo(f"{what} of {target}: {said}" + (f" until {until:%Y-%m-%d}" if until else "") + note)
