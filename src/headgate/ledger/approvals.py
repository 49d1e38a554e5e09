"""Four eyes: a second person approves an erasure or a release before it is done.

An approval names one act on one thing as it was looked at, counts for some days, and is spent as the act begins. An
act that was cut off goes on under the approval that it began with.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.kit.people import Person
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.roles import TWICE, in_force, record_refusal, require, veiled

KIND, NAME, SPENT = "decision", "approval", "approval-spent"
ERASURE, BEGUN, DONE = "erasure", "begun", "done"  # the decisions of an erasure, and their states


def approve(ledger: Ledger, verb: str, about: str, scope: str, *, by: str, reason: str, now: datetime) -> Node:
    """Records that somebody approves an act on `about`; `scope` is the digest of what they looked at.

    Raises:
        Refused: they may not do it themselves, no reason, or no such act.
    """
    if verb not in TWICE:
        raise Refused("nothing that two people do", found=verb, wanted=", ".join(TWICE))
    if not by.strip() or not reason.strip() or not (by + reason).isprintable():
        raise Refused("an approval needs a name and a reason, each in one line", wanted="--by NAME --reason TEXT")
    person = require(ledger, verb, by=by, about=about, now=now)
    body = {"verb": verb, "about": veiled(ledger, about), "scope": scope, "reason": reason.strip(), **person.as_json()}
    return ledger.node(ledger.record(KIND, NAME, body, at=now))


def second(ledger: Ledger, verb: str, about: str, scope: str, person: Person, now: datetime) -> Node | None:
    """The approval of another person that an act rests on; None where one person is enough.

    Raises:
        Refused: two people are wanted, and nobody else approved this act on what it is about now.
    """
    table = in_force(ledger, now)
    if table is None or verb not in table.two_people:
        return None
    spent, cut_off = _spent(ledger), _cut_off(ledger)
    mine, lacking, own = table.canonical(person.name), "", "nobody approved it"
    for node in reversed(ledger.find(KIND, NAME)):
        said = node.body
        if (said["verb"], said["about"]) != (verb, veiled(ledger, about)) or node.id in spent - cut_off:
            continue
        if table.canonical(said["by"]) == mine:
            own = f"{said['by']} approved it, who acts now"
        elif node.id not in cut_off and parse_moment(said["at"]) + timedelta(days=table.approval_days) < now:
            lacking = f"{said['by']} approved it on {said['at'][:10]}, more than {table.approval_days} days ago"
        elif said["scope"] != scope:
            lacking = f"{said['by']} approved it on {said['at'][:10]}, and it is not what it was then"
        elif not table.allows(said["by"], verb):
            lacking = f"{said['by']} approved it, who no longer has the role {verb}"
        else:
            return node
    lacking = lacking or own
    record_refusal(ledger, verb, person, about, lacking, now)
    raise Refused(
        f"two people {verb}: another one approves first",
        found=lacking,
        wanted=f"another of {', '.join(table.holders(verb))}",
        next_step=f'headgate rights approve {verb} ... --by NAME --reason "looked at it"',
    )


def spend(ledger: Ledger, approval: Node | None, person: Person, now: datetime) -> None:
    """Marks an approval as used; call it in the transaction in which the act begins.

    Raises:
        Refused: another process was first.
    """
    if approval is not None and approval.id not in _cut_off(ledger):
        if approval.id in _spent(ledger):
            raise Refused("the approval was used a moment ago", found=approval.id, next_step="approve it again")
        said = {"approval": approval.id, **person.as_json()}
        ledger.record(KIND, SPENT, said, edges=[Edge("supersedes", approval.id)], at=now)


def _spent(ledger: Ledger) -> set[str]:
    return {str(node.body["approval"]) for node in ledger.find(KIND, SPENT)}


def _cut_off(ledger: Ledger) -> set[str]:
    """Approvals of erasures that began and did not come to their end, cut off or with words left somewhere.

    The same rows are erased again under them, whose words are gone: nobody has to approve twice.
    """
    found: dict[str, set[str]] = {BEGUN: set(), DONE: set()}
    for node in ledger.find(KIND, ERASURE):
        if node.body.get("approval") and node.body.get("whole", True):
            found.setdefault(str(node.body["state"]), set()).add(str(node.body["approval"]))
    return found[BEGUN] - found[DONE]
