"""Numbers by which states know people: shapes here, check digits by python-stdnum.

A number counts when its shape can hardly be anything else and its check digits are right, or when a word before it
names it: nine bare digits that pass a modulus are an order number one time in eleven.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

BEFORE = 48  # characters before a number in which a word may name it
# Such numbers have six digits or more, close together, or letters and two digits; most texts have no such run.
DENSE = re.compile(r"(?:\d[ ().:/+-]{0,3}){6}|[A-Z]{4}\d{2}")
AROUND = 40  # characters around such a run in which a number that holds it begins and ends
EDGES = r"(?<![\w.,#/-])(?:{})(?![\w/-]|[.,]\d)"


@dataclass(frozen=True, slots=True)
class Scheme:
    """One kind of number."""

    module: str  # of python-stdnum; empty where it has none, and the shape decides
    shape: str
    words: str = ""  # what has to stand before it; empty: the shape is its own


SCHEMES = (
    Scheme("us.ssn", r"\d{3}-\d{2}-\d{4}"),
    Scheme("us.ssn", r"\d{9}|\d{3} \d{2} \d{4}", r"ssn|social security"),
    Scheme("us.itin", r"9\d{2}-\d{2}-\d{4}"),
    # National insurance number of the United Kingdom, which python-stdnum 2.2 lacks: prefixes in use, then a suffix.
    Scheme("", r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]"),
    Scheme("gb.nhs", r"\d{3}[ -]?\d{3}[ -]?\d{4}", r"nhs"),
    Scheme("ie.pps", r"\d{7}[A-W][A-IW]?", r"pps\w*"),
    Scheme("es.dni", r"\d{8}-?[A-HJ-NP-TV-Z]"),
    Scheme("es.nie", r"[XYZ]-?\d{7}-?[A-Z]"),
    Scheme("it.codicefiscale", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]"),
    Scheme("fr.nir", r"[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-4]\d) ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}"),
    Scheme("pt.nif", r"\d{9}|\d{3} \d{3} \d{3}", r"nif|contribuinte"),
    Scheme("de.idnr", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", r"steuer\w*|idnr|tax id\w*"),
    Scheme("at.vnr", r"\d{4} ?\d{6}", r"svnr|sozialversicherung\w*|versicherungsnummer"),
    Scheme("ch.ssn", r"756\.\d{4}\.\d{4}\.\d{2}"),
    Scheme("nl.bsn", r"\d{9}|\d{4}\.\d{2}\.\d{3}", r"bsn|burgerservicenummer|sofi\w*"),
    Scheme("be.nn", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}"),
    Scheme("se.personnummer", r"(?:19|20)?\d{6}[-+]\d{4}"),
    Scheme("no.fodselsnummer", r"\d{6} ?\d{5}", r"f[oø]dsels\w*|personnummer"),
    Scheme("dk.cpr", r"\d{6}-?\d{4}", r"cpr\w*"),
    Scheme("fi.hetu", r"\d{6}[-+A-F]\d{3}[0-9A-FHJ-NPR-Y]"),
    Scheme("pl.pesel", r"\d{11}", r"pesel\w*"),
    Scheme("cz.rc", r"\d{6}/\d{3,4}", r"rodn\w*|r[čc]"),
    Scheme("ro.cnp", r"\d{13}", r"cnp"),
    Scheme("tr.tckimlik", r"\d{11}", r"kimlik\w*|tckn"),
    Scheme("br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}"),
    Scheme("br.cpf", r"\d{11}", r"cpf"),
    Scheme("mx.curp", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d"),
    Scheme("ca.sin", r"\d{3}[ -]?\d{3}[ -]?\d{3}", r"sin|social insurance"),
    Scheme("au.tfn", r"\d{3} ?\d{3} ?\d{3}", r"tfn|tax file"),
    Scheme("in_.aadhaar", r"\d{4}[ -]?\d{4}[ -]?\d{4}", r"aadh?aar|uidai"),
    Scheme("in_.pan", r"[A-Z]{3}[ABCFGHLJPTK][A-Z]\d{4}[A-Z]", r"pan"),
    Scheme("cn.ric", r"\d{17}[\dX]"),
    Scheme("kr.rrn", r"\d{6}-[1-8]\d{6}"),
    Scheme("za.idnr", r"\d{13}", r"identity|id"),
)


def id_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each number, scheme by scheme; they may overlap."""
    for begin, end in _windows(text):
        for scheme, shape, words in _compiled():
            for match in shape.finditer(text, begin, end):
                before = text[max(0, match.start() - BEFORE) : match.start()]
                if (words is None or words.search(before)) and _is_valid(scheme.module)(match.group()):
                    yield match.span()


def _windows(text: str) -> list[tuple[int, int]]:
    """The parts of a text in which numbers may stand; each is far wider than a number."""
    out: list[tuple[int, int]] = []
    for match in DENSE.finditer(text):
        begin, end = max(0, match.start() - AROUND), match.end() + AROUND
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], end)
        else:
            out.append((begin, end))
    return out


@cache
def _compiled() -> tuple[tuple[Scheme, re.Pattern[str], re.Pattern[str] | None], ...]:
    return tuple(
        (
            one,
            re.compile(EDGES.format(one.shape)),
            re.compile(rf"\b(?:{one.words})\b[^\d\n]{{0,24}}$", re.IGNORECASE) if one.words else None,
        )
        for one in SCHEMES
    )


@cache
def _is_valid(module: str) -> Callable[[str], bool]:
    if not module:
        return lambda _: True
    check: Callable[[str], bool] = importlib.import_module(f"stdnum.{module}").is_valid
    return check
