"""Names that people give and that end up as folders, references and lines on a screen."""

from __future__ import annotations

import re

from headgate.kit.errors import Refused

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def must_be_name(text: str, what: str) -> str:
    """A name that is safe as a folder, as an alias and in a message.

    Raises:
        Refused: empty, too long, or with other signs than letters, digits, dot, dash and underscore.
    """
    if not NAME.fullmatch(text):
        raise Refused(what, found=repr(text), wanted="letters, digits, '.', '-' and '_', 63 at most")
    return text
