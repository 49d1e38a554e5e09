"""Facts that can be looked up, told from ordinary words."""

from __future__ import annotations

from headgate.text.facts import Registry, facts


def told(text: str) -> list[tuple[str, str]]:
    return [(fact.kind[0], fact.value) for fact in facts(text)]


def test_numbers_and_identifiers_are_told_apart() -> None:
    """Paths, part numbers and addresses are identifiers; the digits inside them are no numbers."""
    text = "Call torch.hub.load('x/ViT_b16') on AX-310: 12,500 rows, 99.5% in 2019, see https://a.example/b?c=1."
    expected = [
        ("i", "torch.hub.load"),
        ("i", "x/vit_b16"),
        ("i", "ax-310"),
        ("n", "12500"),
        ("n", "99.5"),
        ("n", "2019"),
        ("i", "https://a.example/b?c=1"),
    ]
    assert expected == told(text)


def test_ordinary_words_are_no_identifiers() -> None:
    """Abbreviations, hyphens, forgotten blanks, ordinals, small counts and numbers of lists."""
    text = "1. e.g. a well-known and/or U.S. thing.Next the 2nd of 3 steps, 20px wide\n2) done"
    assert [] == told(text)


def test_the_characters_are_those_of_the_fact() -> None:
    """What is marked is what was written."""
    text = "Paid $1,250.50 for part ZX81b."
    assert ["$1,250.50", "ZX81b"] == [text[fact.start : fact.end] for fact in facts(text)]


def test_a_registry_knows_parts_and_names_what_was_meant() -> None:
    """A new path of known parts is known; a slip is not, and its neighbour is named."""
    registry = Registry(["Use models.vit_b16 and models.resnet50, 86.6 M parameters."])
    known, slipped, number, wrong = facts("models.resnet50 models.renset50 86.6 86.7")
    assert [True, False, True, False] == [registry.knows(fact) for fact in (known, slipped, number, wrong)]
    assert "models.resnet50" == registry.nearest(slipped)
    assert registry.nearest(wrong) is None
