"""Why a rebuild is not the same, in words that name what to mend.

Found in two places: in the closure itself, before anything is run, and in what the rebuild was made with beside what
the run was made with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.fleet.checkout import DIFF, edited_code
from headgate.fleet.kit import BASE, CLOSURE, HELD, PROBED, PROJECT, ROWS, SOURCE, Kit
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_file, digest_json
from headgate.ledger.gaps import OUTSIDE, UNCOMMITTED, UNDECLARED, UNPINNED, Gap, gaps_of
from headgate.models.fingerprint import fingerprint_of
from headgate.train.closure import salted
from headgate.train.surroundings import normal

EDITED = "edited rows"
GONE = "rows gone"
BASE_CHANGED = "changed base"
KIT_CHANGED = "changed kit"
NETWORK = "something fetched"
PROGRAM = "changed program"
CODE_CHANGED = "changed code"
MACHINE = "another machine"
UNKNOWN = "no cause found"


Cause = Gap  # a reason that is in the record already, or one that only the rebuild shows


def in_closure(kit: Kit) -> list[Cause]:
    """What the closure lacks, or what is no longer what it names; nothing is run for this."""
    found = []
    if kit.closure.get("plan_digest") not in (None, digest_json(dict(kit.plan))):
        found.append(Cause(KIT_CHANGED, f"the plan in {CLOSURE} was edited"))
    for text in kit.edited():
        name = text.split(" ")[0]
        kind = (
            EDITED
            if name.rpartition("/")[2] in (ROWS, HELD, PROBED)
            else BASE_CHANGED
            if name.startswith(BASE)
            else KIT_CHANGED
        )
        found.append(Cause(kind, text))
    found += [Cause(GONE, f"{count:,} of {name}") for name, count in kit.closure.get("erased", {}).items()]
    return found + gaps_of(kit.closure) + _code(kit)


def _code(kit: Kit) -> list[Cause]:
    """Code of the project that the record names and the kit does not hold."""
    state = ((kit.closure.get("history") or {}).get("code") or {}).get("project") or {}
    out = [Cause(UNCOMMITTED, text) for text in kit.closure.get("checkout", {}).get("lacking", ())]
    if state.get("diff_content"):
        patch = kit.folder / DIFF
        if not patch.is_file() or digest_file(patch) != state["diff"]:
            out.append(Cause(UNCOMMITTED, f"{DIFF} is not the patch that was recorded"))
    what = "is not the file that the run read"
    return out + [Cause(CODE_CHANGED, f"{name} {what}") for name in edited_code(kit.plan, kit.folder / PROJECT)]


def of_error(error: Mapping[str, Any], kit: Kit) -> Cause:
    """The cause of a rebuild that did not come to its end."""
    said = " ".join(str(error.get(key, "")) for key in ("what", "found")).strip()
    if error.get("kind") == "import":
        module = str(error.get("found", ""))
        outside = {one["module"] for one in (kit.closure.get("surroundings") or {}).get("outside_code", ())}
        return Cause(OUTSIDE if module in outside else UNPINNED, f"module {module} is not in the lock")
    if error.get("kind") == "unavailable":
        return Cause(UNPINNED, f"{error.get('found', '')}; it is not in the lock")
    if "asked for the network" in said:
        return Cause(NETWORK, said)
    if "patch of the project" in said:
        return Cause(UNCOMMITTED, said)
    if "lock" in said:
        return Cause(UNPINNED, said)
    if differs := _base_differs(kit):
        return Cause(BASE_CHANGED, f"{differs}; {said}")
    return Cause(UNKNOWN, said)


def _base_differs(kit: Kit) -> str:
    """In what the base of a kit is not the one that the plan names; empty: in nothing."""
    try:
        parts = fingerprint_of(kit.folder / BASE).differences(kit.plan["base"]["fingerprint"])
    except Refused as error:
        return error.what
    return "differs in " + ", ".join(parts) if parts else ""


def in_making(kit: Kit, rebuilt: Mapping[str, Any]) -> list[Cause]:
    """In what the rebuild was made otherwise than the run."""
    plan, found = kit.plan, []
    salt = str(kit.closure.get("salt", ""))
    if salted(salt, rebuilt["shard"]) != plan["data"]["shard"]:
        found.append(Cause(EDITED, "the rows give another shard"))
    elif {seed: salted(salt, one) for seed, one in rebuilt["schedules"].items()} != plan["schedules"]:
        found.append(Cause(PROGRAM, "the rows come in another order"))
    parts = [name for name, value in rebuilt["base"].items() if plan["base"]["fingerprint"].get(name, "") != value]
    if parts:
        found.append(Cause(BASE_CHANGED, "differs in " + ", ".join(one for one in parts if one != "root")))
    if rebuilt["engine"] != plan["engine"]["source"]:
        found.append(Cause(PROGRAM, f"another {SOURCE.removesuffix('.tar')} engine"))
    return found + _environment(kit, rebuilt["environment"]) + _machine(plan["hardware"], rebuilt["hardware"])


def _environment(kit: Kit, now: Mapping[str, Any]) -> list[Cause]:
    before, found = kit.plan["environment"], []
    installed = {normal(name): version for name, version in now["packages"].items()}
    for name, one in (kit.closure.get("surroundings") or {}).get("lock", {}).items():
        version = installed.get(name)
        if version != one["version"]:
            found.append(Cause(UNPINNED, f"{name} {one['version']} was {version or 'not there'} in the rebuild"))
    for name, address in before["files"].items():
        if address and now["files"].get(name) not in (address, ""):
            found.append(Cause(UNPINNED, f"{name} has the same version and other files"))
    if before["python"] != now["python"]:
        found.append(Cause(MACHINE, f"python {before['python']}, here {now['python']}"))
    then, here = before["variables"], now["variables"]
    changed = [name for name in sorted({*then, *here}) if then.get(name) != here.get(name)]
    return found + [Cause(UNDECLARED, f"{name} was {then.get(name, 'not set')}") for name in changed]


def _machine(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Cause]:
    differing = [name for name in ("machine", "system", "capability", "threads") if before.get(name) != now.get(name)]
    return [Cause(MACHINE, f"{name}: {before.get(name)!r}, here {now.get(name)!r}") for name in differing]
