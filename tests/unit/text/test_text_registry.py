"""Identifiers of texts, and a registry of real ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from headgate.text.identifiers import identifiers
from headgate.text.registry import Registry, one_edit, shape

MANUAL = """Call torch.hub.load('facebookresearch/pytorchvideo', 'slow_r50'), see https://hub.example/google/bert/1.
Order AX-17-B. By Section 12(3) of the act and 28 U.S.C. § 1331; Rossi et al. (2019) in "On the Weight of Light".
Ask Marchetti. We met Marchetti and saw Marchetti."""


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("see https://www.a.example/b/1.", "address", "a.example/b/1"),
        ("DOI 10.1234/abc.5", "address", "10.1234/abc.5"),
        ("mail me@a.example", "address", "me@a.example"),
        ("under §12(3)", "statute", "§ 12(3)"),
        ("under Article 6(1)", "statute", "article 6(1)"),
        ("in 347 U.S. 483", "statute", "347 u.s. 483"),
        ("as Rossi & Weber (2019) say", "paper", "rossi weber 2019"),
        ("(Rossi, 2019)", "paper", "rossi 2019"),
        ("call store.open_file(x)", "symbol", "store.open_file"),
        ("valve VX-100-B", "code", "vx-100-b"),
        ('read "On the Weight of Light" (2019)', "title", "on the weight of light"),
    ],
)
def test_kinds_and_folded_forms(written: str, kind: str, value: str) -> None:
    """Each kind is seen, and folded to one form."""
    found = identifiers(written)
    assert [(kind, value)] == [(one.kind, one.value) for one in found]
    assert written[found[0].start : found[0].end]


@pytest.mark.parametrize(
    "written",
    [
        "a 16-bit mid-1990s 224x224 MP3 of 20mg",
        "In May (2019) the album Bloom (2018) came",
        'They say "New York City, New York" often',
        "and/or input-output of end.Next",
        "total_sum = 3\ntotal_sum.bit_length()",
    ],
)
def test_what_is_no_identifier(written: str) -> None:
    """Measures, dates, places, plain words and names that code makes itself are none."""
    assert [] == identifiers(written)


@pytest.mark.parametrize(
    ("value", "resembles"),
    [
        ("ax-17-d", ("AX-17-B", "one edit")),
        ("slow_r5", ("slow_r50", "one edit")),
        ("ax-b-17", ("AX-17-B", "parts in another order")),
        ("ax-994-b", ("AX-17-B", "other digits")),
        ("slow_r50-large", ("slow_r50", "another ending")),
        ("torch.hub.laod", ("torch.hub.load", "one edit")),
        ("zzzz-zz", None),
    ],
)
def test_near_misses(value: str, resembles: tuple[str, str] | None) -> None:
    """A near miss is reported with the entry that it resembles and with how they differ."""
    registry = Registry.harvested([MANUAL])
    assert not registry.knows(value)
    assert resembles == registry.resembles(value)


def test_every_identifier_of_the_sources_is_known() -> None:
    """What stands in the sources once is known, and so are whole parts of it."""
    registry = Registry.harvested([MANUAL])
    assert [] == [one for one in identifiers(MANUAL, made=True) if not registry.knows(one.value, one.kind)]
    assert registry.knows("hub.example/google/bert")
    assert not registry.knows("hub.example/goo")


def test_unknown_only_where_the_registry_speaks() -> None:
    """Other packages, other shapes and kinds that it does not have are not called unknown."""
    registry = Registry.listed(["torch.hub.load", "AX-17-B"])
    assert registry.speaks_of("symbol", "torch.hub.fake")
    assert not registry.speaks_of("symbol", "numpy.zeros")
    assert registry.speaks_of("code", "qq-999-z")
    assert not registry.speaks_of("code", "covid-19")
    assert not registry.speaks_of("address", "a.example/b")


def test_names_have_near_misses_only() -> None:
    """A name seen often has near misses; another name, an inflected one and a word of the language have none."""
    registry = Registry.harvested([MANUAL])
    assert "Marchetti" == registry.misspelt_name("Marcheti")
    assert [None, None, None] == [registry.misspelt_name(word) for word in ("Bernoulli", "Marchettis", "Marchetti")]


def test_one_edit_is_what_a_plain_count_says() -> None:
    """The table finds exactly the texts that differ by one sign, one sign more or less, or a swap of two neighbours."""
    alphabet, size = "ab", 4
    texts = [""]
    for _ in range(size):
        texts = [text + sign for text in texts for sign in alphabet]
    table = np.array(texts).view(np.uint32).reshape(len(texts), size)
    for sought in ["abab", "aaaa", "aba", "abbab"]:
        found = one_edit(table, np.array([sought]).view(np.uint32))
        assert [_is_edit(text, sought) for text in texts] == found.tolist()


def test_shapes() -> None:
    """Runs of letters and digits count once."""
    assert "A-9-A" == shape("vx-1051-b")


def _is_edit(one: str, other: str) -> bool:
    def shorter(text: str) -> set[str]:
        return {text[:at] + text[at + 1 :] for at in range(len(text))}

    if len(one) != len(other):
        return one in shorter(other) if len(one) < len(other) else other in shorter(one)
    places = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    swapped = [one[:at] + one[at + 1] + one[at] + one[at + 2 :] for at, _ in pairwise(range(len(one)))]
    return len(places) == 1 or (one != other and other in swapped)
