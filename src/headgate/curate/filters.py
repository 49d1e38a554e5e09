"""The filter language: one expression over side data and text lengths, read and never executed.

    slice.intent in ["refund", "lost_card"] and words >= 3 and not source == "staff"

Python's own parser reads the text; a whitelist of node types turns it into a predicate. There are
no calls, no attributes of Python objects and no arithmetic, so a filter can only compare. A field
that a row does not have is `None`: it equals `None`, is in no list, and is neither above nor below
anything. Which fields were absent, and how often, is counted and reported.
"""

from __future__ import annotations

import ast
import difflib
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.rows.row import Row

LONGEST = 4000  # characters of one expression
DEEPEST = 40  # levels of nesting
FAR = 1e9  # of a row that no number of the filter says anything about


def _said(name: str) -> Callable[[Row], Any]:
    """Reads a field of the side data; a cell of nothing but spaces says nothing, as for every rule."""

    def read(row: Row) -> Any:
        value = getattr(row.side, name)
        return None if value is None or not value.strip() else value

    return read


TEXTS = {
    "text": lambda row: row.text,
    "prompt": lambda row: row.prompt_text,
    "answer": lambda row: row.answer_text,
}
WORDS: dict[str, Callable[[Row], Any]] = {
    **TEXTS,
    "id": lambda row: row.id,
    "content_id": lambda row: row.content_id,
    "kind": lambda row: row.kind.value,
    **{
        name: _said(name)
        for name in (
            *("source", "licence", "subject", "conversation", "group", "user", "language"),
            *("generator", "annotator", "consent"),
        )
    },
    "name": _said("id"),
}
NUMBERS: dict[str, Callable[[Row], Any]] = {
    "words": lambda row: len(row.text.split()),
    "prompt_words": lambda row: len(row.prompt_text.split()),
    "answer_words": lambda row: len(row.answer_text.split()),
    "chars": lambda row: len(row.text),
    "prompt_chars": lambda row: len(row.prompt_text),
    "answer_chars": lambda row: len(row.answer_text),
    "turns": lambda row: len(row.messages),
    "depth": lambda row: row.side.depth,
}
MOMENTS: dict[str, Callable[[Row], Any]] = {"created_at": lambda row: _moment(row.side.created_at)}
YES_NO: dict[str, Callable[[Row], Any]] = {
    "label": lambda row: row.label,
    "tools": lambda row: bool(row.tools),
    "parents": lambda row: bool(row.side.parents),
}
OPEN = ("slice", "extra")  # families of fields that files bring along
FIELDS = {**WORDS, **NUMBERS, **MOMENTS, **YES_NO}
ORDERED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

Value = Callable[[Row], Any]


@dataclass
class Filter:
    """A compiled expression; call `keeps` for each row, then read what was absent."""

    text: str
    keeps: Callable[[Row], bool]
    fields: tuple[str, ...]  # names used, sorted
    bounds: tuple[tuple[Value, float], ...] = ()  # numbers that fields are held against
    absent: Counter[str] = field(default_factory=Counter)  # field -> rows that do not have it

    def distance(self, row: Row) -> float:
        """How far a row is from the nearest number of the filter, as a share of it; far away where there is none."""
        found = [(read(row), bound) for read, bound in self.bounds]
        near = [abs(value - bound) / (abs(bound) or 1.0) for value, bound in found if isinstance(value, int | float)]
        return min(near, default=FAR)

    def split(self, rows: Iterable[Row]) -> tuple[list[int], list[int]]:
        """Positions of the rows that the filter keeps, and of those that it does not.

        Raises:
            Refused: a slice or extra field that the filter names is on no row at all.
        """
        kept: list[int] = []
        left: list[int] = []
        known: Counter[str] = Counter()
        reading = {name: _reader(name) for name in self.fields}
        for position, row in enumerate(rows):
            (kept if self.keeps(row) else left).append(position)
            known.update(f"slice.{name}" for name in row.side.slices)
            known.update(f"extra.{name}" for name in row.side.extra)
            self.absent.update(name for name, read in reading.items() if read(row) is None)
        if kept or left:
            self._must_be_known(known)
        return kept, left

    def _must_be_known(self, known: Counter[str]) -> None:
        for name in self.fields:
            if name.split(".")[0] in OPEN and not known[name]:
                raise Refused(
                    "the filter names a field that no row has",
                    found=f"{name} in {self.text!r}",
                    wanted=_nearest(name, [*known]) or "a slice or extra field of the rows",
                )


def compile_filter(text: str) -> Filter:
    """Reads an expression.

    Raises:
        Refused: not an expression of the filter language; says what and which field was near.
    """
    if len(text) > LONGEST:
        raise Refused("the filter is too long", found=f"{len(text)} characters", wanted=f"at most {LONGEST}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        detail = getattr(error, "msg", None) or str(error)
        raise Refused("the filter cannot be read", found=f"{text!r}: {detail}", wanted=_EXAMPLE) from None
    compiler = _Compiler(text)
    keeps = compiler.truth(tree.body, 0)
    return Filter(text=text, keeps=keeps, fields=tuple(sorted(compiler.used)), bounds=tuple(compiler.bounds))


_EXAMPLE = 'for instance: slice.intent in ["a", "b"] and words >= 3 and not source == "x"'


class _Compiler:
    """One pass over the tree; every node that is not listed here is refused."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.used: set[str] = set()
        self.bounds: list[tuple[Value, float]] = []

    def truth(self, node: ast.expr, depth: int) -> Callable[[Row], bool]:
        if depth > DEEPEST:
            raise Refused("the filter is nested too deeply", wanted=f"at most {DEEPEST} levels")
        if isinstance(node, ast.BoolOp):
            parts = [self.truth(value, depth + 1) for value in node.values]
            combine = all if isinstance(node.op, ast.And) else any
            return lambda row: combine(part(row) for part in parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.truth(node.operand, depth + 1)
            return lambda row: not inner(row)
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            answer = node.value
            return lambda _: answer
        name = self._name(node)
        if name in YES_NO:
            read = YES_NO[name]
            self.used.add(name)
            return lambda row: bool(read(row))
        raise self._refused(node, "neither a comparison nor a yes-or-no field")

    def _comparison(self, node: ast.Compare) -> Callable[[Row], bool]:
        sides = [node.left, *node.comparators]
        parts = [self._pair(left, op, right) for left, op, right in zip(sides, node.ops, sides[1:], strict=False)]
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Callable[[Row], bool]:
        names = [name for name in (self._name(left), self._name(right)) if name]
        if not names:
            raise self._refused(left, "a comparison without a field")
        moment = any(name in MOMENTS for name in names)
        a, b = self._value(left, moment=moment), self._value(right, moment=moment)
        if isinstance(op, ast.In | ast.NotIn):
            if not self._name(right) and not isinstance(right, ast.List | ast.Tuple | ast.Set):
                raise self._refused(right, "not a list or a text field, as `in` wants")
            wanted = isinstance(op, ast.In)
            return lambda row: _contains(b(row), a(row)) is wanted
        self._must_be_comparable(names, left, right)
        if isinstance(op, ast.Eq | ast.NotEq | ast.Is | ast.IsNot):
            equal = isinstance(op, ast.Eq | ast.Is)
            return lambda row: (a(row) == b(row)) is equal
        bound = next((n.value for n in (left, right) if isinstance(n, ast.Constant)), None)
        if isinstance(bound, int | float) and not moment:
            self.bounds.append((a if self._name(left) else b, float(bound)))
        compare = ORDERED[type(op)]
        return lambda row: _ordered(compare, a(row), b(row))

    def _must_be_comparable(self, names: list[str], left: ast.expr, right: ast.expr) -> None:
        constants = [n.value for n in (left, right) if isinstance(n, ast.Constant) and n.value is not None]
        for name in names:
            number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in constants)
            if name in NUMBERS and not number:
                raise Refused(f"{name} is a number", found=self.text, wanted=f"{name} >= 3, for instance")
            if name in WORDS and number and constants:
                raise Refused(f"{name} is text, not a number", found=self.text, wanted=_nearest(name, list(NUMBERS)))

    def _value(self, node: ast.expr, *, moment: bool) -> Value:
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            values = [self._constant(one, moment=moment) for one in node.elts]
            return lambda _: values
        name = self._name(node)
        if name:
            read = _reader(name)
            self.used.add(name)
            return read
        constant = self._constant(node, moment=moment)
        return lambda _: constant

    def _constant(self, node: ast.expr, *, moment: bool) -> Any:
        negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        inner = node.operand if isinstance(node, ast.UnaryOp) and negative else node
        if not isinstance(inner, ast.Constant) or not isinstance(inner.value, str | int | float | bool | None):
            raise self._refused(node, "not a field, text, number, True, False or None")
        if negative:
            if isinstance(inner.value, bool) or not isinstance(inner.value, int | float):
                raise self._refused(node, "a minus sign before something that is no number")
            return -inner.value
        return parse_moment(inner.value) if moment and isinstance(inner.value, str) else inner.value

    def _name(self, node: ast.expr) -> str:
        """The field that a node names; empty when it names none."""
        if isinstance(node, ast.Name):
            return self._known(node.id)
        family = node.value if isinstance(node, ast.Attribute | ast.Subscript) else None
        if not isinstance(family, ast.Name):
            return ""
        if family.id not in OPEN:
            raise Refused(
                "no such field",
                found=ast.unparse(node),
                wanted=_nearest(family.id, [*OPEN, *FIELDS]) or "slice.NAME or extra.NAME",
            )
        if isinstance(node, ast.Attribute):
            return f"{family.id}.{node.attr}"
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
        ):
            return f"{family.id}.{node.slice.value}"
        raise self._refused(node, "not the name of a field")

    def _known(self, name: str) -> str:
        if name in FIELDS:
            return name
        if name in OPEN:
            raise Refused(f"{name} needs a name", found=self.text, wanted=f'{name}.intent or {name}["my intent"]')
        raise Refused("no such field", found=name, wanted=_nearest(name, list(FIELDS)) or ", ".join(sorted(FIELDS)))

    def _refused(self, node: ast.expr, why: str) -> Refused:
        return Refused(f"the filter cannot use this: {why}", found=f"{ast.unparse(node)!r}", wanted=_EXAMPLE)


def _reader(name: str) -> Value:
    if name in FIELDS:
        return FIELDS[name]
    family, _, key = name.partition(".")
    if family == "slice":
        return lambda row: row.side.slices.get(key)
    return lambda row: row.side.extra.get(key)


def _contains(container: Any, item: Any) -> bool:
    if container is None or item is None:
        return container is not None and isinstance(container, list) and None in container
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    return isinstance(container, list | tuple | Mapping) and item in container


def _ordered(compare: Callable[[Any, Any], Any], left: Any, right: Any) -> bool:
    try:
        return left is not None and right is not None and bool(compare(left, right))
    except TypeError:
        return False  # a text beside a number in a field of the file: neither above nor below


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text)
    except Refused:
        return None


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"one of: {', '.join(near)}" if near else ""
