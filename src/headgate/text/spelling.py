"""Spelling: an English frequency list, regional spellings, and words one or two slips apart.

The list is the one that symspellpy (MIT) carries: 82,765 words with their frequency in the Google
Books n-grams that the SCOWL word list also knows. It is read as text; the library is not imported.
It spells the British way, so American spellings are folded before a word counts as unknown.
"""

from __future__ import annotations

import importlib.util
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from pathlib import Path

from headgate.kit.errors import Unavailable

LIST = "frequency_dictionary_en_82_765.txt"
VOWELS = frozenset("aeiou")
STEM = 6  # letters of a stem that two words share by more than chance, listed or not
SHORT = 7  # letters below which words that are two slips apart are different words
RARE = 1_000_000  # frequency of a word below which its plural must be listed itself
PREFIX = 9  # letters of a word that the index of deletions looks at

# American to British, one place of a word at a time; a word is known when the British form is listed.
BRITISH = tuple(
    (re.compile(pattern), british)
    for pattern, british in (
        (r"or", "our"),  # color
        (r"([bctdghpv])er(s|ed|ing)?$", r"\1re\2"),  # center, liters
        (r"([a-z])z", r"\1s"),  # realize, analyze, cozy
        (r"([aeiou])l(ed|ing|er|ers|or|ors|ous|ery)$", r"\1ll\2"),  # traveled
        (r"(fulfi|enro|disti|insti|ski|wi|appa)ll", r"\1l"),  # fulfill, skillful, enrollment
        (r"log(s|ed)?$", r"logue\1"),  # catalog
        (r"([fltp])ense", r"\1ence"),  # defense
        (r"e", "ae"),  # anemia
        (r"e", "oe"),  # fetus
        (r"et(s?)$", r"ette\1"),  # omelet
        (r"am(s?)$", r"amme\1"),  # program
        (r"dgment", "dgement"),
        (r"ging", "geing"),  # aging
        (r"iling", "illing"),
        (r"p(ed|ing|er|ers)$", r"pp\1"),  # worshiped
        (r"f", "ph"),  # sulfur
        (r"c(e|es|ed|ing)$", r"s\1"),  # practiced
    )
)
# Regional pairs that no pattern covers, British first.
PAIRS: Mapping[str, str] = {
    "artefact": "artifact", "artefacts": "artifacts", "grey": "gray", "greys": "grays", "tyre": "tire",
    "tyres": "tires", "mould": "mold", "moulds": "molds", "plough": "plow", "ploughs": "plows", "jewellery": "jewelry",
    "aluminium": "aluminum", "sceptic": "skeptic", "sceptical": "skeptical", "cheque": "check", "cheques": "checks",
    "doughnut": "donut", "doughnuts": "donuts", "moustache": "mustache", "pyjamas": "pajamas", "maths": "math",
    "kerb": "curb", "draught": "draft", "whisky": "whiskey", "mum": "mom", "mums": "moms", "chilli": "chili",
    "yoghurt": "yogurt", "yoghurts": "yogurts", "cancellation": "cancelation", "cancellations": "cancelations",
    "enquiry": "inquiry", "enquiries": "inquiries", "enquire": "inquire", "speciality": "specialty",
    "routeing": "routing", "caesium": "cesium", "storey": "story", "adviser": "advisor", "advisers": "advisors",
    "smoulder": "smolder", "smouldering": "smoldering", "manoeuvre": "maneuver", "manoeuvres": "maneuvers",
    "furore": "furor", "haulier": "hauler", "aeroplane": "airplane", "aeroplanes": "airplanes", "rouble": "ruble",
    "roubles": "rubles", "marijuana": "marihuana", "pricey": "pricy", "fulfil": "fulfill", "enrol": "enroll",
    "distil": "distill", "instil": "instill", "appal": "appall",
}  # fmt: skip
ENDINGS = (
    "s", "es", "ed", "er", "ers", "ing", "ings", "able", "ly", "ness", "less", "ful", "ish", "ist", "ists", "ism",
    "ify", "ity", "ive", "ize", "ise", "ized", "ised", "ization", "isation", "ship", "wise", "like", "ier", "iest",
    "ies", "ied", "est",
)  # fmt: skip
BEGINNINGS = (
    "un", "re", "non", "pre", "mis", "over", "under", "out", "sub", "super", "anti", "auto", "bio", "cyber", "dis",
    "eco", "inter", "micro", "mid", "mini", "multi", "neuro", "nano", "off", "photo", "post", "pro", "self", "semi",
    "tele", "trans", "ultra", "web",
)  # fmt: skip
# Contractions written without their apostrophe; those that are words themselves (cant, wont) are left out.
CONTRACTIONS: Mapping[str, tuple[str, str]] = {
    f"{head}{tail}": (head, tail)
    for tail, heads in {
        "t": "don didn doesn isn aren wasn weren couldn wouldn shouldn hasn haven hadn mustn",
        "s": "that what there where here",
        "re": "you they",
        "ve": "you they could would should might",
        "ll": "you they that",
    }.items()
    for head in heads.split()
}


@lru_cache(maxsize=1)
def dictionary() -> Mapping[str, int]:
    """Frequency of each English word, lower-cased.

    Raises:
        Unavailable: symspellpy, which carries the list, is not installed.
    """
    spec = importlib.util.find_spec("symspellpy")
    path = Path(spec.origin).parent / LIST if spec and spec.origin else None
    if path is None or not path.is_file():
        raise Unavailable(
            "the English word list is needed to find misspellings",
            found=f"no {LIST}",
            wanted="symspellpy",
            next_step="pip install symspellpy",
        )
    fields = path.read_text(encoding="utf-8-sig").split()
    return dict(zip(fields[::2], map(int, fields[1::2]), strict=True))


@lru_cache(maxsize=1)
def _american() -> Mapping[str, str]:
    return {american: british for british, american in PAIRS.items()}


@lru_cache(maxsize=1 << 16)
def regional(word: str) -> frozenset[str]:
    """British forms that a word may stand for, the word itself among them; most of them are no words."""
    forms = {word, _american().get(word, word)}
    for pattern, british in BRITISH:
        forms |= {
            word[: place.start()] + place.expand(british) + word[place.end() :] for place in pattern.finditer(word)
        }
    return frozenset(forms)


@lru_cache(maxsize=1 << 16)
def is_known(word: str) -> bool:
    """Whether a word is listed, in some regional spelling, or a plain inflection of one that is."""
    if word in CONTRACTIONS:
        return False
    return _listed(word) or any(_listed(stem) for stem in _inflected(word))


@lru_cache(maxsize=1 << 16)
def may_be_made(word: str) -> bool:
    """Whether a word that is not listed can be read as a derivation of one that is, or as two of them in one."""
    return any(_listed(stem) for stem in _stems(word)) or _compound(word)


def _listed(word: str) -> bool:
    return word in dictionary() or not dictionary().keys().isdisjoint(regional(word))


def _inflected(word: str) -> Iterator[str]:
    """What a word may be the plural or a regular verb form of."""
    if word.endswith("s") and not word.endswith("ss"):
        if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
            yield word[:-2]
        if word.endswith("ies"):
            yield word[:-3] + "y"
        elif dictionary().get(word[:-1], 0) >= RARE:
            yield word[:-1]
    for ending in ("ed", "ing"):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 4:
            continue
        yield stem + "e"
        if stem + stem[-1] + ending not in dictionary():  # "occured" is no form of "occur", since "occurred" is
            yield stem
        if stem[-1] == stem[-2] and stem[-3] in VOWELS and stem[-4] not in VOWELS:
            yield stem[:-1]  # sit-t-ing


def _stems(word: str) -> Iterator[str]:
    """What a word may be an inflection or derivation of."""
    common = dictionary()
    for ending in ENDINGS:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 3:
            continue
        if ending[0] not in VOWELS:
            yield stem
            continue
        doubled = stem + stem[-1] + ending
        if doubled not in common or stem.endswith("l"):  # "occured" is no form of "occur", since "occurred" is
            yield stem
        yield stem + "e"  # mak-ing
        if stem[-1] == stem[-2]:
            yield stem[:-1]  # swim-m-ing
        if ending.startswith("i"):
            yield stem + "y"  # happ-ier
    for beginning in BEGINNINGS:
        rest = word.removeprefix(beginning)
        if rest != word and len(rest) >= 5:
            yield rest


def _compound(word: str) -> bool:
    common = dictionary()
    return any(
        common.get(word[:cut], 0) > 10_000_000 and common.get(word[cut:], 0) > 10_000_000
        for cut in range(4, len(word) - 3)
    )


def same_word(one: str, other: str) -> bool:
    """Whether two spellings are forms of one word: regional, inflected or derived."""
    if not regional(one).isdisjoint(regional(other)):
        return True
    if is_slip(one, other):  # forms of one word differ at the end, not in the middle
        return False
    mine, theirs = set(_stems(one)), set(_stems(other))
    return one in theirs or other in mine or any(len(stem) >= STEM or _listed(stem) for stem in mine & theirs)


def distance(one: str, other: str, limit: int = 2) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours between two words; `limit + 1` when more.

    Optimal string alignment (Damerau 1964; Herrera and others call it restricted edit distance).
    """
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        new = [i]
        for j, b in enumerate(other, start=1):
            cost = min(row[j] + 1, new[-1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            new.append(cost)
        if min(new) > limit:
            return limit + 1
        before, row = row, new
    return row[-1]


def is_slip(wrong: str, right: str) -> bool:
    """Whether one kind of slip that people make with words they know explains all the difference.

    A letter doubled or not doubled, neighbours swapped, or one vowel for another.
    """
    if undoubled(wrong) == undoubled(right):
        return True
    if len(wrong) != len(right):
        return False
    differing = [place for place, (a, b) in enumerate(zip(wrong, right, strict=True)) if a != b]
    if len(differing) == 1:
        return {wrong[differing[0]], right[differing[0]]} <= VOWELS
    first, last = differing[0], differing[-1]
    return len(differing) == 2 and last == first + 1 and wrong[first] == right[last] and wrong[last] == right[first]


def undoubled(word: str) -> str:
    """The word with every run of one letter shortened to that letter."""
    return "".join(letter for place, letter in enumerate(word) if not place or letter != word[place - 1])


def edits(word: str) -> Iterator[str]:
    """Every word one slip of `is_slip` away; most of them are no words."""
    for place, letter in enumerate(word):
        yield word[:place] + letter + word[place:]
        if place and letter == word[place - 1]:
            yield word[:place] + word[place + 1 :]
        if place and letter != word[place - 1]:
            yield word[: place - 1] + letter + word[place - 1] + word[place + 1 :]
        if letter in VOWELS:
            yield from (word[:place] + other + word[place + 1 :] for other in "aeiou" if other != letter)


def neighbours(words: Iterable[str], targets: Iterable[str], limit: int = 2) -> Iterator[tuple[str, str, int]]:
    """Pairs (word, target, distance) with 1 <= distance <= limit that begin with the same letter.

    Index of deletions (Garbe 2012, symmetric delete): two words at most k slips apart share a form
    with at most k letters left out. Of words under `SHORT` letters one letter is left out at most, so that
    two of them are found when they are one slip apart.
    """
    asked, known = list(words), list(targets)
    fewer, others = sorted((asked, known), key=len)
    # By first letter, then form: forms of the longer list are only looked up, all of a word's at once.
    index: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in fewer:
        for form in _deletions(one[:PREFIX], limit):
            index[one[:1]][form].append(one)
    near: dict[str, set[str]] = defaultdict(set)
    for other in others:
        table = index.get(other[:1], {})
        for form in table.keys() & _deletions(other[:PREFIX], limit):
            if fewer is asked:
                for word in table[form]:
                    near[word].add(other)
            else:
                near[other].update(table[form])
    for word in asked:
        for target in sorted(near.get(word, ())):
            if 1 <= (slips := distance(word, target, limit)) <= limit:
                yield word, target, slips


def _deletions(word: str, limit: int) -> set[str]:
    places = range(len(word))
    forms = {word} | {word[:place] + word[place + 1 :] for place in places}
    if limit > 1 and len(word) >= SHORT:
        for first, second in combinations(places, 2):
            forms.add(word[:first] + word[first + 1 : second] + word[second + 1 :])
    return forms
