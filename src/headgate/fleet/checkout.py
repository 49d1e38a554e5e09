"""The project's own code in a kit: the files of the recorded commit, and the patch that was not committed.

A reward is a function of the project and may import others of it, so a rebuild needs the code as it was, not as it is
now. Packed are files of code and settings alone (`train.environment.CODE`): rows never travel this way, or erasing
them would miss a place. Laid out again, the patch is applied by git, which touches nothing outside the folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.files import write_flushed
from headgate.kit.hashing import digest_file
from headgate.train.environment import CODE, is_code
from headgate.train.surroundings import checkout_of

CHECKOUT, NAMED, DIFF = "checkout", "project", "project.diff"  # in a kit
LARGEST = 1 << 20  # bytes of a file; larger ones are no code
TIMEOUT_S = 120
PLAIN = ("100644", "100755")  # modes of files; links and modules of other repositories are left out


def pack_checkout(state: Mapping[str, Any] | None, project: Path, out: Path) -> dict[str, Any]:
    """Writes the code of the recorded commit into a kit's folder; where the project lies in it, and what is lacking.

    `state` is what the closure recorded of the checkout; None: the project was in none.
    """
    if not state:
        return {}
    top = checkout_of(project)
    where = str(state.get("within") or "")
    told: dict[str, Any] = {"commit": state["commit"], "within": where, "lacking": []}
    listed = _git(top, "ls-tree", "-r", "-z", "-l", "--full-tree", str(state["commit"])) if top is not None else None
    if top is None or listed is None:
        told["lacking"].append(f"commit {str(state['commit'])[:12]} is in no repository at the project")
        return told
    (out / CHECKOUT / where).mkdir(parents=True, exist_ok=True)
    for entry in filter(None, listed.split(b"\0")):
        about, _, raw = entry.partition(b"\t")
        mode, _, address, size = about.decode().split()
        name = os.fsdecode(raw)
        if mode not in PLAIN or not is_code(name) or int(size) > LARGEST:
            continue
        content = _git(top, "cat-file", "blob", address)
        if content is None:
            told["lacking"].append(f"{name} of commit {str(state['commit'])[:12]}")
            continue
        path = out / CHECKOUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_flushed(path, content)
    return told


def reachable(project: Path, commit: str) -> bool:
    """Whether a commit is in the repository that a project lies in."""
    top = checkout_of(project)
    return top is not None and _git(top, "cat-file", "-e", f"{commit}^{{commit}}") is not None


def lay_out(kit: Path, closure: Mapping[str, Any], out: Path) -> Path:
    """Makes the project's folder of a rebuild: the checkout, the patch, and the files that the plan names.

    Only files whose addresses the closure holds are taken. Returns the folder in it that the flow file lay in.

    Raises:
        Refused: the patch does not fit the commit, or the folder of the flow file lies outside the checkout.
    """
    told, names = closure.get("checkout") or {}, [PurePosixPath(name) for name in closure["files"]]
    within = str(told.get("within") or "")
    project = out / within
    out.mkdir(exist_ok=True)
    if not project.resolve().is_relative_to(out.resolve()):
        raise Refused("a name leads out of its folder", file=str(kit), found=repr(within)[:120])
    _copied(kit, names, CHECKOUT, out)
    if told and (kit / DIFF).is_file():
        _apply((kit / DIFF).resolve(), out)
    project.mkdir(parents=True, exist_ok=True)
    _copied(kit, names, NAMED, project)
    return project


def _copied(kit: Path, names: Sequence[PurePosixPath], below: str, out: Path) -> None:
    for name in names:
        if name.parts[0] == below:
            path = out.joinpath(*name.parts[1:])
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(kit / name, path)


def edited_code(plan: Mapping[str, Any], named: Path) -> list[str]:
    """Files that the plan names and that are no longer what it names, by their addresses."""
    out = []
    for one in plan.get("rewards") or ():
        path = named / str(one["file"])
        if one["file"] and (not path.is_file() or digest_file(path) != one["digest"]):
            out.append(str(one["file"]))
    drift = (plan["settings"].get("probe") or {}).get("drift") or ""
    if drift and plan.get("drift") and (not (named / drift).is_file() or digest_file(named / drift) != plan["drift"]):
        out.append(drift)
    return list(dict.fromkeys(out))


def _apply(patch: Path, folder: Path) -> None:
    # Outside any repository: git must not climb to one above the scratch folder.
    variables = {"PATH": os.environ.get("PATH", os.defpath), "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
    variables |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    only = [f"--include={pattern}" for pattern in CODE]
    command = ["git", "apply", "--whitespace=nowarn", *only, str(patch)]
    try:
        done = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused("the patch of the project cannot be applied", file=str(patch), found=str(error)) from None
    if done.returncode:
        raise Refused("the patch of the project does not fit its commit", file=str(patch), found=done.stderr[:300])


def _git(folder: Path | None, *arguments: str) -> bytes | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
