"""Items in the reasoning and in the tool calls of real rows: what leak rules and the firewall find, and what honest
rows with such parts are called.

    python benchmarks/planted/leaks/beside.py --data FOLDER

Items are copied into copies of training rows: as a further turn of the user (as they were found before), into the
reasoning (between two sentences of it), or as an argument of a call. A planted row is found when a finding names it.
No threshold was chosen on these rows: all are those for what turns say. What is looked at was: descriptions of tools
and keys of an item's calls were left out after false alarms on BFCL, and how long a call or a thought must be for the
firewall was set after those on Gorilla. Honest splits are the same rows
with and without what stands beside their words; what is named more with it is told. Writes `beside.json`, and a table
beside each of the rules.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from clean.beside import LOADERS
from clean.loading import gsm8k_rephrased
from headgate.kit.files import write_text
from headgate.ledger.ledger import Ledger
from headgate.ledger.protection import COPY
from headgate.ledger.rows import RowRecord
from headgate.rows.row import Kind, Message, Row, ToolCall, to_bytes
from headgate.rules.data import copied
from headgate.rules.firewall import Protected, admit, protect
from headgate.rules.given import Corpus, Given
from headgate.rules.selection import find
from headgate.stats.verdict import Outcome
from planted.leaks.disguises import DISGUISES
from planted.splitting import words

HERE = Path(__file__).parent
PLACES = ("a turn", "reasoning", "arguments")
KINDS = ("verbatim", "light 5 %", "heavy 15 %", "cut 60 %")
RULES = ("self-leak", "short-item-leak", "paraphrased-leak")
TITLE = "items beside the words of a turn"
PAGES = {
    "dat006_self_leak": ("self-leak", "self-leak, likely too"),
    "dat007_paraphrased_leak": ("paraphrased-leak",),
    "dat011_short_item_leak": ("short-item-leak",),
}
READ = {
    "self-leak": "Read one by one, the five pairs more are three questions that two people put in nearly the same "
    "words, and one answer that a model gave to another question too, twice.",
}
SIZE, PLANTED, SPLITS = 1500, 40, 10  # training rows at most; items planted at a time; honest splits
CLASSES = {"under 8 words": 8, "8 to 11": 12, "12 and more": 10**9}


def split(rows: Sequence[Row], drawn: random.Random) -> tuple[list[Row], list[Row]]:
    """Training rows and items; nothing is left out."""
    order = list(rows)
    drawn.shuffle(order)
    items = [replace(row, kind=Kind.ITEM) for row in order[: min(len(order) // 10, 300)] if words(row.prompt_text)]
    return order[len(order) // 10 :][:SIZE], items


def planted(host: Row, text: str, place: str, number: int) -> Row:
    """A copy of a row with a text in one of its places."""
    *before, last = host.messages
    if place == "a turn":
        before.append(Message("user", text))
    elif place == "reasoning":
        thought = last.reasoning or "Let me think about what is wanted here. I know enough to answer."
        head, dot, rest = thought.partition(". ")
        last = replace(last, reasoning=f"{head}{dot or '. '}{text} {rest}")
    else:
        first, *others = last.tool_calls or (ToolCall("search", '{"limit": 3}'),)
        arguments = json.dumps({**json.loads(first.arguments), "query": text})
        last = replace(last, tool_calls=(replace(first, arguments=arguments), *others))
    return replace(host, messages=(*before, last), side=replace(host.side, id=f"planted {number}"))


def named(rows: Sequence[Row], items: Sequence[Row]) -> dict[str, set[tuple[str, str]]]:
    """Pairs (row, item), by ids, that each rule and the firewall point at."""
    corpora = {"training-rows": Corpus(rows), "evaluation-items": Corpus(items)}
    out: dict[str, set[tuple[str, str]]] = {}
    for name in RULES:
        rule = find(name)
        verdict = rule.judge(Given(corpora), rule.options())
        out[name] = {(one.row or "", one.other_row or "") for one in verdict.findings}
        out[f"{name} fails"] = {("", "")} if verdict.outcome is Outcome.FAIL else set()
        if name == "self-leak":
            likely = verdict.details.get("likely", [])
            out["self-leak, likely too"] = out[name] | {(one["row"], one["other"]["row"]) for one in likely}
    return out | held(rows, items)


def held(rows: Sequence[Row], items: Sequence[Row]) -> dict[str, set[tuple[str, str]]]:
    """What the firewall refuses, and what it refuses or lists."""
    with tempfile.TemporaryDirectory() as folder, Ledger.open(Path(folder), create=True) as ledger:
        source = ledger.record("source", "rows", {"name": "rows"})
        records = [
            RowRecord(id=row.id, content_id=row.content_id, body=to_bytes(row), source_id=source) for row in rows
        ]
        numbers = ledger.rows.append(records).numbers
        of = dict(zip(numbers, (row.id for row in rows), strict=True))
        protect(ledger, "file:items", map(Protected.of, items))
        ids = {item.content_id: item.id for item in items}
        found = admit(ledger, numbers)
        pairs = {(of[one.number], ids[one.item]): one.grade for one in found}
    copies = {pair for pair, grade in pairs.items() if grade == COPY}
    return {"firewall refuses": copies, "firewall refuses or lists": set(pairs)}


def recall(source: str, rows: Sequence[Row], rephrased: dict[str, str]) -> list[dict[str, Any]]:
    """What is found of planted copies, by place, disguise and length."""
    out = []
    for kind in (*KINDS, *(["rephrased"] if rephrased else [])):
        for place in PLACES:
            drawn = random.Random(f"{source}/{kind}")
            training, items = split(rows, drawn)
            able = [item for item in items if item.prompt_text.strip() in rephrased] if kind == "rephrased" else items
            chosen = drawn.sample(able, min(PLANTED, len(able)))
            made = []
            for number, item in enumerate(chosen):
                host, text = drawn.choice(training), item.prompt_text
                other = drawn.choice(training).prompt_text
                text = rephrased[text.strip()] if kind == "rephrased" else DISGUISES[kind](text, other, drawn)
                made.append(planted(host, text, place, number))
            found = named([*training, *made], items)
            cells: dict[str, dict[str, int]] = {}
            for item, row in zip(chosen, made, strict=True):
                size = next(name for name, below in CLASSES.items() if len(words(item.prompt_text)) < below)
                cell = cells.setdefault(size, {"of": 0})
                cell["of"] += 1
                for name, pairs in found.items():
                    if not name.endswith("fails"):
                        cell[name] = cell.get(name, 0) + ((row.id, item.id) in pairs)
            out.append({"source": source, "kind": kind, "place": place, "cells": cells})
            print(source, kind, place, cells, file=sys.stderr)
    return out


def bare(row: Row) -> Row:
    """The row without what stands beside its words."""
    return replace(row, messages=tuple(Message(one.role, one.content) for one in row.messages), tools="")


def honest(source: str, rows: Sequence[Row]) -> dict[str, Any]:
    """What is named in honest splits, without what stands beside the words and with it."""
    out: dict[str, Any] = {"source": source, "splits": SPLITS, "rows": 0, "items": 0, "named": {}}
    seconds = [0.0, 0.0]
    for seed in range(SPLITS):
        training, items = split(rows, random.Random(f"{source}/honest/{seed}"))
        out["rows"] += len(training)
        out["items"] += len(items)
        pairs = []
        for place, (some, asked) in enumerate(((list(map(bare, training)), list(map(bare, items))), (training, items))):
            started = time.process_time()
            found = named(some, asked)
            seconds[place] += time.process_time() - started
            names = {row.id: row.side.id for row in (*some, *asked)}
            pairs.append({rule: {(names.get(a), names.get(b)) for a, b in held} for rule, held in found.items()})
        for name in pairs[0]:
            cell = out["named"].setdefault(name, {"without": 0, "with": 0, "items without": 0, "items with": 0})
            for word, one in zip(("without", "with"), pairs, strict=True):
                cell[word] += len(one[name])
                cell[f"items {word}"] += len({item for _, item in one[name]})
    out["cpu_seconds"] = [round(one, 2) for one in seconds]
    print(out, file=sys.stderr)
    return out


def described(rows: Sequence[Row]) -> dict[str, Any]:
    """What prompt-leak says of tools: every request held against all tools, its own too; and items put into some."""
    rule, items = find("prompt-leak"), [replace(row, kind=Kind.ITEM) for row in rows]
    names = {tool.get("function", tool)["name"] for row in rows for tool in json.loads(row.tools)}

    def told(training: Sequence[Row], asked: Sequence[Row]) -> tuple[set[str | None], int]:
        given = Given({"training-rows": Corpus(training), "evaluation-items": Corpus(asked)})
        verdict = rule.judge(given, rule.options())
        return {one.other_row for one in verdict.findings}, len(asked) - verdict.details["items_too_short"]

    found, judged = told(rows, items)
    drawn = random.Random("described")
    hosts, long = list(rows), [item for item in items if len(words(item.prompt_text)) >= 12]
    chosen = drawn.sample(long, 200)
    for item in chosen:
        place = drawn.randrange(len(hosts))
        tools = json.loads(hosts[place].tools)
        function = tools[-1].get("function", tools[-1])
        function["description"] = f"{function['description']} Example: {item.prompt_text}"
        hosts[place] = replace(hosts[place], tools=json.dumps(tools))
    hits, _ = told(hosts, items)
    return {
        "tools": len(names),
        "requests": judged,
        "held": len(found),
        "planted": len(chosen),
        "found": len(hits & {item.id for item in chosen}),
    }


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("sources", nargs="*", default=[*LOADERS])
    asked = parser.parse_args(list(arguments) if arguments is not None else None)
    file = HERE / "beside.json"
    out = json.loads(file.read_text()) if file.exists() else {"recall": [], "honest": []}
    for source in asked.sources:
        rows = LOADERS[source](asked.data)
        rephrased = {}
        if source == "reasoned":
            pairs = [row for row in gsm8k_rephrased(asked.data) if "rephrased" in row.side.extra]
            rephrased = {row.prompt_text.strip(): str(row.side.extra["rephrased"]) for row in pairs}
            # Items that have a rephrasing are those of the test half.
            rows = [*rows[:SIZE], *(_thought(row) for row in pairs)]
        if source == "tool_calls":
            out["described"] = described(rows)
            print(out["described"], file=sys.stderr)
        found = {"recall": recall(source, rows, rephrased), "honest": [honest(source, rows)]}
        for name, told in found.items():
            out[name] = [one for one in out[name] if one["source"] != source] + told
    write_text(file, json.dumps(out, indent=1) + "\n")
    write_tables()


def table(*names: str) -> dict[str, Any]:
    """What the page of a rule shows of `beside.json`: shares by one name or more, and what is named in honest rows."""
    held = json.loads((HERE / "beside.json").read_text())
    kinds = [*KINDS, *(["rephrased"] if "paraphrased-leak" in names else [])]
    lines = []
    for size in CLASSES:
        for place in PLACES:
            cells = []
            for kind in kinds:
                own = [
                    one["cells"].get(size, {}) for one in held["recall"] if (one["kind"], one["place"]) == (kind, place)
                ]
                of = sum(cell.get("of", 0) for cell in own)
                shares = (sum(cell.get(name, 0) for cell in own) / max(of, 1) for name in names)
                cells.append(" / ".join(f"{share:.2f}" for share in shares) + f" of {of}" if of else "")
            lines.append([size, place, *cells])
    rows, items = (sum(one[name] for one in held["honest"]) for name in ("rows", "items"))
    told = "; ".join(
        f"{name}: {sum(one['named'][name]['without'] for one in held['honest'])} without what stands beside the words, "
        f"{sum(one['named'][name]['with'] for one in held['honest'])} with it"
        for name in names
    )
    text = (
        "Share of planted rows that findings name "
        f"({', or '.join(names)}), in real rows with tool calls (BFCL, Gorilla) or "
        "reasoning (GSM8K solutions; banking77 questions said again). Thresholds are those for what turns say; what is "
        "looked at beside them was settled on the honest rows of BFCL and Gorilla. Items were copied into a "
        "further turn of the user, between two sentences of the reasoning, or among the arguments of a call. Pairs "
        f"named in honest splits of the same rows, nothing left out ({rows:,} rows, {items:,} items): {told}. "
        + READ.get(names[0], "")
    )
    return {"title": TITLE, "text": text.strip(), "columns": ["words of the item", "place", *kinds], "rows": lines}


def write_tables() -> None:
    """Puts the tables beside the rules, in the place of those of before."""
    for stem, names in PAGES.items():
        file = Path(copied.__file__).with_name(f"{stem}_tables.json")
        others = json.loads(file.read_text())["tables"] if file.exists() else []
        kept = [one for one in others if one["title"] != TITLE]
        write_text(file, json.dumps({"tables": [*kept, table(*names)]}, indent=1) + "\n")


def _thought(row: Row) -> Row:
    thought, _, said = row.answer_text.rpartition("####")
    turns = (row.messages[0], Message("assistant", said.strip(), reasoning=thought.strip()))
    return replace(
        row, messages=turns, side=replace(row.side, extra={}, id=f"test {row.place.line if row.place else 0}")
    )


if __name__ == "__main__":
    main()
