"""Licences: how expressions are read, and what follows for a mixture; the unknown never allows anything."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.kit.errors import Refused
from headgate.rules import licence_expressions
from headgate.rules.given import Claims, Fact
from headgate.rules.licence_expressions import read_licence, understood
from headgate.rules.licence_mixtures import Part, mixture, part_of_source, part_of_teacher
from headgate.rules.licence_terms import (
    CONDITIONAL,
    NO,
    ORDER,
    PERMISSIONS,
    TABLE,
    UNKNOWN,
    YES,
    Says,
    Terms,
    read_terms,
    strictest,
    terms_of,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("cc by 4.0", "CC-BY-4.0"),
        ("CC BY-NC-SA 4.0", "CC-BY-NC-SA-4.0"),
        ("Attribution-NonCommercial 4.0 International", "CC-BY-NC-4.0"),
        ("Creative Commons Attribution 4.0 International Public License", "CC-BY-4.0"),
        ("Apache 2", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("MIT License", "MIT"),
        ("BSD 3-Clause License", "BSD-3-Clause"),
        ("GPL v2 or later", "GPL-2.0-or-later"),
        ("MIT License AND cc by 4.0", "CC-BY-4.0 AND MIT"),
        ("CC0", "CC0-1.0"),
    ],
)
def test_usual_spellings_are_understood_and_said_so(written: str, meant: str) -> None:
    """A spelling that can mean one identifier is read as it, and the reading is told."""
    read = read_licence(written)
    assert (meant, True) == (read.canonical, bool(read.read_as))


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("Apache", "Apache-2.0"),
        ("cc-by", "CC-BY-4.0"),
        ("lgpl 3", "LGPL-3.0-only"),
        ("gpl", ""),
        ("BSD License", ""),
        ("MIT with our own changes", ""),
        ("MIT, Apache-2.0", "Apache-2.0"),
        ("GPL-3.0-only WITH no-such-exception", ""),
        ("MIT AND", ""),
        ("((MIT)", ""),
        ("not MIT", ""),
        ("all rights reserved", ""),
        ("MIT" * 1000, ""),
    ],
)
def test_what_may_mean_several_things_is_refused(written: str, near: str) -> None:
    """The refusal names the nearest identifiers; where a licence merely stands somewhere, its terms are unknown."""
    with pytest.raises(Refused) as caught:
        read_licence(written)
    assert near in (caught.value.wanted or "")
    assert (Terms(),) == understood(written).choices
    assert understood(written).why


@pytest.mark.parametrize(
    "written",
    [
        "MIT 仅限非商业用途",
        "不 MIT",
        "MIT 禁止",
        "!MIT",
        "¬MIT",
        "MIT?",
        "-MIT",
        "MIT...",
        "MIT\u0336",
        "MIT\u200b",
        "Apache-2.0 非商用",
        "Apache-2.0 OR 不",
        "CC BY 4.0 кроме коммерции",
        "CC-BY-ΝС-4.0",
        "MIT-0.0",
        "MIT 0.0",
    ],
)
def test_what_only_looks_permissive_is_unknown(written: str) -> None:
    """Words in other scripts, letters that look Latin, and marks are never left out; 0.0 is no 0."""
    read = understood(written)
    assert ((Terms(),), "") == (read.choices, read.read_as)
    assert read.why


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ＭＩＴ", "MIT"),
        ("CC\u2011BY\u20114.0", "CC-BY-4.0"),
        ("MIT.", "MIT"),
        ("MIT 0", "MIT-0"),
        ("cc_by_4.0", "CC-BY-4.0"),
    ],
)
def test_forms_of_the_same_signs_are_the_same(written: str, meant: str) -> None:
    """Wide letters and typographic hyphens are what they stand for; that they were read so is told."""
    read = read_licence(written)
    assert (meant, meant) == (read.canonical, read.read_as)


@pytest.mark.parametrize(
    "written", ["", "NONE", "NOASSERTION", "unknown", "LicenseRef-MIT", "LicenseRef-GPL-2.0", "Borceux", "MIT AND NONE"]
)
def test_what_is_unknown_allows_nothing(written: str) -> None:
    """Each of them can be read, and none of them gives a permission."""
    (terms,) = read_licence(written).choices
    assert YES not in {getattr(terms, name) for name in PERMISSIONS}
    assert terms.unknown


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text(alphabet="abcdMITAPL- .0123()ANDORWITH+/", max_size=40))
def test_no_text_crashes_and_none_but_a_listed_licence_permits(text: str) -> None:
    """Whatever is typed, commercial use is allowed only where every licence read in it is in the table or is CC's."""
    read = understood(text)
    if any(terms.commercial is YES for terms in read.choices):
        names = read.canonical.replace("(", " ").replace(")", " ").split()
        assert any(terms_of(name) != Terms() for name in names)


def test_expressions_that_mean_the_same_are_equal() -> None:
    """Order, brackets, case and repetition do not matter; an operator does."""
    one = read_licence("MIT AND (Apache-2.0 OR BSD-3-Clause)").canonical
    assert one == read_licence("(bsd-3-clause or apache-2.0) AND mit AND MIT").canonical
    assert one != read_licence("MIT OR (Apache-2.0 AND BSD-3-Clause)").canonical


ANY = st.builds(
    Terms,
    **{name: st.sampled_from(list(Says)) for name in ORDER},
    under=st.none() | st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=3),
)


@settings(derandomize=True, max_examples=200)
@given(ANY, ANY, ANY)
def test_the_strictest_is_a_bound(first: Terms, second: Terms, third: Terms) -> None:
    """It does not depend on order or grouping, changes nothing where both are equal, and allows no more than a part."""
    assert strictest([first, second]) == strictest([second, first])
    assert strictest([first, strictest([second, third])]) == strictest([first, second, third])
    assert first == strictest([first, first])
    both = strictest([first, second])
    for name, order in ORDER.items():
        assert order.index(getattr(both, name)) <= order.index(getattr(first, name))


def test_an_exception_is_not_counted_on_and_later_versions_are_a_choice() -> None:
    """`WITH` leaves the terms of the licence; `-or-later` can be joined with what an `-only` cannot."""
    (terms,) = read_licence("GPL-2.0-only WITH Classpath-exception-2.0").choices
    assert terms_of("GPL-2.0-only") == terms
    kinds = {}
    for version in ("GPL-2.0-only", "GPL-2.0-or-later"):
        found = mixture([part(version), part("CC-BY-SA-4.0")], "commercial")
        kinds[version] = [one.kind for one in found.conflicts]
    assert {"GPL-2.0-only": ["share-alike"], "GPL-2.0-or-later": []} == kinds


def part(written: str, name: str = "") -> Part:
    """Ten rows of one licence."""
    return Part(name=name or written, licence=written, choices=understood(written).choices, rows=10)


def test_the_choice_fits_what_stands_beside_it() -> None:
    """Of two share-alike licences the one is taken that goes with the others, though the other is as good alone."""
    beside = [part("ODbL-1.0 OR CC-BY-SA-4.0"), part("CC-BY-SA-3.0")]
    found = mixture(beside, "")
    assert ((), frozenset({"CC-BY-SA-4.0"})) == (found.conflicts, found.terms.under)
    assert ["share-alike"] == [one.kind for one in mixture([part("ODbL-1.0"), part("CC-BY-SA-3.0")], "").conflicts]


@pytest.mark.parametrize("count", [1, 10, 300])
def test_many_parts_with_a_choice_find_the_one_that_goes_together(count: int) -> None:
    """However many parts leave a choice, a conflict is told only where every way of choosing has one."""
    either = "GPL-2.0-only OR CC-BY-SA-4.0"
    several = [part(either, f"source {number}") for number in range(count)]
    found = mixture([*several, part("CC-BY-SA-4.0")], "commercial")
    assert ((), (), frozenset({"CC-BY-SA-4.0", "GPL-3.0"})) == (found.conflicts, found.doubts, found.terms.under)
    apart = mixture([*several, part("CC-BY-SA-4.0"), part("GPL-2.0-only")], "commercial")
    assert ["share-alike"] == [one.kind for one in apart.conflicts]


def test_many_different_choices_find_the_one_that_goes_together() -> None:
    """Twelve sets of choices, all different: 2^12 ways, of which one has no conflict."""
    others = ("ODbL-1.0", "GPL-2.0-only", "OSL-3.0", "SSPL-1.0", "GFDL-1.3-only", "CDLA-Sharing-1.0", "CC-SA-1.0")
    more = ("AGPL-3.0-only", "GPL-1.0-only", "CC-BY-SA-1.0", "GFDL-1.2-only", "CC-BY-NC-4.0")
    several = [part(f"{name} OR CC-BY-SA-3.0") for name in (*others, *more)]
    found = mixture([*several, part("CC-BY-SA-4.0")], "commercial")
    assert ((), frozenset({"CC-BY-SA-4.0"})) == (found.conflicts, found.terms.under)


BINDS = st.builds(
    Terms,
    commercial=st.sampled_from([YES, NO, UNKNOWN]),
    derivatives=st.just(YES),
    outputs_may_train=st.sampled_from([YES, CONDITIONAL]),
    share_alike=st.just(NO),
    attribution=st.just(NO),
    research_only=st.just(NO),
    under=st.none() | st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=2),
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.lists(st.lists(BINDS, min_size=1, max_size=3, unique=True), min_size=1, max_size=4))
def test_no_other_choice_conflicts_less(choices: list[list[Terms]]) -> None:
    """Parts in large number have as many conflicts and doubts, each its number of times, as the best of all ways."""
    copies = 8
    parts = [
        Part(name=f"{place}", licence="x", choices=tuple(some), rows=1)
        for place, some in enumerate(choices)
        for _ in range(copies)
    ]
    ways = [mixture([part for one in way for part in [alone(one)] * copies], "commercial") for way in product(*choices)]
    best = min((len(way.conflicts), len(way.doubts)) for way in ways)
    found = mixture(parts, "commercial")
    assert best == (len(found.conflicts), len(found.doubts))


def alone(terms: Terms) -> Part:
    """A part without a choice."""
    return Part(name="x", licence="x", choices=(terms,), rows=1)


def test_too_many_choices_in_one_expression_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading all of them as binding would tell a conflict that is none; equal terms are no further choice."""
    free = " AND ".join(["(MIT OR Apache-2.0)", "(ISC OR Zlib)", "(X11 OR NCSA)"] * 8)
    wide = "(CC-BY-NC-4.0 OR CC-BY-SA-4.0) AND (ODbL-1.0 OR MIT) AND (OSL-3.0 OR CC0-1.0)"
    assert 1 < len(read_licence(wide).choices)
    monkeypatch.setattr(licence_expressions, "CHOICES", 3)
    assert (terms_of("MIT"),) == read_licence(free).choices
    read = read_licence(wide)
    assert ((Terms(),), "it leaves too many choices to try them all") == (read.choices, read.why)
    assert "CC-BY-NC-4.0" in read.canonical


def test_nearest_names_are_looked_up_for_the_first_only() -> None:
    """Of two hundred texts that are no licence eight have a hint, the first by name whatever their order."""
    several = [part_of_source(None, f"s{number:03}", f"Apachee {number}", 1) for number in range(200)]
    found = mixture(several[::-1], "research")
    assert 200 == len(found.doubts)
    hinted = {found.parts[place].name for place, text in found.doubts if "nearest: Apache-" in text}
    assert {f"source s{number:03}" for number in range(8)} == hinted


@pytest.mark.parametrize(
    ("written", "use", "kinds", "doubts"),
    [
        ("CC-BY-NC-4.0", "commercial", ["non-commercial"], 0),
        ("CC-BY-NC-4.0", "research", [], 0),
        ("CC-BY-NC-4.0", "", [], 1),
        ("CC-BY-ND-4.0", "research", ["no-derivatives"], 0),
        ("BUSL-1.1", "commercial", [], 1),
        ("BUSL-1.1", "research", [], 0),
        ("MIT", "", [], 0),
    ],
)
def test_the_use_decides_what_conflicts(written: str, use: str, kinds: list[str], doubts: int) -> None:
    """What is barred conflicts with what is intended; an intention that nobody stated leaves a doubt."""
    found = mixture([part(written)], use)
    assert (kinds, doubts) == ([one.kind for one in found.conflicts], len(found.doubts))
    with pytest.raises(Refused, match="unknown use"):
        mixture([part(written)], "fun")


def test_own_texts_have_the_terms_that_a_person_read() -> None:
    """Research only is a conflict with commerce; what was not answered stays unknown; a slip is refused."""
    campus = "commercial=no research-only derivatives outputs-may-train share-alike=no attribution"
    asked = part_of_source(None, "campus", "LicenseRef-campus", 5, {"LicenseRef-campus": campus})
    assert ["non-commercial", "research-only"] == [one.kind for one in mixture([asked], "commercial").conflicts]
    assert (YES, NO, UNKNOWN) == astuple(read_terms("commercial", "x"))
    with pytest.raises(Refused, match="not a term"):
        read_terms("comercial=yes", "x")
    assert terms_of("MIT") == part_of_source(None, "s", "MIT", 1, {"MIT": "commercial=no"}).choices[0]


def astuple(terms: Terms) -> tuple[Says, Says, Says]:
    """Three of the answers."""
    return terms.commercial, terms.research_only, terms.attribution


def claims(*facts: Fact) -> Claims:
    """Facts asked now."""
    return Claims(facts, NOW)


def said(about: str, what: str, value: object) -> Fact:
    """A fact known for long."""
    return Fact(about=about, what=what, value=value, observed_at=datetime(2026, 1, 1, tzinfo=UTC), source="Ann")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("yes", YES),
        (True, YES),
        ("No", NO),
        ({"outputs-may-train": "conditional"}, CONDITIONAL),
        ("for research", UNKNOWN),
        (3, UNKNOWN),
    ],
)
def test_the_policy_of_a_provider_binds_what_its_model_wrote(value: object, says: Says) -> None:
    """A word that is none of the three is no permission."""
    found = part_of_teacher(claims(said("teacher:m", "provider-policy", value)), "m", 3)
    assert [says] == [terms.outputs_may_train for terms in found.choices]


def test_a_policy_goes_before_the_licence_of_a_teacher() -> None:
    """Weights under a free licence may come with a policy that bars training."""
    free = said("teacher:m", "licence", "Apache-2.0")
    assert YES is part_of_teacher(claims(free), "m", 1).choices[0].outputs_may_train
    both = claims(free, said("teacher:m", "provider-policy", "no"))
    assert NO is part_of_teacher(both, "m", 1).choices[0].outputs_may_train


def test_every_identifier_of_the_table_is_on_the_list() -> None:
    """A slip in the table would leave a licence unknown for ever."""
    assert [] == [name for name in TABLE if read_licence(name).canonical != name]


def test_reading_rules_loads_no_parser() -> None:
    """The library is imported where a licence is read, not before."""
    code = "import headgate.rules.catalogue, sys; print('license_expression' in sys.modules)"
    assert "False" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()
