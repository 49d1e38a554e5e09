"""Qualifies a judge: asks it the anchors, its canaries and dressed-up answers, and records the card.

Without an endpoint, answers that were recorded elsewhere are taken; what only asking can tell is then named as not
measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from headgate.evaluate.anchors import Anchors
from headgate.evaluate.cards import Card, record_card
from headgate.evaluate.cues import CUES
from headgate.evaluate.qualifying import FAILURE, Limits, Marks, qualify
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.models.judges.asking import Answer, JudgeDesk
from headgate.models.judges.canaries import CHANGED, Sung, calls_of, sung
from headgate.models.judges.pairs import judged
from headgate.models.judges.protocol import Pair, orders
from headgate.rules.judge_uses import family_of
from headgate.stats.intervals import bounded_mean, wilson
from headgate.stats.judging import cannot_tell, judge_count, judge_interval
from headgate.stats.verdict import Level, Measure, Verdict

SHIFT = 0.10  # share of choices that a cue without substance may move
LEAST = 20  # pairs of a cue from which on it can pass
REWORDED = 0.10  # share of winners that other words for the same rubric may change, beyond repeats
UNMEASURED = "canaries, cues without substance, other words for the rubric: the answers were recorded"


def rubric_text(rubric: Node | None) -> str:
    """The words of a rubric, as a judge reads them."""
    if rubric is None:
        return ""
    about = str(rubric.body.get("about", "")).strip()
    lines = [about] if about else []
    lines += [f"- {name}: {one['text'].strip()}" for name, one in sorted(rubric.body["criteria"].items())]
    return "\n".join(lines)


def qualify_recorded(
    ledger: Ledger,
    judge: Node,
    rubric: Node | None,
    anchors: Anchors,
    recorded: Mapping[tuple[str, bool], Answer],
    limits: Limits,
    now: datetime,
) -> Card:
    """The card of a judge whose answers are on file; an answer that is missing is unscored.

    Raises:
        Refused: no answer to any anchor.
    """
    if not recorded:
        raise Refused("no recorded answers", wanted="item, swapped, winner for each anchor")
    calls = [call for pair in anchors.pairs for call in orders(pair, rubric=rubric_text(rubric))]
    missing = Answer(outcome="unscored", why="not on record")
    marks = Marks(
        anchors=anchors,
        calls=tuple(calls),
        answers=tuple(recorded.get((call.item, call.swapped), missing) for call in calls),
    )
    verdicts = qualify(marks, limits, str(judge.body["model"]), family_of(judge.body))
    facts = {"anchors": len(anchors.anchors), "not measured": UNMEASURED, "recorded": True}
    return _recorded(ledger, judge, rubric, verdicts, marks, facts, now, limits)


def qualify_asked(
    ledger: Ledger,
    desk: JudgeDesk,
    rubric: Node | None,
    anchors: Anchors,
    limits: Limits,
    now: datetime,
    *,
    probes: int = 50,
    repeats: int = 1,
) -> Card:
    """The card of a judge that can be asked; `probes` answers are dressed up in each cue.

    Raises:
        Refused: nobody answers, or refuses the key.
    """
    words = rubric_text(rubric)
    canaries = sing(desk, f"qualify {now.isoformat()}")
    calls = [call for pair in anchors.pairs for call in orders(pair, rubric=words, repeats=repeats)]
    marks = Marks(anchors=anchors, calls=tuple(calls), answers=tuple(desk.answers(calls, f"{desk.name}: anchors")))
    verdicts = [judge_canaries(desk.name, canaries)]
    verdicts += qualify(marks, limits, str(desk.node.body["model"]), family_of(desk.node.body))
    verdicts += dressed(desk, anchors, words, probes)
    if rubric is not None and rubric.body.get("rewordings"):
        verdicts.append(_reworded(desk, anchors, words, rubric.body["rewordings"], probes))
    attempts = sum(desk.injections[one.pair.item] for one in anchors.anchors)
    facts = {
        "anchors": len(anchors.anchors),
        "asked": desk.asked,
        "canaries": canaries.as_json(),
        "canary_verdicts": dict(canaries.verdicts),
        "passages taken out of answers": attempts,
        "versions": sorted({one.version for one in marks.answers if one.version}),
    }
    return _recorded(ledger, desk.node, rubric, verdicts, marks, facts, now, limits)


def _recorded(
    ledger: Ledger,
    judge: Node,
    rubric: Node | None,
    verdicts: Sequence[Verdict],
    marks: Marks,
    facts: Mapping[str, Any],
    now: datetime,
    limits: Limits,
) -> Card:
    labels = {one.pair.item: one.label for one in marks.anchors.anchors}
    return record_card(
        ledger, judge, rubric, verdicts, marks.results, labels, facts, now=now, days=limits.days
    )  # fmt: skip


def sing(desk: JudgeDesk, run: str) -> Sung:
    """Asks the canaries of a run."""
    calls = calls_of(run)
    return sung(calls, desk.answers(calls, f"{desk.name}: canaries"))


def judge_canaries(name: str, found: Sung, before: Mapping[str, str] | None = None) -> Verdict:
    """Whether a judge may be believed in this run, and is still the one that was qualified."""
    changed = found.changed_from(before or {})
    text = f"{name}: {found.right} of {found.calls} canary calls right" + (f"; {found.why}" if found.why else "")
    wrong = found.why
    if not wrong and changed > CHANGED:
        wrong = f"{changed:.0%} of its canaries are answered otherwise than when it was qualified"
        text = f"{name}: {wrong}"
    if found.errors * 2 > found.calls:
        verdict = cannot_tell(
            summary=text,
            reason="what does not answer is neither right nor wrong",
            next_step="see to the endpoint and run the same command again; answers so far are kept",
            details=found.as_json(),
        )
        return replace(verdict, rule="canaries", failure=FAILURE)
    verdict = judge_count(
        int(bool(wrong)), name="judges that fail their canaries", summary=text, looked_at=1, unit="judges", at_most=0,
        next_step=f"headgate judge qualify {name} --anchors FILE", details={**found.as_json(), "changed": changed},
    )  # fmt: skip
    return replace(verdict, rule="canaries", failure=FAILURE)


def dressed(desk: JudgeDesk, anchors: Anchors, words: str, probes: int) -> list[Verdict]:
    """Each cue against the same answer without it: a winner among equals is a tell."""
    chosen = [one.pair for one in anchors.anchors[:probes]]
    out = []
    for cue, dress in CUES.items():
        pairs = [
            Pair(item=f"{cue}:{one.item}", prompt=one.prompt, first=one.first, second=dress(one.first))
            for one in chosen
        ]
        calls = [call for pair in pairs for call in orders(pair, rubric=words)]
        if not calls:
            break
        results = judged(calls, desk.answers(calls, f"{desk.name}: {cue}"))
        scores = np.array([one.score for one in results if one.score is not None])
        if len(scores) < 2:
            continue
        shown = bounded_mean(scores - 0.5, least=-0.5, most=0.5)
        out.append(_shift(cue, shown.value, shown.low, shown.high, len(scores)))
    return out


def _shift(cue: str, value: float, low: float, high: float, n: int) -> Verdict:
    name = "two identical answers" if cue == "identical" else f"an answer dressed up with {cue}"
    verdict = judge_interval(
        Measure(
            name=f"shift by {cue}", value=value, low=low, high=high, unit="share", n=n, smallest_visible=high - low
        ),
        at_most=SHIFT,
        at_least=-SHIFT,
        minimum=LEAST,
        summary=f"{name}: {value * 100:+.1f} points from even ({low * 100:+.1f} to {high * 100:+.1f}, {n:,} pairs)",
        next_step="more probes (--probes), another model, or a rubric that names what is no merit",
    )
    return replace(verdict, rule=f"tell-{cue}", failure="rubric-overfit")


def _reworded(desk: JudgeDesk, anchors: Anchors, words: str, rewordings: Sequence[str], probes: int) -> Verdict:
    """Winners that change with the words of the rubric, beyond those that change when it is asked again."""
    pairs = [one.pair for one in anchors.anchors[:probes]]

    def winners(rubric: str, salt: str = "") -> list[float | None]:
        calls = [call for pair in pairs for call in orders(pair, rubric=rubric, salt=salt)]
        return [one.score for one in judged(calls, desk.answers(calls, f"{desk.name}: other words"))]

    plain, again = winners(words), winners(words, "again")
    noise = _flips([(plain, again)])
    flips = _flips([(plain, winners(str(one))) for one in rewordings])
    excess = flips[0] / max(flips[1], 1) - noise[0] / max(noise[1], 1)
    interval = wilson(flips[0], max(flips[1], 1))
    verdict = judge_count(
        excess, name="flips beyond repeats", unit="share", looked_at=flips[1], at_most=REWORDED,
        summary=f"other words for the rubric change {flips[0]} of {flips[1]} winners; asking again changes "
        f"{noise[0]} of {noise[1]}", details={"flips": [interval.value, interval.low, interval.high]},
    )  # fmt: skip
    return replace(verdict, rule="rubric-words", failure="rubric-overfit", level=Level.BLOCK)


def _flips(columns: Sequence[tuple[Sequence[float | None], Sequence[float | None]]]) -> tuple[int, int]:
    both = [(a, b) for one, two in columns for a, b in zip(one, two, strict=True) if a is not None and b is not None]
    return sum(a != b for a, b in both), len(both)
