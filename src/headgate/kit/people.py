"""Who acts. A name is what the command line, the environment or the machine says; nobody is authenticated here."""

from __future__ import annotations

import getpass
import os
import subprocess
import unicodedata
from dataclasses import dataclass
from functools import cache

VARIABLE = "HEADGATE_USER"
WAIT_S = 5.0  # how long git may take to answer


@dataclass(frozen=True, slots=True)
class Person:
    """A name, where it was found, and what the machine calls whoever typed the command."""

    name: str
    how: str  # --by, HEADGATE_USER, git or login
    login: str

    def as_json(self) -> dict[str, str]:
        """As recorded with an act."""
        return {"by": self.name, "how": self.how, "login": self.login}


def acting(by: str = "") -> Person:
    """The acting person: as named, else by HEADGATE_USER, else git's user.email, else the login of the machine.

    A name that is the one which the machine gives counts as given by the machine: a verb that was told none passes
    that one on.
    """
    found = _by_the_machine()
    return Person(by.strip(), "--by", found.login) if by.strip() not in ("", found.name) else found


def plain_name(name: str) -> str:
    """The one form of a name, however it is typed: composed or not, in any letter case, with any spaces."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _by_the_machine() -> Person:
    login = login_name()
    if name := os.environ.get(VARIABLE, "").strip():
        return Person(name, VARIABLE, login)
    mail = _git_mail()
    return Person(mail, "git", login) if mail else Person(login, "login", login)


def login_name() -> str:
    """What the machine calls the user of this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@cache
def _git_mail() -> str:
    try:
        told = subprocess.run(
            ["git", "config", "user.email"], capture_output=True, text=True, timeout=WAIT_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""
