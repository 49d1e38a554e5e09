"""`headgate rights licence`: what the licence of a source is now; a change of its terms opens a case."""

from __future__ import annotations

from typing import Any

import click

from headgate.cli.output import EXIT_OF, answer, examples, print_json
from headgate.cli.rights_cases import DAY, FILE, moment
from headgate.cli.rights_options import by_option, store_options
from headgate.kit.errors import Refused
from headgate.stats.verdict import Outcome


@click.command(
    epilog=examples(
        "rights",
        'licence --source forum --is CC-BY-NC-4.0 --text LICENSE --by "A. Vos"',
        'licence --source forum --is NONE --by "A. Vos"',
        'licence --teacher grand-1 --is no --by "A. Vos"',
    )
)
@click.option("--source", metavar="NAME", help="Whose licence was looked up.")
@click.option("--teacher", metavar="MODEL", help="Of which model: may its outputs train another?")
@click.option(
    "--is", "value", required=True, metavar="EXPRESSION", help="SPDX, NONE; of a teacher: yes, no, conditional."
)
@click.option("--text", type=FILE, help="The licence as it was found; kept in the ledger as evidence.")
@click.option("--read", is_flag=True, help="Somebody read the text: it is that of the licence and adds no terms.")
@click.option("--terms", default="", metavar="WORDS", help="What a person read in a text that is no known licence.")
@by_option("Who looked.")
@click.option("--since", type=DAY, metavar="DATE", help="From when on it holds.")
@click.option("--until", type=DAY, metavar="DATE", help="To when it holds, without that day.")
@store_options
def licence(**asked: Any) -> int:
    """Records what the licence of a source is now, and opens a case where its terms changed.

    An expression that means the same and a text that differs only in line breaks, marks, letter case or mark-up open
    nothing. NONE says that the licence is gone. What was trained on the source is listed with the case. A text is held
    against the SPDX list: one of another licence is refused; where words are other or more than those of the licence,
    its terms count as unknown until somebody read it, and the exit code is 3.
    """
    from headgate.flow.governing import open_ledger
    from headgate.ledger.roles import CASE, require
    from headgate.rights import licence_changes as changes
    from headgate.rights.reach import SOURCE, Target, reach

    source, teacher = asked["source"], asked["teacher"]
    if bool(source) == bool(teacher):
        raise Refused("the licence of what?", wanted="one of --source NAME, --teacher MODEL")
    if teacher and asked["terms"]:
        raise Refused("a teacher has a policy or a licence", found="--terms", wanted="--is yes, no or conditional")
    if asked["read"] and not asked["text"]:
        raise Refused("somebody read which text?", found="--read", wanted="--text FILE")
    said = {name: asked[name] for name in ("by", "since", "until", "read")} | {"now": moment()}
    said["text"] = asked["text"].read_bytes() if asked["text"] else None
    with open_ledger(asked["store"]) as ledger:
        require(ledger, CASE, by=asked["by"], about=f"source:{source}" if source else teacher, now=moment())
        if teacher:
            done = changes.record_policy(ledger, teacher, asked["value"], **said)
        else:
            done = changes.record(ledger, source, asked["value"], terms=asked["terms"], **said)
        found = reach(ledger, Target(SOURCE, source)) if done.case else None
    outcome = Outcome.UNSURE if done.doubt else Outcome.PASS
    if asked["as_json"]:
        told = done.as_json() | ({"reach": found.as_json()} if found else {})
        print_json(answer("rights licence", told, outcome))
    elif not asked["quiet"]:
        click.echo("\n".join(changes.lines(done, found, said["now"])))
    return int(EXIT_OF[outcome])
