"""`headgate explain`: the page of a rule, or the catalogue."""

from __future__ import annotations

import shutil
import textwrap

import click

from headgate.cli.output import answer, common_options, examples, print_json
from headgate.kit.errors import Exit

EXAMPLES = examples("explain", "", "self-leak")


@click.command(epilog=EXAMPLES)
@click.argument("rule", required=False, metavar="[RULE]")
@common_options
def command(rule: str | None, quiet: bool, as_json: bool) -> int:
    """Prints the page of RULE, by name or code: what it checks, why, how it is measured, what to do.

    Without RULE it lists the catalogue. The page has the options, the measured power and the cases
    that test the rule; it is the same text as in the documentation.
    """
    from headgate.rules import page
    from headgate.rules.selection import find

    if rule is None:
        _catalogue(quiet, as_json)
        return int(Exit.PASS)
    found = find(rule)
    if as_json:
        print_json(answer("explain", page.as_json(found)))
    elif not quiet:
        click.echo(page.page(found), nl=False)
    return int(Exit.PASS)


def _catalogue(quiet: bool, as_json: bool) -> None:
    from headgate.rules import foreign, page
    from headgate.rules.catalogue import CATALOGUE

    plugins = foreign.installed()
    if as_json:
        listed = [{"rule": each.name, "version": each.version} for each in plugins]
        print_json(answer("explain", {"rules": [page.as_json(rule) for rule in CATALOGUE], "plugins": listed}))
        return
    if quiet:
        return
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    name_width = max(len(rule.name) for rule in CATALOGUE) + 2
    for shelf in dict.fromkeys(rule.shelf for rule in CATALOGUE):
        click.echo(shelf)
        for rule in (rule for rule in CATALOGUE if rule.shelf == shelf):
            start = f"  {rule.code}  {rule.name:<{name_width}}{rule.level:<6} {rule.status:<7} "
            room = max(width - len(start), 24)
            click.echo(start + f"\n{' ' * len(start)}".join(textwrap.wrap(page.title_of(rule), room)))
    for plugin in plugins:
        click.echo(f"  {plugin.name} {plugin.version}")
    click.echo("\nheadgate explain NAME prints the page of a rule.")
