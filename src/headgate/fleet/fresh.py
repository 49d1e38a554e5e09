"""A clean place to rebuild in: an environment made from the lock alone, and a folder of its own.

Three ways, strictest first. `fresh`: a new virtual environment, every distribution of the lock installed again by
pip, by exact version and without what else it would pull in. `linked`: a new one too, its files linked from what is
installed here and only those of the lock: no network, and still nothing that the lock does not name. `current`:
the interpreter that runs now.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused

FRESH, LINKED, CURRENT = "fresh", "linked", "current"
KINDS = (FRESH, LINKED, CURRENT)
INSTALL_TIMEOUT_S = 3600
TOLD = 300  # characters of an installer's error


def make(kind: str, lock: Mapping[str, Mapping[str, Any]], folder: Path, *, requirements: Path) -> Path:
    """Makes an environment and returns its interpreter.

    Raises:
        Refused: pip cannot install the lock, or what is installed here is not what the lock names.
    """
    if kind == CURRENT:
        return Path(sys.executable)
    venv.create(folder, with_pip=kind == FRESH, symlinks=True)
    python = folder / "bin" / "python"
    if kind == FRESH:
        _install(python, requirements)
    else:
        _link(lock, _packages(python))
    return python


def _install(python: Path, requirements: Path) -> None:
    command = [
        str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary",
        ":all:", "-r", str(requirements),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise Refused("the lock could not be installed in time", file=str(requirements)) from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise Refused("the lock cannot be installed", file=str(requirements), found=" ".join(said)[:TOLD])


def _packages(python: Path) -> Path:
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())


def _link(lock: Mapping[str, Mapping[str, Any]], target: Path) -> None:
    for name, wanted in lock.items():
        try:
            one = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            raise Refused(
                "a distribution of the lock is not installed here", found=f"{name} {wanted['version']}"
            ) from None
        if one.version != wanted["version"]:
            raise Refused(
                "another version than that of the lock is installed here", found=f"{name} {one.version}",
                wanted=str(wanted["version"]),
            )  # fmt: skip
        for file in one.files or ():
            source, place = Path(str(one.locate_file(file))), target / str(file)
            if ".." in file.parts or file.parts[0] == "__pycache__" or not source.is_file():
                continue  # programs and compiled files: none of them is imported
            place.parent.mkdir(parents=True, exist_ok=True)
            _linked(source, place)


def _linked(source: Path, place: Path) -> None:
    if place.exists():
        return
    try:
        os.link(source, place)
    except OSError:  # another disk, or links are not allowed
        shutil.copyfile(source, place)


def clean_variables(recorded: Mapping[str, str], home: Path, *code: Path) -> dict[str, str]:
    """The variables of the process that rebuilds: those of the plan, and places; `code` is where modules are found."""
    return {
        "PATH": os.defpath,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(map(str, code)),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        **recorded,
    }
