"""The section [gate] of the flow file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headgate.kit.errors import Refused
from headgate.kit.settings import option

STAGES = ("capture", "generate", "curate", "check", "train", "evaluate")
REFERENCES = ("base", "few-shot")
POOLS = ("sealed", "gate")  # what may decide, best first; results on `dev` may have been mined
FIXED = "reward-stop"  # blocks at any level


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What must be shown before anything is released."""

    require: list[str] = option(["check", "evaluate"], help="Stages whose evidence must be there, and pass.")
    level: dict[str, Literal["note", "warn", "block"]] = option(
        {}, help="Level of a rule's verdict at the gate, by the rule's name."
    )
    compare: list[str] = option(
        ["base", "few-shot"], help="What the candidate must beat: base, few-shot, or both.", unit="references"
    )
    suites: list[str] = option([], help="Suites on which it must beat them; empty: every suite without a worst drop.")
    worst_drop: dict[str, float] = option(
        {}, help="For suites that must only not get worse: the largest drop against the base.", unit="share"
    )
    smallest_gain: float = option(0.0, help="By how much it must beat them.", unit="share")
    correction: Literal["holm", "none"] = option(
        "holm",
        help="holm: all claims together at 5 %. none: each claim at its own 5 %; every one of them must hold.",
    )
    unscored: float = option(0.05, help="Largest share of pairs that a judge may leave without a score.", unit="share")
    shown: list[str] = option(
        [], help="Verdicts of [evaluate] that must be there and pass, by name, such as safety-refusal.", unit="rules"
    )
    evaluation_days: int = option(90, help="Oldest evaluation that counts; 0: any age.", unit="days")
    imported: Literal["accept", "refuse"] = option(
        "accept", help="refuse: logs that were brought in by `evaluate import` are no evidence here."
    )
    unsure: Literal["stop", "ask"] = option(
        "stop", help="stop: a doubt is settled by evidence only. ask: a person may waive it."
    )

    def __post_init__(self) -> None:
        for name in self.require:
            if name not in STAGES:
                raise Refused("gate.require names no stage above the gate", found=name, wanted=", ".join(STAGES))
        if FIXED in self.level:
            raise Refused(f"gate.level.{FIXED}", found=self.level[FIXED], wanted="a stopped reward blocks, always")
        for name in self.compare:
            if name not in REFERENCES:
                raise Refused("gate.compare", found=name, wanted=", ".join(REFERENCES))
        for suite, drop in self.worst_drop.items():
            if not 0 < drop < 1:
                raise Refused(f"gate.worst_drop.{suite}", found=str(drop), wanted="a share above 0 and below 1")
        both = set(self.suites) & set(self.worst_drop)
        if both:
            raise Refused("a suite is either to be won or not to be lost", found=", ".join(sorted(both)))
        if not 0 <= self.smallest_gain < 1:
            raise Refused("gate.smallest-gain", found=str(self.smallest_gain), wanted="a share from 0 and below 1")
        if not 0 <= self.unscored < 1:
            raise Refused("gate.unscored", found=str(self.unscored), wanted="a share from 0 and below 1")
        if self.evaluation_days < 0:
            raise Refused("gate.evaluation-days", found=str(self.evaluation_days), wanted="0 or more")
