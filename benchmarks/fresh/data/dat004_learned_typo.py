"""Plants misspellings by ear and by neighbouring keys, which the other planter does not, in other answers.

What these data misspell themselves was read through after the rule had found it, and is put right first; the two
findings that are talk and no misspelling are left in.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from headgate.text.spelling import dictionary
from planted.synthetic.corrupting import answering

PLAN = Plan(
    unit="share of the occurrences of one word",
    strengths=(0.06, 0.12, 0.25),
    claimed=0.12,
    sizes=(500, 2000),
    smallest=2000,
    sources=("harmless_turns", "customers", "requests", "llmbar_answers", "graded_solutions"),
    honest=("library_functions", "reworded_sums"),
    seeds=12,
    clean_seeds=20,
)
CHOSEN = "star, star_all, gsm8k, gpteacher and roleplay"
READ = (
    "All that the rule found in these data before anything was planted was read: 15 misspellings that repeat "
    '("thats", "restauraunt", "recieve"), and two that are talk ("gunna", "smokin"). The former are put right before '
    "planting. From 500 rows on, which is what is claimed beside the rule, 12 % were found in 32 of 60 plantings: by "
    "ear and by key is harder than the letters that the other planter doubles and swaps."
)
WORD = re.compile(r"(?<![\w'’.@/-])[a-z]{6,}(?![\w'’@/-])")
OFTEN = 25
EARS = (
    ("ei", "ie"), ("ie", "ei"), ("able", "ible"), ("ible", "able"), ("ance", "ence"), ("ence", "ance"), ("ph", "f"),
    ("tion", "sion"), ("ary", "ery"), ("ely", "ly"), ("ough", "uff"), ("que", "k"), ("ck", "k"), ("sc", "s"),
    ("ent", "ant"), ("ant", "ent"), ("or", "er"), ("er", "or"), ("qu", "kw"), ("ful", "full"), ("ss", "s"), ("mm", "m"),
)  # fmt: skip
KEYS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wqretyuoiisadfhgkjlxzvcnbn", strict=True))
MISSPELT = {
    "thats": "that's", "dont": "don't", "whats": "what's", "theres": "there's", "doesnt": "doesn't",
    "didnt": "didn't", "restauraunt": "restaurant", "recomended": "recommended", "remebered": "remembered",
    "marriot": "marriott", "tommorow": "tomorrow", "transfering": "transferring", "recieve": "receive",
}  # fmt: skip
MEND = re.compile(r"\b(" + "|".join(MISSPELT) + r")\b", re.IGNORECASE)
AUTHORS = ("author-a", "author-b")


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    out = [answering(row, MEND.sub(lambda hit: MISSPELT[hit[0].lower()], row.answer_text)) for row in rows]
    places: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for number, row in enumerate(out):
        for hit in WORD.finditer(row.answer_text):
            places[hit[0]].append((number, *hit.span()))
    if not strength or not (found := _word(places, out, drawn)):
        return Planted(rows=out, strength=0.0)
    right, wrong = found
    chosen = drawn.sample(places[right], math.ceil(strength * len(places[right])))
    for number, start, end in sorted(chosen, reverse=True):
        text = out[number].answer_text
        out[number] = answering(out[number], text[:start] + wrong + text[end:]).with_side(
            annotator=drawn.choice(AUTHORS)
        )
    return Planted(rows=out, strength=strength, truth=frozenset(out[number].id for number, _, _ in chosen))


def _word(
    places: dict[str, list[tuple[int, int, int]]], rows: Sequence[Row], drawn: random.Random
) -> tuple[str, str] | None:
    used = Counter(word for row in rows for word in re.findall(r"[a-z]+", row.answer_text.lower()))
    words = sorted(word for word, held in places.items() if len(held) >= OFTEN and word in dictionary())
    drawn.shuffle(words)
    for word in words:
        slips = sorted({slip for slip in _slips(word) if slip not in dictionary() and slip not in used})
        if slips:
            return word, drawn.choice(slips)
    return None


def _slips(word: str) -> list[str]:
    """By ear, and with a key beside the right one."""
    heard = [word.replace(sound, other, 1) for sound, other in EARS if sound in word[1:]]
    keyed = [word[:place] + KEYS[word[place]] + word[place + 1 :] for place in range(1, len(word))]
    return [slip for slip in heard + keyed if slip != word]
