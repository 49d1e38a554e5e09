"""How texts look, and what they are about."""

from __future__ import annotations

import numpy as np

from headgate.text.surface import FEATURES, surface
from headgate.text.tape import tape_of
from headgate.text.topics import topics


def test_features_say_how_a_text_looks() -> None:
    """A telephone message and a letter differ in each feature that a reader would name."""
    names = list(FEATURES)
    typed, written = surface(["didnt recieve my card pls", "Hello, could you please tell me where my card is?"])
    seen = {name: (typed[place], written[place]) for place, name in enumerate(names)}
    assert (1.0, 0.0) == seen["starts with a small letter"]
    assert (0.0, 1.0) == seen["greeting"]
    assert (0.0, 1.0) == seen["ends with a question mark"]
    assert (1.0, 0.0) == seen["ends without a mark"]
    assert (0.0, 1.0) == seen["please and thanks"]
    assert seen["shorthand"][0] > seen["shorthand"][1]
    assert seen["words not in the dictionary"][0] > seen["words not in the dictionary"][1]


def test_an_empty_text_has_features() -> None:
    """No feature divides by nothing."""
    assert np.isfinite(surface(["", "\n", "😀"])).all()


def test_texts_about_one_thing_share_a_topic() -> None:
    """Two vocabularies, whatever the order of the texts: two topics that keep them apart."""
    rng = np.random.default_rng(0)
    about = rng.integers(0, 2, 200)
    texts = [" ".join(f"{'bank' if kind else 'trip'}{word}" for word in rng.integers(0, 60, 8)) for kind in about]
    found = topics(tape_of(texts), count=2)
    agree = (found == about).mean()
    assert max(agree, 1 - agree) >= 0.95


def test_few_texts_are_one_topic() -> None:
    """Too few texts to part, or no word that tells: everything is topic 0."""
    assert [0, 0, 0] == topics(tape_of(["a b", "b c", ""])).tolist()
