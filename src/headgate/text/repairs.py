"""Repairs of inputs: what makes a written-up request look as people type, fitted to what they typed.

Each operator knows one difference of manner. Most imitate a real text, the seed, which is drawn for each input anew:
two things that people do together (no capitals, no full stop) then also come together in the repaired inputs.
Contractions, shorthand and slips are drawn at the rate that the real texts have. No operator changes a part that
`text.untouchable` lists; a change that would is not made.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from headgate.text import manners
from headgate.text.manners import By, Fitted, Forms
from headgate.text.slips import fitted as fitted_slips
from headgate.text.surface import BARE, CONTRACTED, GREETING, POLITE, SHORTHAND, WISH
from headgate.text.untouchable import fixed_parts, label_of


@dataclass(frozen=True, slots=True)
class Operator:
    """One repair."""

    name: str
    does: str  # in words
    shows: Callable[[str], bool]  # whether a text has what it brings about: its rate among texts
    change: Callable[[str, By], str]
    asked: bool = False  # it changes words that may matter, so it is used only where somebody says so


def _shows(pattern: re.Pattern[str], wanted: bool = True) -> Callable[[str], bool]:
    return lambda text: bool(pattern.search(text)) is wanted


CUT, MIXED = "cut", "mixed-words"
# In the order in which they are carried out, whatever the order in which they were chosen.
OPERATORS = (
    Operator("plain-signs", "typographic signs as keyboards have them", str.isascii, manners.plain_signs),
    Operator("greetings", "a greeting left out, or put in as in a real input", _shows(GREETING), manners.greetings),
    Operator("closings", "sentences of courtesy left out", manners.has_courtesy, manners.closings),
    Operator(
        "asking", "'could you', 'I would like to' left out, or put in as in a real input", _shows(WISH), manners.asking
    ),
    Operator("please", "please and thanks left out, or put in as in a real input", _shows(POLITE), manners.please),
    Operator(CUT, "trailing sentences left out", lambda text: manners.sentences(text) == 1, manners.cut, asked=True),
    Operator("contractions", "'I am' and 'I'm' at the real rate", _shows(CONTRACTED), manners.contractions),
    Operator("apostrophes", "contractions without apostrophe at the real rate", _shows(BARE), manners.apostrophes),
    Operator("shorthand", "'u', 'pls' at the real rate", _shows(SHORTHAND), manners.shorthand),
    Operator("run-on", "sentences joined", lambda text: manners.sentences(text) == 1, manners.run_on),
    Operator("commas", "commas left out", lambda text: "," in text, manners.commas),
    Operator("exclamations", "exclamation marks left out", lambda text: "!" in text, manners.exclamations),
    Operator("slips", "slips of the keyboard at the real rate and of the real kinds", lambda _: False, manners.slip),
    Operator(
        "final-mark", "the mark at the end left out, or put in", lambda t: t.rstrip()[-1:].isalnum(), manners.mark
    ),
    Operator("casing", "capitals as in a real input", lambda text: text == text.lower(), manners.casing),
    Operator(MIXED, "words of another language at the real rate", lambda _: False, manners.mixed_words, asked=True),
)
# Operators after which a text has the same words.
WORDLESS = ("plain-signs", "run-on", "commas", "exclamations", "final-mark", "casing")
BY_NAME: Mapping[str, Operator] = {one.name: one for one in OPERATORS}


@dataclass(frozen=True, slots=True)
class Repaired:
    """A text after the operators."""

    text: str
    done: tuple[str, ...] = ()  # names of the operators that changed it, in their order


@dataclass(frozen=True, slots=True)
class Models:
    """Error models fitted to real texts."""

    fitted: Fitted
    seeds: tuple[str, ...]

    def repaired(self, text: str, *, answer: str, shares: Mapping[str, float], key: str) -> Repaired:
        """The text with operators carried out, each on a share of the texts; the same for the same key.

        `answer` is what the text asks for: its words stay. A change that would touch a part that stays is left out.
        """
        if not text.strip():
            return Repaired(text)
        label = label_of(answer)
        which, *draws = _draws(key)
        seed = self.seeds[int(which * len(self.seeds))]
        done, now = [], text
        for operator, draw in zip(OPERATORS, draws, strict=True):
            if draw >= shares.get(operator.name, 0.0):
                continue
            new = operator.change(now, By(seed, self.fitted, random.Random(f"{key}/{operator.name}"), label)).strip()
            if new != now and any(map(str.isalnum, new)) and _stays(new, answer) == _stays(text, answer):
                now = new
                done.append(operator.name)
        return Repaired(now, tuple(done))


@lru_cache(maxsize=8192)
def _draws(key: str) -> tuple[float, ...]:
    """Numbers in 0..1 for a key: one for the seed, one for each operator."""
    drawn = random.Random(key)
    return tuple(drawn.random() for _ in range(len(OPERATORS) + 1))


@lru_cache(maxsize=16384)
def _stays(text: str, answer: str) -> tuple[str, ...]:
    return tuple(fixed_parts(text, label_of(answer)))


def models_of(texts: Sequence[str], mixes: Forms | None = None) -> Models:
    """Error models of real texts; texts without a word are left out.

    `mixes`: for a word what may stand in its place in another language.

    Raises:
        Unavailable: the word list is not installed.
    """
    told = [text.strip() for text in texts if any(map(str.isalpha, text))]
    return Models(manners.fit(told, mixes), tuple(told))


def rate_of(operator: Operator, texts: Sequence[str], fitted: Fitted | None = None) -> float:
    """The share of texts, 0..1, that show what an operator brings about; of slips: slips a word of real texts."""
    if operator.name == MIXED:
        return sum(manners.has_mixed(text, fitted) for text in texts) / max(len(texts), 1) if fitted else 0.0
    if operator.name == "slips":
        if fitted is not None:
            return fitted.slips.rate
        return fitted_slips(texts).rate
    return sum(map(operator.shows, texts)) / max(len(texts), 1)


__all__ = ["BY_NAME", "CUT", "MIXED", "OPERATORS", "WORDLESS", "Models", "Operator", "Repaired", "models_of", "rate_of"]
