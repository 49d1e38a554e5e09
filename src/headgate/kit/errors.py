"""The error tree and the exit codes.

One tree, three trunks, because a person reading a message needs to know first whose move it is:

- `Refused`: the user can mend it (bad input, wrong use). Printed without a traceback. Exit code 2.
- `Unavailable`: a door is closed (an optional library is missing). Printed with the install line. Exit code 2.
- `Broken`: our fault. Printed with a traceback and how to report it. Exit code 4.

`Retryable` marks errors that may vanish by themselves (a busy endpoint, a locked file).
Every message has the same parts: what, where, found, wanted, next step.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every verb."""

    PASS = 0
    FAIL = 1
    WRONG_USE = 2
    UNSURE = 3
    BROKEN = 4


@dataclass
class HeadgateError(Exception):
    """An error with the parts that a reader needs, in the order in which they are printed."""

    what: str
    file: str | None = None
    line: int | None = None  # 1-based
    found: str | None = None
    wanted: str | None = None
    next_step: str | None = None

    exit_code = Exit.BROKEN
    title = "error"

    @property
    def where(self) -> str | None:
        """`file:line`, `file`, or None when the error has no place."""
        if self.file is None:
            return None
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        lines = [f"{self.title}: {self.what}"]
        parts = (
            ("where", printable(self.where or "")),
            ("found", self.found),
            ("wanted", self.wanted),
            ("try", self.next_step),
        )
        lines += [f"  {name:<8}{text}" for name, text in parts if text]
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """The same parts as a JSON object; absent parts are left out."""
        fields = {
            "kind": self.title,
            "what": self.what,
            "file": self.file,
            "line": self.line,
            "found": self.found,
            "wanted": self.wanted,
            "try": self.next_step,
        }
        return {name: value for name, value in fields.items() if value is not None}


def printable(name: str) -> str:
    """A name of a file as it can be printed on one line: what would break, hide or turn the line stands escaped."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in name)


class Refused(HeadgateError):
    """Wrong use or bad input: the user can mend it."""

    exit_code = Exit.WRONG_USE
    title = "refused"


class Unavailable(HeadgateError):
    """An optional library or service that this step needs is not there."""

    exit_code = Exit.WRONG_USE
    title = "unavailable"


class Broken(HeadgateError):
    """A promise of headgate itself does not hold."""

    exit_code = Exit.BROKEN
    title = "broken"


class Retryable(HeadgateError):
    """May succeed when tried again unchanged."""

    exit_code = Exit.BROKEN
    title = "try again"


def merged(errors: list[Refused]) -> Refused:
    """Several refusals as one, so that a user mends them all in one go."""
    if len(errors) == 1:
        return errors[0]
    listing = "\n".join("  - " + str(error).removeprefix("refused: ").replace("\n", "\n    ") for error in errors)
    return Refused(f"{len(errors)} problems\n{listing}", file=errors[0].file)
