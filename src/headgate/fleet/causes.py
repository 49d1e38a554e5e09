"""Why a rebuild is not the same, in words that name what to mend.

Found in two places: in the closure itself, before anything is run, and in what the rebuild was made with beside what
the run was made with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headgate.fleet.kit import BASE, HELD, PROBED, ROWS, SOURCE, Kit
from headgate.train.surroundings import normal

EDITED = "edited rows"
GONE = "rows gone"
UNPINNED = "unpinned dependency"
OUTSIDE = "code outside the repository"
UNDECLARED = "undeclared environment variable"
UNCOMMITTED = "code that was not kept"
BASE_CHANGED = "changed base"
KIT_CHANGED = "changed kit"
NOT_HASHED = "unhashed input"
NETWORK = "something fetched"
PROGRAM = "changed program"
MACHINE = "another machine"
UNKNOWN = "no cause found"
TOLD = 8  # places named of one cause


@dataclass(frozen=True, slots=True, order=True)
class Cause:
    """One reason, and where it lies."""

    name: str
    what: str

    def as_json(self) -> dict[str, str]:
        """As printed and recorded."""
        return {"cause": self.name, "what": self.what}


def in_closure(kit: Kit) -> list[Cause]:
    """What the closure lacks, or what is no longer what it names; nothing is run for this."""
    found = []
    for text in kit.edited():
        name = text.split(" ")[0]
        kind = EDITED if name in (ROWS, HELD, PROBED) else BASE_CHANGED if name.startswith(BASE) else KIT_CHANGED
        found.append(Cause(kind, text))
    found += [Cause(GONE, f"{count:,} of {name}") for name, count in kit.closure.get("erased", {}).items()]
    around = kit.closure.get("surroundings")
    if not around:
        found.append(Cause(NOT_HASHED, "the run recorded neither its lock nor its code from elsewhere"))
    else:
        found += _around(around)
    return found + _code(kit)


def _around(around: Mapping[str, Any]) -> list[Cause]:
    found = [Cause(OUTSIDE, f"module {one['module']}") for one in around["outside_code"][:TOLD]]
    found += [Cause(UNDECLARED, name) for name in around["undeclared_variables"][:TOLD]]
    for name, one in around["lock"].items():
        if one.get("from") == "folder":
            found.append(Cause(UNPINNED, f"{name} was installed from a folder"))
        elif not one.get("version") or not one.get("files"):
            found.append(Cause(UNPINNED, f"{name} has no {'version' if not one.get('version') else 'file hashes'}"))
    return found


def _code(kit: Kit) -> list[Cause]:
    state = ((kit.closure.get("history") or {}).get("code") or {}).get("project")
    if state and state.get("dirty") and not state.get("diff_content"):
        return [Cause(UNCOMMITTED, "changes that were not committed, of which only the address is known")]
    return []


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
    if "lock" in said:
        return Cause(UNPINNED, said)
    return Cause(UNKNOWN, said)


def in_making(kit: Kit, rebuilt: Mapping[str, Any]) -> list[Cause]:
    """In what the rebuild was made otherwise than the run."""
    plan, found = kit.plan, []
    if rebuilt["shard"] != plan["data"]["shard"]:
        found.append(Cause(EDITED, "the rows give another shard"))
    elif dict(rebuilt["schedules"]) != plan["schedules"]:
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
