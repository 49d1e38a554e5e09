"""Tables of the project file that govern every flow of a project: `[ledger]`, `[roles]` and `[retention]`.

They belong to the ledger and not to one flow, so they stand in headgate.toml (roles also in a file of their own, which
other people may own), and neither the environment nor `--set` changes them.
"""

from __future__ import annotations

import os
import sys
import tomllib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.flow.settings_reader import Spot, read_section
from headgate.flow.toml_lines import key_lines
from headgate.kit.errors import HeadgateError, Refused, merged
from headgate.kit.files import must_be_file

if TYPE_CHECKING:
    from headgate.ledger.ledger import Ledger
    from headgate.ledger.roles import Roles

FILE, ROLES_FILE = "headgate.toml", "headgate.roles.toml"
SECTIONS = ("ledger", "roles", "retention")
STORE, VARIABLE = ".headgate", "HEADGATE_LEDGER"


def settings_of(section: str) -> type:
    """The dataclass of a governing section."""
    from headgate.ledger.roles import Roles
    from headgate.ledger.settings import LedgerSettings
    from headgate.rights.periods import RetentionSettings

    return {"ledger": LedgerSettings, "roles": Roles, "retention": RetentionSettings}[section]


def where_of(folder: Path) -> str | Path:
    """Where the ledger of a project lies: what HEADGATE_LEDGER says, or its file, or else a folder in its own.

    Raises:
        Refused: the section `[ledger]` holds problems.
    """
    if named := os.environ.get(VARIABLE, ""):
        return named if "://" in named else Path(named)
    settings = table(folder, "ledger")
    return settings.url if settings is not None and settings.url else folder / STORE


def content_of(folder: Path) -> str | None:
    """Where the content of a new ledger of a project is to lie; None for in the database.

    Raises:
        Refused: the section `[ledger]` holds problems.
    """
    settings = table(folder, "ledger")
    return settings.content or None if settings is not None else None


def folder_of(store: str | Path) -> Path:
    """The project folder of a ledger: the one that holds its folder; of a database elsewhere, the present one."""
    if "://" in str(store):
        return Path()
    path = Path(store)
    return (path.parent if path.suffix and not path.is_dir() else path).absolute().parent


def table(folder: Path, section: str) -> Any | None:
    """A governing section of the project in a folder; None where it has none.

    Raises:
        Refused: the section holds problems, or roles stand in both files.
    """
    inside = _tree(folder / FILE).get(section)
    found = _settings(inside, section, folder / FILE, (section,)) if inside is not None else None
    if section != "roles" or not (folder / ROLES_FILE).exists():
        return found
    if found is not None:
        raise Refused("roles stand in two files", file=str(folder / ROLES_FILE), found=f"[roles] in {FILE} too")
    return _settings(_tree(folder / ROLES_FILE), "roles", folder / ROLES_FILE, ())


def open_ledger(store: str | Path, *, create: bool = False, beside: Path | None = None) -> Ledger:
    """Opens a ledger under the roles of its project; close it or use it as a context.

    `beside` is the folder of what lies beside a ledger in a database, in its project.

    Raises:
        Refused: it cannot be opened, or the table of roles holds problems.
    """
    from headgate.ledger.ledger import Ledger

    folder = beside.absolute().parent if beside is not None else folder_of(store)
    roles = table(folder, "roles")
    ledger = Ledger.open(store, create=create, content=content_of(folder) if create else None, beside=beside)
    try:
        take_over(ledger, roles)
    except BaseException:
        ledger.close()
        raise
    return ledger


def take_over(ledger: Ledger, roles: Roles | None, now: datetime | None = None) -> None:
    """Brings the table of the project file into force where it differs, if who acts may change it.

    Where they may not, or the ledger can only be read, the table in force stays, and a warning says so.
    """
    from headgate.kit.clock import now as present
    from headgate.kit.people import acting
    from headgate.ledger.roles import adopt, in_force

    if roles is None:
        return  # taking a table out of the file lifts nothing: `headgate rights roles --lift` does
    person, moment = acting(), now or present()
    standing = in_force(ledger, moment)
    if standing is not None and standing.as_json() != roles.as_json() and not standing.changed_by(person):
        holders = ", ".join(standing.holders("roles"))
        told = f"warning: [roles] differs from the table in force, which {holders} may change and {person.name} may not"
        print(f"{told}; it comes into force by `headgate rights roles --take --by NAME`", file=sys.stderr)
        return
    try:
        adopt(ledger, roles, person, moment)
    except HeadgateError as error:
        if error.what != "the ledger cannot be written":
            raise
        print(f"warning: the table of roles changed and {error.what}; the one before is in force", file=sys.stderr)


def _settings(given: Any, section: str, path: Path, inside: tuple[str, ...]) -> Any:
    lines = key_lines(path.read_text(encoding="utf-8"))
    if not isinstance(given, dict):
        raise Refused(f"{section} is not a section", file=str(path), line=lines.get((section,)), wanted=f"[{section}]")
    settings, errors = read_section(settings_of(section), given, Spot(str(path), inside, lines))
    if errors:
        raise merged(errors)
    return settings


def _tree(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return tomllib.loads(must_be_file(path).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise Refused("not a TOML file", file=str(path), found=str(error)) from None
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8", file=str(path), found=str(error)) from None
