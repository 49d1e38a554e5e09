"""The model card: front matter that registries read, and the evidence for people.

Every number comes from a record of the ledger; nothing is written by hand but the sentences of the
section [release].
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from headgate.release.batteries import battery_lines
from headgate.release.evidence import OVER, Grounds
from headgate.release.settings import Settings
from headgate.stats.claims import GAIN
from headgate.stats.verdict import Measure, Outcome, Verdict

NOTHING = "None."
IMPORTED = "imported-evidence"  # verdicts of the stage evaluate that name logs of other tools
DIRTY_ITEMS = "dirty-items"  # verdicts of the stage evaluate on what leaks were worth
SMALLEST_P = 1e-6  # below, the digits say more about the approximation than about the data


def card(grounds: Grounds, settings: Settings, name: str, *, quoting: bool = True) -> str:
    """The card in Markdown.

    `quoting`: whether findings are given in the words of their rules. Those words may quote a row or name a person,
    so a card that leaves the house gives rule, outcome and number alone.
    """
    parts = [
        front_matter(grounds, settings),
        f"# {name}\n",
        (settings.about or f"An adapter for `{grounds.base.name}`, released by the flow `{_flow(grounds)}`.") + "\n",
        _section("What it is", _what(grounds)),
        _section("Data", _data(grounds)),
        _section("Evaluation", _evaluation(grounds)),
        *_batteries(grounds),
        _section("Checks", _checks(grounds, quoting)),
        _section("Waivers", _waivers(grounds)),
        _section("Limits", _limits(grounds, settings, quoting)),
        _section("Closure", _closure(grounds)),
    ]
    return "\n".join(parts)


def front_matter(grounds: Grounds, settings: Settings) -> str:
    """The block that registries read; JSON strings are YAML strings."""
    fields: list[tuple[str, str | list[str]]] = [
        ("base_model", grounds.base.name),
        ("base_model_relation", "adapter"),
        ("library_name", "peft"),
        ("datasets", [grounds.version.name]),
        ("license", settings.licence),
        ("language", list(settings.language)),
        ("tags", ["headgate", "lora", *settings.tags]),
    ]
    lines = ["---"]
    for key, value in fields:
        if isinstance(value, list) and value:
            lines += [f"{key}:", *(f"- {json.dumps(one, ensure_ascii=False)}" for one in value)]
        elif isinstance(value, str) and value:
            lines.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join([*lines, "---", ""])


def _batteries(grounds: Grounds) -> list[str]:
    """The section on the checkpoint itself, where its batteries were asked."""
    lines = battery_lines(grounds.verdicts, _table)
    return [_section("This checkpoint beside its base", lines)] if lines else []


def _what(grounds: Grounds) -> list[str]:
    facts = [
        ("base", f"`{grounds.base.name}`, fingerprint `{grounds.base.body['fingerprint']['root']}`"),
        ("adapter", f"`{grounds.adapter.body['digest']}`"),
        ("trained on", _trained_on(grounds)),
        ("decided", f"{grounds.decision.at[:10]}, decision `{grounds.decision.id}`"),
    ]
    return _table(("", ""), facts)


def _trained_on(grounds: Grounds) -> str:
    data = grounds.run.body.get("plan", {}).get("data", {})
    whole = f"{len(grounds.version.numbers):,} rows in all its splits"
    return f"`{grounds.version.name}`, " + (f"split {data['split']}, {data['rows']:,} rows" if data else whole)


def _data(grounds: Grounds) -> list[str]:
    version = grounds.version
    splits = [(split, f"{len(numbers):,}") for split, numbers in sorted(version.splits.items())]
    sources = [(one.name, one.licence or "not stated", one.consent or "not stated") for one in grounds.sources]
    lines = [f"Dataset version `{version.name}`, manifest `{version.manifest_digest}`.", ""]
    lines += _table(("split", "rows"), splits) or ["No splits."]
    return [
        *lines,
        "",
        *(_table(("source", "licence", "consent of the source"), sources) or ["No sources are recorded."]),
    ]


def _evaluation(grounds: Grounds) -> list[str]:
    rows = []
    for verdict in grounds.comparisons:
        measure = verdict.measure
        if measure is None:
            continue
        details = verdict.details
        rows.append(
            (
                str(details.get("suite", "")),
                str(details.get("pool", "")),
                verdict.rule.removeprefix(OVER),
                _accuracies(verdict),
                f"{measure.value * 100:+.1f}",
                f"{measure.low * 100:+.1f} to {measure.high * 100:+.1f}",
                f"{measure.n:,}",
                verdict.outcome.value,
            )
        )
    titles = ("suite", "pool", "compared with", "scores", "difference", "95 % interval", "n", "better")
    if not rows:
        return ["No comparison is recorded."]
    note = "Differences are in points, candidate minus reference, on the same items."
    return [note, "", *_table(titles, rows), "", *_claims(grounds), *_imports(grounds), *_leaks(grounds)]


def _imports(grounds: Grounds) -> list[str]:
    """What was not measured here: which logs, of which tool, and when they were brought in."""
    rows = []
    for verdict in grounds.verdicts:
        if verdict.rule != IMPORTED:
            continue
        for arm, log in verdict.details["imported"].items():
            name, digest = list(log["files"].items())[-1]
            rows.append((verdict.details["suite"], arm, log["format"], name, f"`{digest}`", log["at"][:10]))
    titles = ("suite", "arm", "tool", "log", "digest", "imported")
    note = "Measured elsewhere and imported; headgate asked none of these questions itself."
    return ["", note, "", *_table(titles, rows)] if rows else []


def _leaks(grounds: Grounds) -> list[str]:
    """The candidate's scores on items that its training rows match, and on the others."""
    rows = []
    for verdict in grounds.verdicts:
        if verdict.rule != DIRTY_ITEMS or verdict.outcome is Outcome.SKIPPED:
            continue
        told = verdict.details.get("scores", {}).get("candidate", {})
        d = told.get("dirty_minus_clean")
        difference = f"{d['value'] * 100:+.1f} ({d['low'] * 100:+.1f} to {d['high'] * 100:+.1f})" if d else ""
        where = (str(verdict.details.get("suite", "")), str(verdict.details.get("pool", "")))
        dirty = int(verdict.details.get("dirty_items", 0))
        counts = {
            "clean": int(verdict.details.get("items", 0)) - dirty,
            "dirty": dirty,
            "all": verdict.details.get("items", 0),
        }
        rows.append((*where, *(_score(told.get(name), n) for name, n in counts.items()), difference))
    titles = ("suite", "pool", "clean items", "dirty items", "all items", "dirty minus clean, points")
    note = "Dirty items are those that a training row matches by any definition of the firewall."
    return ["", note, "", *_table(titles, rows)] if rows else []


def _score(told: Any, n: int) -> str:
    if not n:
        return "none"
    if not told:
        return f"not shown, n {n:,}"
    value = f"{told['value']:.1%} " if "value" in told else ""
    return f"{value}({told['low']:.1%} to {told['high']:.1%}), n {told['n']:,}"


def _claims(grounds: Grounds) -> list[str]:
    """Claims that the gate read in its own way: margins, and corrections for their number."""
    rows = []
    for verdict in grounds.decided:
        numbers = verdict.details.get("comparison")
        if isinstance(numbers, dict) and verdict.measure is not None:
            p = verdict.details.get("p_holm", numbers["p_claim"])
            shown = f"{p:.3g}" if p >= SMALLEST_P else f"below {SMALLEST_P:g}"
            rows.append((verdict.rule, verdict.summary, shown, _outcome(verdict)))
    return _table(("claim", "finding", "p, corrected", "gate"), rows)


def _checks(grounds: Grounds, quoting: bool) -> list[str]:
    shown = [v for v in grounds.verdicts if not v.rule.startswith(OVER) and v.outcome is not Outcome.SKIPPED]
    rows = [(v.rule or v.failure, v.outcome.value, v.level.value, _measured(v.measure)) for v in shown]
    skipped = sorted({v.rule for v in grounds.verdicts if v.outcome is Outcome.SKIPPED})
    titles: tuple[str, ...] = ("rule", "outcome", "level", "measured")
    if quoting:
        titles = (*titles, "finding")
        told: list[tuple[str, ...]] = [(*row, v.summary) for row, v in zip(rows, shown, strict=True)]
    else:
        told = list(rows)
    lines = _table(titles, told) or ["No check is recorded."]
    return [*lines, *(["", "Not asked, for want of input: " + ", ".join(skipped) + "."] if skipped else [])]


def _waivers(grounds: Grounds) -> list[str]:
    rows = [(one["rule"], one["name"], one["reason"], one["until"]) for one in grounds.waivers]
    return _table(("rule", "who answers for it", "reason", "until"), rows) or [NOTHING]


def _limits(grounds: Grounds, settings: Settings, quoting: bool) -> list[str]:
    lines = [f"- {_plain(one)}" for one in settings.limits]
    suites = sorted({str(one.details.get("suite")) for one in grounds.comparisons})
    if suites:
        lines.append(f"- Measured on {', '.join(suites)} and on nothing else.")
    for verdict in grounds.comparisons:
        if verdict.measure is not None:
            visible = f"differences below about {verdict.measure.smallest_visible * 100:.1f} points cannot be seen"
            about = f"{verdict.details.get('suite')}, {verdict.details.get('pool')}, {verdict.rule.removeprefix(OVER)}"
            more = verdict.details.get("power", {}).get("items_more", 0)
            needs = f"; a claim of {GAIN * 100:g} points takes {more:,} more for 80 % power" if more else ""
            lines.append(f"- {about}: with {verdict.measure.n:,} items {visible}{needs}.")
    doubts = [v for v in (*grounds.verdicts, *grounds.decided) if v.outcome is Outcome.UNSURE]
    said = [f"{_plain(v.summary)} ({_plain(v.reason)})" if quoting else v.rule or v.failure for v in doubts]
    lines += list(dict.fromkeys(f"- Not settled: {one}." for one in said))
    return lines or [NOTHING]


def _closure(grounds: Grounds) -> list[str]:
    fingerprint = grounds.base.body["fingerprint"]
    rows = [("base " + part, f"`{address}`") for part, address in fingerprint.items() if address]
    rows += [("run", f"`{grounds.run.id}`"), ("plan", f"`{grounds.run.body.get('plan_digest', '')}`")]
    rows += [("adapter", f"`{grounds.adapter.id}`"), ("dataset", f"`{grounds.version.node_id}`")]
    rows += [(f"step {stage}", f"`{one['step']}`") for stage, one in grounds.decision.body["evidence"].items()]
    rows.append(("decision", f"`{grounds.decision.id}`"))
    return _table(("part", "address"), rows)


def _section(title: str, lines: Iterable[str]) -> str:
    return f"## {title}\n\n" + "\n".join(lines) + "\n"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    head = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    return head + ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in rows]


def _plain(text: str) -> str:
    # A summary may quote a user's words; they must not end the cell or start markup.
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _accuracies(verdict: Verdict) -> str:
    shares = verdict.details.get("accuracies") or {}
    order = (verdict.rule.removeprefix(OVER), "candidate")
    return " to ".join(f"{shares[name]:.1%}" for name in order if name in shares) or "not shown"


def _measured(measure: Measure | None) -> str:
    if measure is None:
        return ""
    if measure.unit == "share":
        return f"{measure.value:.2%} ({measure.low:.2%} to {measure.high:.2%}), n {measure.n:,}"
    return f"{measure.value:g} {measure.unit}, n {measure.n:,}"


def _outcome(verdict: Verdict) -> str:
    return verdict.outcome.value + (", waived" if "waived" in verdict.details else "")


def _flow(grounds: Grounds) -> str:
    return str(grounds.decision.body["flow"])
