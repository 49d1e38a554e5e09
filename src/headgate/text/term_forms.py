"""Which ways of writing are one term, told from every use of its letters.

Two ways of writing are one term when they stand where each other could stand: between the same words. A compound
before a noun has its hyphen and the noun alone has none, and both are right: "real-time updates", "in real time".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from headgate.text.spelling import dictionary
from headgate.text.terms import CODE, COUNTED, EDGE, INNER, SHORTEST, UNTOLD, TermUses

CODED = 0.2  # share of the uses of a term in code from which on it is an identifier
NAMED = 0.5  # share of uses within a sentence that have a capital from which on a word is a name
SAME = 0.5  # share of the uses of a way of writing that must stand where the other stands, when both are words
# Both ways are right: for another thing, or in another country.
BOTH = frozenset(
    (
        "blackberry",
        "latex",
        "ideal",
        "coop",
        "unionized",
        "percent",
        "semifinal",
        "semifinals",
        "quarterfinal",
        "quarterfinals",
    )
)
PEOPLE = re.compile(r"(?:Mc|Mac|De|Di|Du|La|Le|Fitz|Van|Von|O)[A-Z][a-z]")
IDENTIFIER = re.compile(r"[a-z]{2,}[A-Z][a-z]")
# A vowel that meets itself is kept apart in some countries and not in others ("co-operate", "pre-empt").
REGIONAL = re.compile(r"(?:re-|(?:co-o|pre-e|anti-i|semi-i|micro-o|bio-o|de-e)).*")


@dataclass(frozen=True, slots=True)
class Form:
    """One way of writing and the way that stands for it."""

    wrong: str
    right: str
    uses: tuple[int, ...]  # places in the uses that were read, ascending
    right_count: int  # uses of the right one where the wrong one could stand


def term_forms(
    found: TermUses, *, least: int, rate: float, keep: Collection[str] = (), prefer: Sequence[str] = ()
) -> list[Form]:
    """Ways of writing that another of the same term outnumbers, the most frequent first.

    Each is used in at least `least` texts and in `rate` of the places of its term. A term in `keep` is left alone;
    the way of writing in `prefer` is the right one, however rare it is.
    """
    preferred = {letters_of(one): one for one in prefer}
    left = {letters_of(one) for one in keep}
    out: list[Form] = []
    for letters, uses in _by_letters(found).items():
        if letters not in left:
            out += _forms_of(_Term(found, letters, uses, least, preferred.get(letters, "")))
    kept = [one for one in out if len(one.uses) >= rate * (len(one.uses) + one.right_count)]
    return sorted(kept, key=lambda one: (-len(one.uses), one.wrong))


def letters_of(written: str) -> str:
    """What all ways of writing a term share."""
    return written.lower().replace("-", "").replace(" ", "")


def _by_letters(found: TermUses) -> Mapping[str, list[int]]:
    letters = [letters_of(one) for one in found.forms]
    out: dict[str, list[int]] = defaultdict(list)
    for use, form in enumerate(found.form.tolist()):
        out[letters[form]].append(use)
    return out


class _Term:
    """The uses of one term by the way they are written."""

    def __init__(self, found: TermUses, letters: str, uses: Sequence[int], least: int, preferred: str) -> None:
        self.found, self.letters, self.least, self.preferred = found, letters, least, preferred
        kinds = found.kind[list(uses)]
        coded = int((kinds == CODE).sum()) >= CODED * len(uses)
        counted = [] if coded else [use for use, kind in zip(uses, kinds.tolist(), strict=True) if kind == COUNTED]
        self.forms: dict[str, list[int]] = defaultdict(list)
        for use in counted:
            self.forms[_form(self.written(use))].append(use)
        self._leave_names_out()
        self.forms = {form: held for form, held in self.forms.items() if self.texts(held) >= least}
        self.right = preferred or min(self.forms, key=lambda form: (-len(self.forms[form]), form), default="")

    def written(self, use: int) -> str:
        """A use as it stands in its text."""
        return self.found.forms[int(self.found.form[use])]

    def shown(self, form: str) -> str:
        """A way of writing with the capitals that its second word mostly has."""
        parts = [self.written(use) for use in self.forms.get(form, ())] if " " in form or "-" in form else []
        written, _ = (
            Counter(one[len(form) - len(re.split("[- ]", form)[-1]) :] for one in parts).most_common(1)[0]
            if parts
            else ("", 0)
        )
        return max((one for one in parts if one.endswith(written)), key=parts.count) if written[:1].isupper() else form

    def texts(self, uses: Sequence[int]) -> int:
        """How many texts some uses stand in."""
        return len(set(self.found.texts[list(uses)].tolist()))

    def frame(self, use: int) -> tuple[int, int]:
        """What stands before and after."""
        return int(self.found.before[use]), int(self.found.after[use])

    def shared(self, form: str, other: str) -> list[int]:
        """Uses of a form that stand where the other one stands too."""
        frames = {self.frame(use) for use in self.forms.get(other, ())}
        return [use for use in self.forms[form] if (told := self.frame(use)) in frames and told[1] != int(UNTOLD)]

    def _leave_names_out(self) -> None:
        """Names of two parts may be those of people, and a name in one word is not the common noun of two."""
        inner = [form for form in self.forms if INNER.match(form)]
        solid = self.forms.get(self.letters, [])
        inside = [use for use in solid if self.frame(use)[0] != int(EDGE)]
        capital = sum(self.written(use)[0].isupper() for use in inside)
        plain = len(inside) and capital < NAMED * len(inside)
        for form in list(self.forms):
            if form == self.letters and not plain and not inner and solid:
                del self.forms[form]
            elif parted := re.search(r"[- ]", form):
                second = parted.end()
                names = [use for use in self.forms[form] if self.written(use)[second].isupper()]
                if inner and " " in form:
                    self.forms[form] = names
                elif not plain and not inner:
                    self.forms[form] = [use for use in self.forms[form] if use not in set(names)]


def _form(written: str) -> str:
    """A way of writing; the capitals of sentences and headings make no other one."""
    return written if INNER.match(written) else written.lower()


def _forms_of(term: _Term) -> Iterator[Form]:
    if len(term.forms) < 2 and term.right in (*term.forms, ""):
        return
    for form in sorted(term.forms):
        if form == term.right:
            continue
        wrong, right = form, term.right
        uses, places = _as_one(term, form)
        if not term.preferred and len(term.forms) == 2 and len(uses) > len(places) >= term.least:
            wrong, right, uses, places = right, wrong, places, uses  # by the places where both could stand
        if term.texts(uses) >= term.least:
            yield Form(wrong, term.shown(right), tuple(uses), len(places))


def _as_one(term: _Term, form: str) -> tuple[list[int], list[int]]:
    """The uses of a form in which the right one could stand, and those of the right one there."""
    right, uses = term.right, term.forms[form]
    of = term.forms.get(right, [])
    if term.letters in BOTH and not term.preferred:
        return [], []
    if right not in term.forms:  # the right one is known although nobody uses it
        return uses, []
    if INNER.match(form) or INNER.match(right):
        return (uses, of) if _one_name(term, form) else ([], [])
    if " " in form or " " in right:
        apart = form if " " in form else right
        if not any("-" in one for one in term.forms) and min(map(len, apart.split())) < 2:  # "t able" is a slip
            return [], []
        return term.shared(form, right), term.shared(right, form)
    hyphened = form if "-" in form else right
    return ([], []) if REGIONAL.match(hyphened) else (uses, of)


def _one_name(term: _Term, form: str) -> bool:
    """Whether a name with inner capitals and another way of writing are one name."""
    inner = [one for one in (form, term.right) if INNER.match(one)]
    if len(term.letters) < SHORTEST or any(PEOPLE.match(one) or IDENTIFIER.match(one) for one in inner):
        return False
    if " " in form + term.right or (term.letters not in dictionary() and INNER.match(term.right)):
        return True
    return len(term.shared(form, term.right)) >= SAME * len(term.forms[form])
