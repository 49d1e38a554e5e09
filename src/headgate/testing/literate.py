"""Literate suites: Markdown files that are tests of a rule and part of its page.

A heading of level two is a case. Fenced blocks below it are its input and what is expected:

- `training`, `evaluation`, `selected`, `reference` (real rows to hold others against), `before` (what training
  rows were rewritten from), `prompts` (few-shot prompts as they were sent): rows, one JSON object a line (short
  form, see `row_of`).
  `repeat=40` after the label writes the block 40 times, with `{n}` replaced by 1 to 40.
- `claims at=2026-06-01`: dated facts, one JSON object a line.
- `registry`: real identifiers, one a line.
- `labels`: labels of annotators, one JSON object a line (item, annotator, label; `gold` is an annotator).
- `tokens`: what the trainer counted for each training row, one JSON object a line.
- `given`, `options`: TOML; further inputs of the rule, options that differ from the default.
- `expect`: TOML or a JSON object; see `Expectation`.

A finding is written as its line in `training` (a number) or as `"evaluation:3"`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.rows.labels import labels_of
from headgate.rows.row import SIDE_NAMES, Kind, Message, Row, Side, from_json
from headgate.rules.given import Claims, Corpus, Fact, Given, TokenCount
from headgate.rules.options import read_options
from headgate.rules.shape import Rule
from headgate.stats.verdict import Finding, Outcome, Place, Verdict
from headgate.text.registry import Registry

CORPORA = {
    "training": "training-rows",
    "evaluation": "evaluation-items",
    "selected": "selected-rows",
    "prompts": "few-shot-prompts",
    "reference": "reference-rows",
    "earlier": "earlier-rows",
    "before": "before-rows",
}
LABELS = (*CORPORA, "registry", "labels", "claims", "tokens", "given", "options", "expect")
NEEDED = (Outcome.PASS, Outcome.FAIL, Outcome.UNSURE)
HEADING = re.compile(r"^## +(.+?)\s*$")
FENCE = re.compile(r"^(`{3,}|~{3,})\s*(.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    label: str
    attributes: Mapping[str, str]
    lines: tuple[str, ...]
    line: int  # of the fence, 1-based

    @property
    def text(self) -> str:
        """The lines as they stand in the suite."""
        return "\n".join(self.lines)

    def repeated(self) -> Iterator[str]:
        """The lines, `repeat` times, with `{n}` replaced by the turn."""
        for turn in range(1, int(self.attributes.get("repeat", "1")) + 1):
            yield from (line.replace("{n}", str(turn)) for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What a case says of the verdict; what is left out is not compared."""

    outcome: str
    findings: Sequence[int | str] | None = None  # places of all findings, in any order
    others: Sequence[int | str] | None = None  # places of the partner rows
    summary: str | Sequence[str] = ()  # texts that the summary holds
    reason: str | Sequence[str] = ()  # texts that the reason holds
    message: str | Sequence[str] = ()  # texts that the messages of the findings hold
    remedy: str | None = None  # of every finding
    replacement: Mapping[str, str] | None = None  # of all findings together
    total: int | None = None  # of findings
    value: float | None = None  # of the measure, to six digits
    details: Mapping[str, Any] | None = None  # entries of the details; others are not compared


@dataclass(frozen=True)
class Case:
    """One case of a suite."""

    heading: str
    file: str
    line: int  # of the heading, 1-based
    blocks: tuple[Block, ...] = ()

    def given(self) -> Given:
        """The inputs of the case, as a rule takes them."""
        inputs: dict[str, Any] = {}
        for label, name in CORPORA.items():
            if blocks := self._all(label):
                inputs[name] = Corpus(self._rows(label, blocks), label)
        for block in self._all("claims"):
            moment = parse_moment(block.attributes.get("at", "2026-01-01"))
            inputs["claims"] = Claims([self._made(Fact.of, *each) for each in self._objects(block)], moment)
        if blocks := self._all("labels"):
            bodies = [body for block in blocks for _, body in self._objects(block)]
            inputs["labels"] = self._made(labels_of, blocks[0].line, bodies)
        if blocks := self._all("tokens"):
            objects = [each for block in blocks for each in self._objects(block)]
            inputs["tokens"] = [self._made(lambda body: TokenCount(**body), *each) for each in objects]
        if blocks := self._all("registry"):
            inputs["registry"] = Registry.listed(line for block in blocks for line in block.repeated())
        for block in self._all("given"):
            inputs |= self._table(block)
        return Given(inputs)

    def options(self) -> dict[str, Any]:
        """Options of the rule that the case sets."""
        return {key: value for block in self._all("options") for key, value in self._table(block).items()}

    def expectation(self) -> Expectation:
        """What the case expects.

        Raises:
            Refused: no `expect` block, or more than one, or an unknown key in it.
        """
        blocks = self._all("expect")
        if len(blocks) != 1:
            what = f"case {self.heading!r} has {len(blocks)} expect blocks"
            raise Refused(what, file=self.file, line=self.line, wanted="one")
        return self._made(lambda body: Expectation(**body), blocks[0].line, self._table(blocks[0]))  # type: ignore[no-any-return]

    def verdict(self, rule: Rule) -> Verdict:
        """What the rule says of the case."""
        return rule.judge(self.given(), read_options(rule, self.options(), file=self.file))

    def problems(self, rule: Rule) -> list[str]:
        """Where verdict and expectation differ, one line each; empty when they agree."""
        return differences(self.expectation(), self.verdict(rule))

    def _all(self, label: str) -> list[Block]:
        return [block for block in self.blocks if block.label == label]

    def _rows(self, label: str, blocks: Iterable[Block]) -> list[Row]:
        rows: list[Row] = []
        for block in blocks:
            for line, body in self._objects(block):
                place = Place(file=label, line=len(rows) + 1)
                kind = Kind.ITEM if label == "evaluation" else None
                rows.append(replace(self._made(lambda each, kind=kind: row_of(each, kind), line, body), place=place))
        return rows

    def _objects(self, block: Block) -> list[tuple[int, dict[str, Any]]]:
        out = []
        for turn in range(1, int(block.attributes.get("repeat", "1")) + 1):
            for offset, line in enumerate(block.lines, start=1):
                if line.strip():
                    text = line.replace("{n}", str(turn))
                    out.append((block.line + offset, self._made(orjson.loads, block.line + offset, text)))
        return out

    def _table(self, block: Block) -> dict[str, Any]:
        read = orjson.loads if block.text.lstrip().startswith("{") else tomllib.loads
        return self._made(read, block.line, block.text)  # type: ignore[no-any-return]

    def _made(self, maker: Any, line: int, body: Any) -> Any:
        try:
            return maker(body)
        except (TypeError, ValueError, KeyError) as error:
            what = f"case {self.heading!r} cannot be read"
            raise Refused(what, file=self.file, line=line, found=f"{type(error).__name__}: {error}") from None


def read_suite(path: Path) -> list[Case]:
    """The cases of a suite file.

    Raises:
        Refused: a block with an unknown label, or a fence that is not closed.
    """
    return parse_suite(path.read_text(encoding="utf-8"), str(path))


def parse_suite(text: str, file: str = "suite.md") -> list[Case]:
    """The cases in the text of a suite; blocks above the first heading belong to no case and are refused.

    Raises:
        Refused: as `read_suite`.
    """
    cases: list[Case] = []
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if heading := HEADING.match(line):
            cases.append(Case(heading[1], file, number))
        elif fence := FENCE.match(line):
            block = _block(fence[1], fence[2], number, lines, file)
            if not cases:
                raise Refused("a block stands above the first case", file=file, line=number, wanted="## heading")
            cases[-1] = replace(cases[-1], blocks=(*cases[-1].blocks, block))
    return cases


def outcomes_missing(cases: Iterable[Case]) -> list[str]:
    """Outcomes that no case expects; a suite shows at least one pass, one fail and one unsure."""
    seen = {case.expectation().outcome for case in cases}
    return [outcome.value for outcome in NEEDED if outcome not in seen]


def row_of(body: Mapping[str, Any], kind: Kind | None = None) -> Row:
    """A row from its short form; `kind` overrides the one that the keys imply.

    Short forms: `{"system", "user", "assistant"}`, `{"messages"}`, `{"prompt", "chosen", "rejected"}`,
    `{"text"}`, `{"user", "completion", "label"}`; beside them `slice` and any name of side data but `user`.
    A body with `kind` is in canonical form.

    Raises:
        Refused: a key that no form has, or no words at all.
    """
    if "kind" in body:
        return from_json(body)
    rest = dict(body)
    side = {name: rest.pop(name) for name in SIDE_NAMES if name in rest and name not in ("slices", "user")}
    side["parents"] = tuple(side.get("parents", ()))
    slices = rest.pop("slice", rest.pop("slices", {}))
    implied, parts = _words(rest)
    if rest or not parts:
        raise Refused("not a row in short form", found=", ".join(rest) or "no words")
    return Row(kind=kind or implied, side=Side(slices=slices, **side), **parts)


def differences(expected: Expectation, verdict: Verdict) -> list[str]:
    """Where a verdict is not as expected, one line each."""
    found: list[str] = []

    def compare(name: str, wanted: Any, actual: Any) -> None:
        if wanted is not None and wanted != actual:
            found.append(f"{name}: expected {wanted!r}, is {actual!r}")

    compare("outcome", expected.outcome, verdict.outcome.value)
    compare("findings", _places(expected.findings), sorted({_place(one.place) for one in verdict.findings}))
    compare("others", _places(expected.others), sorted({_place(one.other) for one in verdict.findings}))
    compare("total", expected.total, max(verdict.findings_total, len(verdict.findings)))
    if expected.remedy is not None:
        compare("remedy", [expected.remedy], sorted({one.remedy for one in verdict.findings}))
    compare("replacement", expected.replacement, _replacements(verdict.findings))
    for key, wanted in (expected.details or {}).items():
        compare(f"details.{key}", wanted, verdict.details.get(key))
    if expected.value is not None:
        compare("value", f"{expected.value:.6g}", f"{verdict.measure.value:.6g}" if verdict.measure else None)
    messages = "\n".join(one.message for one in verdict.findings)
    for name, wanted, actual in (
        ("summary", expected.summary, verdict.summary),
        ("reason", expected.reason, verdict.reason),
        ("message", expected.message, messages),
    ):
        texts = [wanted] if isinstance(wanted, str) else wanted
        found += [f"{name}: {text!r} is not in {actual!r}" for text in texts if text not in actual]
    return found


@dataclass
class _Turns:
    messages: list[Message] = field(default_factory=list)

    def add(self, role: str, content: Any) -> None:
        if content is not None:
            self.messages.append(Message(role, content))


def _words(rest: dict[str, Any]) -> tuple[Kind, dict[str, Any]]:
    """Kind and content fields of a short form; takes the keys it reads out of `rest`."""
    if "text" in rest:
        return Kind.TEXT, {"messages": (Message("assistant", rest.pop("text")),)}
    turns = _Turns()
    if "messages" in rest:
        bodies = {"kind": "demonstration", "messages": rest.pop("messages")}
        turns.messages.extend(from_json(bodies).messages)
    turns.add("system", rest.pop("system", None))
    turns.add("user", rest.pop("user", rest.pop("prompt", None)))
    turns.add("assistant", rest.pop("assistant", None))
    if "chosen" in rest:
        chosen, rejected = rest.pop("chosen"), rest.pop("rejected", [])
        worse = [rejected] if isinstance(rejected, str) else rejected
        return Kind.PREFERENCE, {
            "messages": tuple(turns.messages),
            "chosen": (Message("assistant", chosen),),
            "rejected": tuple((Message("assistant", text),) for text in worse),
        }
    if "label" in rest:
        answer = Message("assistant", rest.pop("completion", None) or "")
        return Kind.UNPAIRED, {"messages": tuple(turns.messages), "chosen": (answer,), "label": rest.pop("label")}
    answered = any(message.role == "assistant" for message in turns.messages)
    parts = {"messages": tuple(turns.messages)} if turns.messages else {}
    return (Kind.DEMONSTRATION if answered else Kind.PROMPT), parts


def _block(fence: str, info: str, number: int, lines: Any, file: str) -> Block:
    label, *words = info.split() or [""]
    if label not in LABELS:
        raise Refused("a block with an unknown label", file=file, line=number, found=label, wanted=", ".join(LABELS))
    attributes = dict(word.split("=", 1) for word in words if "=" in word)
    held: list[str] = []
    for _, line in lines:
        if line.strip() == fence:
            return Block(label, attributes, tuple(held), number)
        held.append(line)
    raise Refused("a block is not closed", file=file, line=number, wanted=fence)


def _places(written: Sequence[int | str] | None) -> list[str] | None:
    if written is None:
        return None
    return sorted(f"training:{each}" if isinstance(each, int) else each for each in written)


def _place(place: Place | None) -> str:
    return str(place) if place else "nowhere"


def _replacements(findings: Iterable[Finding]) -> dict[str, str]:
    return {wrong: right for finding in findings for wrong, right in (finding.replacement or {}).items()}
