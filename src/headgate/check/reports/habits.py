"""Habits of the answers on one page, for the person who leads those who write them: no term of statistics, no code.

Each habit with how often, whose, three real examples, and what mending it would change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from headgate import __version__
from headgate.rules.operations import DROP, KEEP, MASK, NORMALISE
from headgate.stats.verdict import Outcome, Verdict

SPELLING, ACTS, PHRASES = "learned-typo", "inherited-habits", "house-phrases"
TERMS = "mixed-terms"
RULES = (ACTS, SPELLING, TERMS, PHRASES)
ACT_TITLES = {
    "concession": "Promises money or credit",
    "escalation": "Hands the customer over to people",
    "action": "Says that something was done",
    "promise": "Promises to get back to the customer",
    "needless apology": "Says sorry when nothing went wrong",
    "apology": "Says sorry",
    "internal reference": "Mentions tools or teams that customers do not know",
    "delay": "Asks the customer to wait",
    "blame": "Puts the blame on the customer",
    "shorthand": "Writes in the shorthand of the office",
}
WHY = {
    "concession": "The assistant may not grant anything by itself, but it will promise what these answers promise.",
    "escalation": "There is nobody to whom the assistant can pass a customer on, unless you give it a way.",
    "action": "The assistant did nothing of the kind: no tool was used before it says so.",
    "needless apology": "An assistant that is sorry for everything sounds as if something were always wrong.",
    "shorthand": "Customers do not know these abbreviations; the assistant will use them all the same.",
}


@dataclass(frozen=True, slots=True)
class Example:
    """One real answer."""

    place: str
    asked: str
    before: str  # the answer up to the habit
    habit: str
    after: str
    mended: str  # what would stand in place of the habit; empty where nothing would


@dataclass(frozen=True, slots=True)
class Card:
    """One habit in plain words."""

    rule: str
    words: str  # of a phrase, in lower case
    title: str
    why: str
    often: str
    whose: str
    change: str
    gone: bool  # whether the words go out of what the model learns
    examples: tuple[Example, ...]
    count: int


def html(verdicts: Sequence[Verdict], decisions: Mapping[str, str], *, title: str, rows: int, at: datetime) -> str:
    """The page as text; `decisions` say what becomes of single habits, as for `--habits`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("headgate.check.reports", "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    cards = _told_once([card for one in verdicts for card in cards_of(one, decisions)])
    doubts = [
        f"{one.summary}: {one.reason}"
        for one in verdicts
        if one.rule in RULES and one.outcome in (Outcome.UNSURE, Outcome.SKIPPED)
    ]
    return environment.get_template("habits.html.j2").render(
        title=title,
        cards=cards,
        doubts=doubts,
        rows=rows,
        looked=sorted(RULES.index(one.rule) for one in verdicts if one.rule in RULES) != [],
        at=at.strftime("%Y-%m-%d"),
        version=__version__,
    )


def _told_once(cards: Sequence[Card]) -> list[Card]:
    """Acts, spellings, terms, phrases, each by how often; without phrases that are part of an act."""
    said = [example.habit.lower() for card in cards if card.rule == ACTS for example in card.examples]
    kept = [card for card in cards if card.rule != PHRASES or not any(card.words in one for one in said)]
    return sorted(kept, key=lambda card: (RULES.index(card.rule), -card.count))


def cards_of(verdict: Verdict, decisions: Mapping[str, str]) -> Iterator[Card]:
    """The habits that a verdict found."""
    lower = {name.lower(): what for name, what in decisions.items()}
    if verdict.rule == SPELLING:
        for one in verdict.details.get("variants", ()):
            yield _spelling(one, _decided(lower, one["wrong"], SPELLING, NORMALISE))
    elif verdict.rule == TERMS:
        for one in verdict.details.get("variants", ()):
            yield _term(one, _decided(lower, one["wrong"], TERMS, NORMALISE))
    elif verdict.rule == ACTS and verdict.outcome is Outcome.FAIL:
        for kind, one in verdict.details["behaviours"].items():
            if kind in verdict.details["violations"]:
                yield _act(kind, one, _decided(lower, kind, ACTS, MASK))
    elif verdict.rule == PHRASES:
        for one in verdict.details.get("phrases", ()):
            if one["counts"]:
                yield _phrase(one, _decided(lower, one["phrase"], PHRASES, KEEP))


def _decided(decisions: Mapping[str, str], name: str, rule: str, otherwise: str) -> str:
    return decisions.get(name.lower(), decisions.get(rule, otherwise))


def _spelling(one: Mapping[str, Any], decided: str) -> Card:
    right = decided.partition(":")[2].strip() or one["right"]
    what = decided.partition(":")[0].strip()
    return Card(
        rule=SPELLING,
        words=one["wrong"],
        title=f"Writes “{one['wrong']}” instead of “{one['right']}”",
        why="The assistant will spell it like this about as often as these answers do.",
        often=f"{one['count']:,} of the {one['of']:,} times that the word is used ({_share(one['count'] / one['of'])})",
        whose=_whose(one["busiest_authors"], one["count"], one["habit_of_few"]),
        change=_change(what, one["answers"], f"“{one['wrong']}” becomes “{right}”"),
        gone=what in (MASK, DROP),
        examples=_examples(one["shown"], right if what == NORMALISE else ""),
        count=one["answers"],
    )


def _term(one: Mapping[str, Any], decided: str) -> Card:
    return replace(
        _spelling(one, decided),
        rule=TERMS,
        title=f"Writes “{one['wrong']}” where others write “{one['right']}”",
        why="Both can be right, but not both in one house: the assistant will mix them too.",
    )


def _act(kind: str, one: Mapping[str, Any], decided: str) -> Card:
    what = decided.partition(":")[0].strip()
    return Card(
        rule=ACTS,
        words=kind,
        title=ACT_TITLES.get(kind, kind.capitalize()),
        why=WHY.get(kind, "The assistant will do it as often as these answers do."),
        often=f"in {one['answers']:,} answers ({_share(one['rate'])})",
        whose=_whose(one["busiest_authors"], one["answers"], (one["their_share"] or 0) >= 0.8),
        change=_change(what, one["answers"], "the sentence is put in other words"),
        gone=what in (MASK, DROP),
        examples=_examples(one["examples"], ""),
        count=one["answers"],
    )


def _phrase(one: Mapping[str, Any], decided: str) -> Card:
    what, _, right = (part.strip() for part in decided.partition(":"))
    return Card(
        rule=PHRASES,
        words=one["phrase"],
        title=f"Says “{one['phrase']}”",
        why="It stands out against what others write; the assistant will say it too.",
        often=f"in {one['answers']:,} answers ({_share(one['rate'])})",
        whose=_whose(dict.fromkeys(one["busiest_authors"], 0), one["answers"], one["habit_of_few"]),
        change=_change(what, one["answers"], f"it becomes “{right}”" if right else "its wording is mended"),
        gone=what in (MASK, DROP),
        examples=_examples(one["examples"], right),
        count=one["answers"],
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _share(share: float) -> str:
    """A share of 0..1 as people say it."""
    if share >= 0.95:
        return "nearly every one"
    if share > 0.3:
        return f"about {round(10 * share)} in 10"
    return f"about 1 in {round(1 / share):,}" if share else "fewer than 1 in 100,000"  # shares come with five digits


def _whose(busiest: Mapping[str, int], count: int, few: bool) -> str:
    if not busiest:
        return "The file does not say who wrote the answers."
    names = [f"{name} ({_times(times)})" if times else name for name, times in busiest.items()]
    told = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
    own = sum(busiest.values())
    # What three people did once each is in few hands because it is rare.
    if few and (not own or own >= 2 * len(busiest)):
        some = "All" if own >= count else "Nearly all"
        return f"{some} of it comes from {told}: a habit of a few people, not of the house."
    if own >= count:
        return f"All of it comes from {told}."
    return f"Most often {told}; others do it too."


def _change(what: str, answers: int, mended: str) -> str:
    some = "1 answer" if answers == 1 else f"{answers:,} answers"
    if what == KEEP:
        return "Nothing: it stays as it is, unless you decide otherwise."
    if what == DROP:
        return f"{some} would be taken out of the training data, with all else that they say."
    if what == MASK:
        return (
            f"{some} would stay as they are, but the words that are crossed out are not learned; all else in them is."
        )
    return f"{some} would be changed: {mended}. Nothing else in them is touched."


def _examples(shown: Sequence[Mapping[str, Any]], mended: str) -> tuple[Example, ...]:
    out = []
    for one in shown:
        text, start, end = one["text"], one["start"], one["end"]
        habit = text[start:end]
        new = mended[:1].upper() + mended[1:] if mended.islower() and habit[:1].isupper() else mended
        place = one["place"].replace("\\", "/").rpartition("/")[2]
        out.append(Example(place, one["asked"], text[:start], habit, text[end:], new))
    return tuple(out)
