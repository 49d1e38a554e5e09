"""Identifiers in a text, by kind: addresses, symbols of code, codes of things, statutes and cases, papers, titles.

An identifier is written the same by whoever means the same thing, so that it can be looked up. Each has a folded
form: small letters, without scheme, quotes and closing marks, blanks as one. Words that only begin with a capital
are no identifiers; `names` has those of them that may be proper names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from headgate.text.facts import facts

ADDRESS, SYMBOL, CODE, STATUTE, PAPER, TITLE = "address", "symbol", "code", "statute", "paper", "title"
NAME = "name"
KINDS = (ADDRESS, SYMBOL, CODE, STATUTE, PAPER, TITLE)

_SURNAME = r"[A-Z][\w'’-]+"
_YEAR = r"(?:1[5-9]|20)\d\d[a-z]?"
_PART = r"\d+[A-Za-z]?(?:[.-]\d+)*(?:\(\w{1,4}\))*"
_ADDRESSES = re.compile(
    r"(?:\b[A-Za-z]{2,20}://|www\.)(?:[^\s\"'<>)\[\]}`]|\[[^\s\]]*\])+"
    r"|\b10\.\d{4,9}/[^\s\"'<>)\]}`]+"
    r"|\barXiv:\s?\d{4}\.\d{4,5}(?:v\d+)?"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    re.IGNORECASE,
)
_STATUTES = re.compile(
    rf"§§?\s*{_PART}"
    rf"|\b(?:Section|Sec\.|Article|Art\.|Clause|Regulation|Paragraph|Appendix|Schedule)\s+{_PART}(?!\s*%)"
    rf"|\b\d+\s+(?:U\.?\s?S\.?\s?C\.?|C\.?\s?F\.?\s?R\.?)\s*§*\s*{_PART}"
    r"|\b\d+\s+(?:U\.\s?S\.|F\.\s?(?:2d|3d|4th|Supp\.)|S\.\s?Ct\.)\s+\d+"
    r"|\b(?:Case|Docket)\s+(?:No\.\s*)?[A-Z]{0,3}-?\d+[-/:]\d+(?:[-/]\d+)*"
    r"|\b(?:Directive|Regulation)\s+(?:\((?:EU|EC|EEC)\)\s*)?(?:No\s*)?\d+/\d+(?:/E[CU]C?)?"
)
_PAPERS = re.compile(
    rf"(?P<first>{_SURNAME})(?:\s+(?:and|&)\s+(?P<second>{_SURNAME})|\s+et\s+al\.?)?"
    rf"(?:,?\s*\((?P<year>{_YEAR})\)|,\s*(?P<inside>{_YEAR})(?=[);,]))"
)
_TITLES = re.compile(r"[\"“](?P<title>[A-Z][^\"“”\n]{8,150}?)[.,]?[\"”]")
_CITED = re.compile(r"[.,]?[\"”],?\s*(?:by\s+[A-Z]|\(?(?:[^.\n\"“]{0,40}[,(\s])?(?:1[5-9]|20)\d\d\b)")
_QUOTED = re.compile(r"['\"`]([A-Za-z][\w-]*(?:[/.][\w-]+)+|[A-Za-z]\w*(?:-\w+)+)['\"`]")
_QUOTED_WORD = re.compile(r"['\"`]([A-Za-z]\w{3,})['\"`]")
_CALLED = re.compile(r"(?<![\w.])[A-Za-z_][\w.]*[A-Za-z0-9_](?=\()")
_MADE = re.compile(r"(?:^|\n)\s*(?:[\w.]+\s*,\s*)*([A-Za-z_]\w*)\s*(?::\s*\w+\s*)?=(?!=)")
_NAMED = re.compile(
    r"\b(?:(?:def|class|let|var|const|function)\s+([A-Za-z_]\w*)(?=\s*[(:=])|for\s+([A-Za-z_]\w*)\s+in\s[^\n]*:"
    r"|(?:import|from|with)\s[^\n]*\sas\s+([A-Za-z_]\w*))"
)
_CALLED_WORD = re.compile(r"(?<![\w./-])([A-Za-z]\w{3,})(?=\()")
_ARGUMENT = re.compile(r"[(,]\s*([A-Za-z_]\w{3,})=(?!=)")
_COMPOUND = re.compile(r"(?<![\w/.:-])[A-Za-z]+(?:[-/.][A-Za-z]+)+(?![\w/:-])")
_MEASURED = re.compile(
    r"\d+(?:[.,]\d+)*-?[a-z]{1,12}(?:-[a-z]+)*|(?:mid|pre|post|early|late|top|type|class|phase|grade)-\d+s?"
    r"|\d+(?:[x*]\d+)+\w?|v?\d+(?:\.\d+)+\w?|\d+(?:\.\d+)?e[-+]?\d+|\d+(?:-\d+)*t\d+(?::\d+)*\w?|\d+[a-z]-\d+[a-z]|[a-z]\d|\d[a-z]"
)
_NO_AUTHOR = (  # words before a year that name a time or an event
    "january february march april may june july august september october november december spring summer autumn "
    "winter fall in since until by from the after before during olympics cup awards championship season"
)
_ADJECTIVES = re.compile(r"(?:-(?:based|like|style|trained|tuned|compatible|specific|powered|only)|['’]s)$")
_SMALL = "a an and as at by for from in into is of on or the to with vs via"
_NAMES = re.compile(r"(?<![\w'’./-])[A-Z][^\W\d_A-Z]+(?:-[A-Z][^\W\d_A-Z]+)*(?![\w(-])")
SHORTEST_CODE = 4  # signs; shorter ones (3D, MP3, F1) name everything and nothing
LEAST_TITLE = 3  # words
CAPITALS = 0.6  # share of the telling words of a title that begin with a capital


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier of a text."""

    kind: str
    value: str  # folded: the form that is looked up
    start: int  # characters in the text
    end: int


def identifiers(text: str, *, made: bool = False) -> list[Identifier]:
    """The identifiers of a text, in order; with `made`, also names that code in the text makes for itself."""
    out: list[Identifier] = []
    for kind, pattern in ((ADDRESS, _ADDRESSES), (STATUTE, _STATUTES)):
        out += [_identifier(kind, hit[0], hit.start()) for hit in pattern.finditer(text)]
    out += _papers(text)
    taken = sorted((one.start, one.end) for one in out)
    own = frozenset() if made else own_names(text)
    for one in _runs(text):
        inside = any(start <= one.start < end for start, end in taken)
        if not inside and re.split(r"[.(]", one.value)[0] not in own:
            out.append(one)
    out += _titles(text, cited=not made)
    return sorted(set(out), key=lambda one: (one.start, one.kind))


def own_names(text: str) -> frozenset[str]:
    """Variables, functions and aliases that code in the text makes, folded."""
    found = (name for pattern in (_MADE, _NAMED) for hit in pattern.finditer(text) for name in hit.groups())
    return frozenset(name.lower() for name in found if name)


def names(text: str) -> Iterator[tuple[str, int, bool]]:
    """Words with a capital: the word, where it begins, and whether it stands inside a sentence."""
    for hit in _NAMES.finditer(text):
        before = text[: hit.start()].rstrip(" \t\"'“(*_")
        yield hit[0], hit.start(), bool(before) and before[-1] not in ".!?:\n-|•"


def terms(text: str) -> Iterator[tuple[str, int]]:
    """Plain words that code uses as names, alone in quotes, called or an argument, and where they begin."""
    for pattern in (_QUOTED_WORD, _ARGUMENT, _CALLED_WORD):
        for hit in pattern.finditer(text):
            yield hit[1], hit.start(1)


def compounds(text: str) -> Iterator[tuple[str, int]]:
    """Plain words joined by a dash, a stroke or a dot: names as `text-bison`, or only words; and where they begin."""
    for hit in _COMPOUND.finditer(text):
        yield hit[0], hit.start()


def folded(written: str) -> str:
    """The form in which identifiers are compared."""
    short = re.sub(r"\s+", " ", written.strip().strip("\"'`“”")).lower().replace("’", "'")
    short = re.sub(r"^(?:https?://)?(?:www\.)?", "", short)
    short = _ADJECTIVES.sub("", short.rstrip(".,:;/-!?"))
    return re.sub(r"^(?:section|sec\.|§§?)\s*", "§ ", short)


def alone(written: str) -> Identifier | None:
    """The identifier that a text is, and nothing else beside it; None for plain words."""
    found = [one for one in identifiers(written, made=True) if one.end - one.start >= len(written.strip()) - 2]
    return found[0] if found else None


def _identifier(kind: str, written: str, start: int) -> Identifier:
    kept = written.rstrip(".,:;/-!?")
    return Identifier(kind, folded(kept), start, start + len(kept))


def _runs(text: str) -> Iterator[Identifier]:
    """Symbols and codes: runs that no word looks like, names in quotes, names that are called."""
    spans: set[tuple[int, int]] = set()
    for fact in facts(text):
        if fact.kind == "identifier":
            spans.add((fact.start, fact.end))
    for hit in _QUOTED.finditer(text):
        spans.add(hit.span(1))
    for hit in _CALLED.finditer(text):
        if "." in hit[0] or "_" in hit[0]:
            spans.add(hit.span())
    last = -1
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start < last:
            continue
        run = text[start:end].rstrip(".,:;/-")
        if "://" in run or not run:
            continue
        last = start + len(run)
        kind = _kind_of_run(run)
        if kind:
            yield Identifier(kind, folded(run), start, last)


def _kind_of_run(run: str) -> str | None:
    if _MEASURED.fullmatch(run.lower()) or len(run) < SHORTEST_CODE:
        return None
    if re.search(r"[_/:]|\w\.\w|[a-z][A-Z]", run):
        return SYMBOL
    return CODE if any(map(str.isdigit, run)) else SYMBOL


def _papers(text: str) -> Iterator[Identifier]:
    for hit in _PAPERS.finditer(text):
        first, second = hit["first"], hit["second"]
        year = hit["year"] or hit["inside"]
        if first.lower() in _NO_AUTHOR.split():
            continue
        if not (second or "et al" in hit[0]) and hit.start() and text[hit.start() - 1] not in "(\n;":
            continue  # "the album Bloom (2018)": a thing with its year, no paper
        value = " ".join(part for part in (first, second, year) if part)
        yield Identifier(PAPER, folded(value), hit.start(), hit.end())


def _titles(text: str, *, cited: bool) -> Iterator[Identifier]:
    for hit in _TITLES.finditer(text):
        if cited and not _CITED.match(text, hit.end("title")):
            continue  # a place, a name or a slogan in quotes: only an author or a year makes it a reference
        words = re.findall(r"[A-Za-z][\w'’-]*", hit["title"])
        telling = [word for word in words if word.lower() not in _SMALL.split()]
        if len(words) >= LEAST_TITLE and sum(word[0].isupper() for word in telling) >= CAPITALS * len(telling):
            yield Identifier(TITLE, folded(hit["title"]), hit.start("title"), hit.end("title"))
