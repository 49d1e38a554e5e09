"""The question where terms stand that are written in several ways, asked of all rows once it is known which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headgate.kit.errors import Refused
from headgate.rules.answers import answers_at
from headgate.rules.corpus import Corpus, thinned
from headgate.rules.questions import Arrays, Found, as_bytes, chained, from_bytes
from headgate.text.tape import Hashes, Positions, word_hashes
from headgate.text.term_forms import letters_of
from headgate.text.terms import Keys, TermUses, keys_in, term_uses

SAMPLED = 100_000  # rows among which terms are looked for; their uses are looked for in all


@dataclass(frozen=True, slots=True, eq=False)
class WrittenTerms:
    """Every use of some terms, however it is written."""

    hashes: Hashes  # (K,) of their letters, ascending
    cuts: Positions  # (K,): letters of the first part

    def find(self, block: Corpus) -> Arrays:
        """Uses in a block."""
        found = term_uses(block.answer, lambda row: str(block[row].prompt_text), Keys(self.hashes, self.cuts))
        return {
            "rows": found.texts.astype(np.uint32),
            "spans": found.spans.reshape(-1).astype(np.int32),
            "before": found.before,
            "after": found.after,
            "form": found.form.astype(np.uint32),
            "kind": found.kind.astype(np.uint8),
            "forms": as_bytes(found.forms),
        }

    def put_together(self, found: Sequence[Found]) -> TermUses:
        """Uses in all rows."""
        known: dict[str, int] = {}
        forms = [np.zeros(0, dtype=np.int64)]
        for one in found:
            own = [known.setdefault(form, len(known)) for form in from_bytes(one.arrays["forms"])]
            forms.append(np.array(own, dtype=np.int64)[one.arrays["form"].astype(np.int64)] if own else forms[0])
        return TermUses(
            texts=chained(found, "rows", np.int64, numbers=True),
            spans=chained(found, "spans", np.int64).reshape(-1, 2),
            before=chained(found, "before", np.uint64),
            after=chained(found, "after", np.uint64),
            forms=tuple(known),
            form=np.concatenate(forms),
            kind=chained(found, "kind", np.int64),
        )


def written_terms(rows: Corpus, least: int, prefer: Sequence[str]) -> tuple[int, TermUses]:
    """In how many rows terms were looked for, and every use in all rows of those that are written in two ways.

    Raises:
        Refused: a preferred term has more than two parts.
    """
    looked_at, keys = _looked_for(rows, least)
    hashes, cuts = _preferred(prefer)
    every, place = np.unique(np.concatenate([hashes, keys.hashes]), return_inverse=True)
    parted = np.zeros(len(every), dtype=np.int64)
    np.maximum.at(parted, place, np.concatenate([cuts, keys.cuts]))  # a solid word that is listed does not say where
    found: TermUses = rows.ask(WrittenTerms(every, parted))
    return looked_at, found


def _looked_for(rows: Corpus, least: int) -> tuple[int, Keys]:
    places = thinned(np.arange(len(rows)), SAMPLED)
    return len(places), keys_in(answers_at(rows, places), least)


def _preferred(prefer: Sequence[str]) -> tuple[Hashes, Positions]:
    """Keys of terms that somebody listed; parted where the list parts them."""
    cuts = []
    for term in prefer:
        parts = term.replace("-", " ").split(" ")
        if len(parts) > 2 or not letters_of(term).isalpha():
            raise Refused("no such term can be looked for", found=repr(term), wanted="one word, or two with - or space")
        cuts.append(len(parts[0]) if len(parts) == 2 else 0)
    hashes = word_hashes([letters_of(term) for term in prefer]) if prefer else np.zeros(0, dtype=np.uint64)
    return hashes, np.array(cuts, dtype=np.int64)
