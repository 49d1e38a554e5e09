"""`headgate doctor`: what is installed, what each extra gives, what is missing and how to get it."""

from __future__ import annotations

import importlib
import platform
import sys
from pathlib import Path
from typing import Any

import click

from headgate.cli.output import EXIT_OF, answer, common_options, examples, print_json
from headgate.kit.doors import Door, missing, version_of
from headgate.stats.verdict import Outcome

# Tables of doors, by reference, so that a room is imported only when it is asked.
TABLES = (
    "headgate.train.doors",
    "headgate.models.doors",
    "headgate.serve.doors",
    "headgate.fleet.doors",
    "headgate.check.doors",
    "headgate.text.doors",
    "headgate.ledger.doors",
    "headgate.rights.evidence.doors",
)
CORE = (
    "blake3", "click", "httpx", "jinja2", "license-expression", "licenseclassifier", "numba", "numpy", "orjson",
    "phonenumbers", "polars", "pyroaring", "python-stdnum", "rich", "scipy", "sqlalchemy", "symspellpy", "zstandard",
)  # fmt: skip

EXAMPLES = examples("doctor", "", "--json")


@click.command(epilog=EXAMPLES)
@common_options
def command(quiet: bool, as_json: bool) -> int:
    """Shows what is installed and what each optional extra gives.

    Imports none of the heavy libraries: it only looks whether they are there. Ends with 0 when
    every engine can be opened and with 1 when one cannot.
    """
    doors = [_door(door) for reference in TABLES for door in importlib.import_module(reference).DOORS.values()]
    outcome = Outcome.FAIL if any(door["missing"] for door in doors) else Outcome.PASS
    parts = {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "libraries": {name: version_of(name) for name in CORE},
        "engines": doors,
        "roles": _roles(),
    }
    report = answer("doctor", parts, outcome)
    if as_json:
        print_json(report)
    elif not quiet:
        click.echo("\n".join(_lines(report)))
    return int(EXIT_OF[outcome])


def _roles() -> dict[str, Any]:
    """Whether the project in this folder has a table of roles, and who acts here."""
    from headgate.flow.governing import table
    from headgate.kit.people import acting

    return {"table": table(Path(), "roles") is not None, **acting().as_json()}


def _door(door: Door) -> dict[str, Any]:
    absent = missing(door)
    return {
        "engine": door.name,
        "purpose": door.purpose,
        "extra": door.extra,
        "packages": {name: version_of(name) for name in door.packages},
        "missing": absent,
    }


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [f"headgate {report['headgate']}, Python {report['python']} at {sys.prefix}, {report['platform']}"]
    lines.append("  " + ", ".join(f"{name} {version or 'MISSING'}" for name, version in report["libraries"].items()))
    roles = report["roles"]
    said = "a table says who may what" if roles["table"] else "no table: everyone may do everything"
    lines.append(f"roles   {said}; you act as {roles['by']} (by {roles['how']})")
    for door in report["engines"]:
        word = "ready  " if not door["missing"] else "missing"
        lines.append(f"{word} {door['engine']}: needed to {door['purpose']}")
        lines.append(
            "        " + ", ".join(f"{name} {version or 'MISSING'}" for name, version in door["packages"].items())
        )
        if door["missing"]:
            lines.append(f'        pip install "headgate[{door["extra"]}]"')
    return lines
