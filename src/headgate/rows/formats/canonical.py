"""headgate's own rows, one canonical JSON object a line: the only format that loses nothing."""

from __future__ import annotations

from headgate.kit.errors import Refused
from headgate.rows.formats.shape import Body, Format, Loose, Parts, Wrong, shown
from headgate.rows.formats.side import check
from headgate.rows.formats.turns import ROLES, WANTED_ROLES
from headgate.rows.row import Message, from_json, to_json

KEYS = frozenset(["kind", "messages", "chosen", "rejected", "label", "steps", "tools", "side"])
TEXTS = ("content", "name", "tool_call_id", "reasoning", "parts")


def read(body: Body, loose: Loose) -> Parts:  # noqa: ARG001 - the signature of every reader
    """A canonical row with its side data, once its types are known to be right.

    Raises:
        Wrong: a key is missing or unknown, or has the wrong type.
    """
    unknown = set(body) - KEYS
    if unknown:
        raise Wrong(
            "unknown key of a canonical row", found=", ".join(sorted(map(str, unknown))), wanted=", ".join(sorted(KEYS))
        )
    try:
        row = from_json(body)
    except Refused as refused:
        raise Wrong(refused.what, found=refused.found or "") from None
    for turn in (*row.messages, *row.chosen, *(turn for one in row.rejected for turn in one)):
        _check_turn(turn)
    check(row.side)
    if row.label not in (None, True, False) or type(row.tools) is not str:
        raise Wrong("`label` or `tools` has the wrong type", found=shown(row.label), wanted="true or false; text")
    if not all(type(text) is str for text, _ in row.steps):
        raise Wrong("a step is not text", wanted="[text, true or false]")
    if not (row.messages or row.chosen or row.steps):
        raise Wrong("no messages", found="an empty row", wanted="one message or more")
    parts = {name: getattr(row, name) for name in ("kind", "messages", "chosen", "rejected", "label", "steps", "tools")}
    return parts | {"side": row.side}


def _check_turn(turn: Message) -> None:
    if type(turn.role) is not str or turn.role not in ROLES:
        raise Wrong("unknown role", found=shown(turn.role), wanted=WANTED_ROLES)
    for name in TEXTS:
        if type(value := getattr(turn, name)) is not str:
            raise Wrong(f"`{name}` of a message is not text", found=shown(value), wanted="text")
    for call in turn.tool_calls:
        if not all(type(value) is str for value in (call.name, call.arguments, call.id)):
            raise Wrong("a tool call has the wrong type", wanted="name, arguments and id as text")
    if turn.weight is not None and type(turn.weight) not in (int, float):
        raise Wrong("`weight` of a message is not a number", found=shown(turn.weight), wanted="0 to 1")
    if not all(0 <= start <= end <= len(turn.content) for start, end in turn.masked):
        raise Wrong("a masked span lies outside the content", found=shown(list(turn.masked)), wanted="[start, end]")


FORMAT = Format(
    name="headgate",
    title="headgate's canonical rows: everything, side data included",
    keys=KEYS,
    read=read,
    write=to_json,
)
