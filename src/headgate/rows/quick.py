"""The short way from a record to a row, for the shapes that nearly all rows have.

A record of plain turns (a role and a text each) or of one question and one answer, both text, needs
no look at tools, weights, parts or alternatives. Whatever is not exactly of such a shape gives None
and takes the long way, which reads it or says what is wrong with it: nothing is refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headgate.rows.formats.shape import Body, Wrong
from headgate.rows.formats.side import TEXTS, check, side_of
from headgate.rows.formats.tabular import CONTENT, TABLES
from headgate.rows.formats.turns import ROLES
from headgate.rows.row import NOTHING_KNOWN, Kind, Side

Turns = tuple[Kind, tuple[str, ...], tuple[str, ...]]  # kind, roles, texts
Found = tuple[Kind, tuple[str, ...], tuple[str, ...], Side]  # arguments of `row_of_turns`
Quick = Callable[[Body], Found | None]

ASKED_AND_SAID = ("user", "assistant")
ASKED = ("user",)
SCALARS = (str, int, float, bool, type(None))
CANONICAL_SIDE = frozenset(TEXTS) | {"slices", "depth", "parents"}
MOST_RUNS = 4096
_known: dict[tuple[str, ...], tuple[tuple[str, ...], Kind]] = {}  # runs of roles met so far; each is kept once


def turns_of(format: str, columns: Mapping[str, str]) -> Callable[[Body], Turns | None] | None:
    """How the turns of records of a format are read the short way, and nothing else; None where there is no such."""
    shape = _shape(format, {ours: theirs for ours, theirs in columns.items() if ours in CONTENT})
    return None if shape is None else shape[0]


def quick_of(format: str, keys: frozenset[str], columns: Mapping[str, str]) -> Quick | None:
    """How records of a format are read the short way; None where there is none.

    `keys` are those that belong to the format; `columns` maps names of ours to columns.
    """
    shape = _shape(format, {ours: theirs for ours, theirs in columns.items() if ours in CONTENT})
    if shape is None:
        return None
    turns_of, looked = shape
    renamed = {ours: theirs for ours, theirs in columns.items() if ours not in CONTENT}
    needed = (
        0 if format == "alpaca" else len(looked)
    )  # every key that is looked at is there, `input` of Alpaca excepted
    side_from = _canonical_side if format == "headgate" else _side(keys, looked, renamed)

    def quick(body: Body) -> Found | None:
        turns = turns_of(body)
        if turns is None:
            return None
        if not renamed and (len(body) == needed or body.keys() <= looked):
            return *turns, NOTHING_KNOWN
        side = side_from(body)
        return None if side is None else (*turns, side)

    return quick


def _shape(format: str, content: Mapping[str, str]) -> tuple[Callable[[Body], Turns | None], frozenset[str]] | None:
    if format == "headgate":
        return _canonical, frozenset(["messages", "kind"])
    if format in ("openai-sft", "trl-messages"):
        return _chat, frozenset(["messages"])
    if format == "alpaca":
        return _alpaca, frozenset(["instruction", "input", "output"])
    if format == "trl-prompt-completion":
        return _pair("prompt", "completion"), frozenset(["prompt", "completion"])
    if format == "trl-text":
        return _text("text"), frozenset(["text"])
    if format in TABLES and content.keys() == {"prompt", "completion"} and len(set(content.values())) == 2:
        return _pair(content["prompt"], content["completion"]), frozenset(content.values())
    if format in TABLES and content.keys() == {"text"}:
        return _text(content["text"]), frozenset(content.values())
    return None


def _side(keys: frozenset[str], looked: frozenset[str], renamed: Mapping[str, str]) -> Callable[[Body], Side | None]:
    def read(body: Body) -> Side | None:
        for key, value in body.items():
            if key not in looked and value is not None and (key in keys or type(value) not in SCALARS):
                return None
        return side_of(body, keys, {}, renamed)

    return read


def _canonical_side(body: Body) -> Side | None:
    given = body.get("side")
    if len(body) != 3 or type(given) is not dict or not given.keys() <= CANONICAL_SIDE:
        return None
    try:
        side = Side(**{**given, "parents": tuple(given.get("parents", ()))})
        check(side)
    except (Wrong, TypeError):
        return None
    return side


def _chat(body: Body) -> Turns | None:
    turns = body.get("messages")
    if type(turns) is not list:
        return None
    roles, texts = [], []
    for turn in turns:
        if type(turn) is not dict or len(turn) != 2:
            return None
        role, text = turn.get("role"), turn.get("content")
        if type(text) is not str or type(role) is not str:
            return None
        roles.append(role)
        texts.append(text)
    known = _known.get(run := tuple(roles)) or _learned(run)
    return None if known is None else (known[1], known[0], tuple(texts))


def _canonical(body: Body) -> Turns | None:
    found = _chat(body)
    return found if found is not None and body.get("kind") == found[0] else None


def _learned(run: tuple[str, ...]) -> tuple[tuple[str, ...], Kind] | None:
    if not run or not ROLES.issuperset(run):
        return None
    found = (run, Kind.DEMONSTRATION if "assistant" in run else Kind.PROMPT)
    if len(_known) < MOST_RUNS:
        _known[run] = found
    return found


def _alpaca(body: Body) -> Turns | None:
    instruction, given, said = body.get("instruction"), body.get("input", ""), body.get("output")
    if type(instruction) is not str or type(given) is not str or type(said) is not str:
        return None
    asked = f"{instruction}\n{given}" if instruction and given else instruction or given
    return Kind.DEMONSTRATION, ASKED_AND_SAID, (asked, said)


def _pair(asking: str, saying: str) -> Callable[[Body], Turns | None]:
    def read(body: Body) -> Turns | None:
        asked, said = body.get(asking), body.get(saying)
        if type(asked) is not str or type(said) is not str:
            return None
        return Kind.DEMONSTRATION, ASKED_AND_SAID, (asked, said)

    return read


def _text(column: str) -> Callable[[Body], Turns | None]:
    def read(body: Body) -> Turns | None:
        text = body.get(column)
        return (Kind.TEXT, ASKED, (text,)) if type(text) is str else None

    return read
