"""The page of a rule: docstring, options, measured power and literate cases in one Markdown text.

`headgate explain` prints it, `docs/rules/` holds it, and a contract test compares the two.

    python -m headgate.rules.page docs/rules
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.files import write_text
from headgate.rules.catalogue import CATALOGUE
from headgate.rules.options import option_lines
from headgate.rules.power import Figure, Figures, Fresh, figures_of, fresh_of, shortfalls, tables_of
from headgate.rules.shape import HEADINGS, SHELVES, Rule
from headgate.stats.intervals import wilson

INDEX = "index.md"
SUITES = "suites"  # folder of the suites in an installed package; in a checkout they are in tests/rules


def page(rule: Rule) -> str:
    """The whole page, as Markdown that ends with a line break."""
    title, _, rest = rule.page.partition("\n")
    parts = [
        f"# {rule.name}",
        _facts(rule),
        title,
        rest.strip(),
        _options(rule),
        _power(figures_of(rule), fresh_of(rule)),
        _tables(rule),
    ]
    if suite := suite_of(rule):
        parts.append(_cases(suite))
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def as_json(rule: Rule) -> dict[str, Any]:
    """The facts of a page as a JSON object; the text sections by heading."""
    figures, fresh = figures_of(rule), fresh_of(rule)
    return {
        "rule": rule.name,
        "code": rule.code,
        "shelf": rule.shelf,
        "failure": rule.failure,
        "level": rule.level.value,
        "status": rule.status,
        "since": rule.since,
        "needs": list(rule.needs),
        **rule.origin,
        "title": title_of(rule),
        "sections": sections(rule),
        "options": [
            {"key": line.key, "type": line.type, "default": line.default, "comment": line.comment}
            for line in option_lines(rule.options)
        ],
        "power": _power_json(figures) if figures else None,
        "fresh_power": {"chosen_on": fresh.chosen_on, **_power_json(fresh.figures)} if fresh else None,
    }


def title_of(rule: Rule) -> str:
    """The first line of a rule's docstring."""
    return rule.page.partition("\n")[0]


def sections(rule: Rule) -> dict[str, str]:
    """Text below each heading of a rule's docstring."""
    held: dict[str, str] = {}
    for piece in rule.page.split("\n## ")[1:]:
        heading, _, text = piece.partition("\n")
        held[heading.strip()] = text.strip()
    return held


def headings_missing(rule: Rule) -> list[str]:
    """Headings that every page has and this one lacks or leaves empty."""
    held = sections(rule)
    return [heading for heading in HEADINGS if not held.get(heading)]


def suite_of(rule: Rule) -> str:
    """The literate suite of one of our rules; empty where it is not at hand."""
    if rule.package:
        return ""
    inside = Path(str(resources.files("headgate.rules"))) / SUITES
    checkout = Path(__file__).parents[3] / "tests" / "rules"
    for folder in (inside, checkout):
        file = folder / rule.shelf / f"{rule.stem}.md"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    return ""


def index(rules: Sequence[Rule]) -> str:
    """The table of all rules, by shelf."""
    lines = ["# Rules", "", "One page for each rule; `headgate explain NAME` prints the same.", ""]
    for shelf in dict.fromkeys(SHELVES.values()):
        held = [rule for rule in rules if rule.shelf == shelf]
        if not held:
            continue
        lines += [f"## {shelf}", "", "| rule | code | finds | level | status | needs |", "|---|---|---|---|---|---|"]
        for rule in held:
            link = f"[{rule.name}]({rule.name}.md)"
            cells = (link, rule.code, title_of(rule), rule.level, rule.status, ", ".join(rule.needs))
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines).strip() + "\n"


def pages(rules: Sequence[Rule]) -> dict[str, str]:
    """File name and text of every generated page."""
    return {INDEX: index(rules), **{f"{rule.name}.md": page(rule) for rule in rules}}


def _facts(rule: Rule) -> str:
    facts = (
        f"`{rule.code}`" if rule.code else "",
        f"shelf {rule.shelf}",
        f"answers for {rule.failure}",
        f"level {rule.level}",
        f"{rule.status} since {rule.since}",
        "needs " + ", ".join(rule.needs) if rule.needs else "needs nothing",
        f"from {rule.package} {rule.version}" if rule.package else "",
    )
    return " · ".join(fact for fact in facts if fact)


def _options(rule: Rule) -> str:
    lines = ["## Options", "", "| option | default | meaning |", "|---|---|---|"]
    lines += [f"| `{line.key}` | `{_shown(line.default)}` | {line.comment} |" for line in option_lines(rule.options)]
    return "\n".join(lines) if len(lines) > 4 else ""


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, tuple):
        return "[" + ", ".join(_shown(each) for each in default) + "]"
    return f'"{default}"' if isinstance(default, str) else str(default)


def _power(figures: Figures | None, fresh: Fresh | None) -> str:
    if figures is None:
        return "## Measured power\n\nNot measured yet."
    text = ["## Measured power", "", _claim(figures), *_measured(figures)]
    if fresh is not None:
        of = fresh.figures
        told = f"Thresholds were chosen on {fresh.chosen_on}. Nothing was chosen on what follows."
        text += ["", "### On data that nothing was chosen on", "", told, _claim(of), *_measured(of)]
        text += ["", fresh.read] if fresh.read else []
        if missing := shortfalls(of):
            text += ["", f"On trial, because it {'; and it '.join(missing)}."]
    return "\n".join(text)


def _claim(figures: Figures) -> str:
    return f"Claim: a strength of {figures.claimed:g} ({figures.unit}) is found from {figures.smallest:,} rows on."


def _measured(figures: Figures) -> list[str]:
    told = f"Measured: {_share(*figures.at_claim)} plantings at that strength found, "
    text = [f"{told}{_share(*figures.on_clean)} honest sets failed."]
    if figures.recall is not None:
        precision = f", precision {figures.precision:.0%}" if figures.precision is not None else ""
        text.append(f"Of the planted rows, findings named {figures.recall:.0%}{precision}.")
    sources = list(dict.fromkeys(each.source for each in figures.false_alarms))
    text += ["", "| strength | " + " | ".join(sources) + " |", "|---" * (len(sources) + 1) + "|"]
    for strength in sorted({each.strength for each in figures.detection}):
        text.append(_line(f"{strength:g}", [e for e in figures.detection if e.strength == strength], sources))
    text.append(_line("honest", figures.false_alarms, sources))
    return [*text, "", "Each cell: failed verdicts of runs, all sizes together, with the 95 % Wilson interval."]


def _share(hits: int, of: int) -> str:
    interval = wilson(hits, of) if of else None
    return f"{hits} of {of} ({interval.low:.0%} to {interval.high:.0%})" if interval else f"{hits} of {of}"


def _tables(rule: Rule) -> str:
    parts = []
    for table in tables_of(rule):
        lines = [f"### {table.title}", "", table.text, "", "| " + " | ".join(table.columns) + " |"]
        lines += ["|---" * len(table.columns) + "|", *("| " + " | ".join(cells) + " |" for cells in table.rows)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _line(name: str, figures: Sequence[Figure], sources: Sequence[str]) -> str:
    cells = []
    for source in sources:
        held = [each for each in figures if each.source == source]
        hits, of = sum(each.hits for each in held), sum(each.of for each in held)
        cells.append(_share(hits, of) if of else "")
    return f"| {name} | " + " | ".join(cells) + " |"


def _power_json(figures: Figures) -> dict[str, Any]:
    (found, tried), (failed, honest) = figures.at_claim, figures.on_clean
    return {
        "claimed": figures.claimed,
        "unit": figures.unit,
        "smallest": figures.smallest,
        "found": found,
        "plantings": tried,
        "false_alarms": failed,
        "honest": honest,
        "recall": figures.recall,
        "precision": figures.precision,
        "shortfalls": shortfalls(figures),
    }


def _cases(suite: str) -> str:
    """The suite below a heading of its own, its headings one level deeper."""
    lines, fence = [], ""
    for line in suite.splitlines()[1:]:
        if line.startswith("```"):
            fence = "" if fence else line
        lines.append(f"#{line}" if line.startswith("## ") and not fence else line)
    return "## Cases\n\nEach case is a test of the rule.\n\n" + "\n".join(lines).strip()


def main(arguments: Sequence[str]) -> None:
    """Writes all pages into a folder and removes pages of rules that are gone.

    Raises:
        Refused: no folder given.
    """
    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise Refused("one folder is wanted", next_step="python -m headgate.rules.page docs/rules")
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages(CATALOGUE)
    for name, text in wanted.items():
        write_text(folder / name, text)
    for file in folder.glob("*.md"):
        if file.name not in wanted:
            file.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
