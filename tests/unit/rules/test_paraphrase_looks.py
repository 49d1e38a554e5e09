"""The two further looks of paraphrased-leak: vectors from a local folder, and a judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.rules.doors import DOORS, EMBEDDING
from headgate.rules.given import Corpus, Given
from headgate.rules.selection import find
from headgate.stats.verdict import Outcome, Verdict
from headgate.testing.literate import row_of

SAME = [
    ("car", "automobile"),
    ("buy", "purchase"),
    ("cheap", "inexpensive"),
    ("doctor", "physician"),
    ("begin", "start"),
]
PLACES = ["Aber", "Brno", "Cork", "Dax", "Elche", "Fano", "Gent", "Hull", "Imola", "Jena", "Kiel", "Linz"]
PLAIN, OTHER = (" ".join(words) for words in zip(*SAME, strict=True))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A static embedding in which each pair of synonyms has one vector."""
    words = ["[UNK]", *(word for pair in SAME for word in pair), *(place.lower() for place in PLACES)]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    matrix = np.random.default_rng(1).normal(size=(len(words), 16)).astype(np.float32)
    matrix[0] = 0
    for one, other in SAME:
        matrix[words.index(other)] = matrix[words.index(one)]
    save_file({"embeddings": matrix}, tmp_path / "model.safetensors")
    return tmp_path


def said(text: str, place: str) -> dict:
    return {"user": f"{text} {place}", "assistant": place}


def judged(options: dict, **inputs: object) -> Verdict:
    rows = [row_of(said(PLAIN, place)) for place in PLACES]
    items = [row_of(said(OTHER, place)) for place in PLACES]
    given = Given({"training-rows": Corpus(rows), "evaluation-items": Corpus(items), **inputs})
    rule = find("paraphrased-leak")
    return rule.judge(given, rule.options(**options))


def test_words_alone_do_not_see_synonyms() -> None:
    """The sentences share the name of a place, and nothing else."""
    assert 0 == judged({}).findings_total


def test_vectors_see_synonyms(folder: Path) -> None:
    """Every item finds the row that says the same in other words."""
    verdict = judged({"embeddings": str(folder)})
    assert (Outcome.FAIL, len(PLACES)) == (verdict.outcome, verdict.findings_total)
    assert 0.9 == verdict.details["embedding_threshold"]


def test_vectors_of_synonyms_are_equal_and_unknown_words_have_none(folder: Path) -> None:
    """Vectors have length 1, or 0 where no word is known."""
    embedding = open_door(EMBEDDING).open_embedding(folder)
    one, other, unknown, empty = embedding.encode([PLAIN, OTHER, "zebra", ""])
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert pytest.approx(1.0) == float(np.linalg.norm(one))
    assert not unknown.any()
    assert not empty.any()


def test_a_judge_has_the_last_word(folder: Path) -> None:
    """Pairs that the judge calls different do not count; where it cannot tell, they do."""
    answers = {"Aber": False, "Brno": None}

    def judge(row: str, item: str) -> bool | None:
        place = item.split()[-1]
        assert row.split()[-1] == place
        return answers.get(place, True)

    verdict = judged({"embeddings": str(folder)}, **{"pair-judge": judge})
    assert len(PLACES) - 1 == verdict.findings_total
    assert 1 == verdict.details["refused_by_the_judge"]


def test_a_judge_is_shown_only_so_many_pairs(folder: Path) -> None:
    """What it was not shown counts."""
    options = {"embeddings": str(folder), "judged_pairs": 3}
    verdict = judged(options, **{"pair-judge": lambda row, item: False})
    assert len(PLACES) - 3 == verdict.findings_total


def test_doors_of_rules_lead_somewhere() -> None:
    """String references resolve to modules that exist."""
    for door in DOORS.values():
        assert door.reference == open_door(door).__name__


def test_a_folder_without_an_embedding_is_refused(folder: Path, tmp_path: Path) -> None:
    """What is missing or more than one matrix is named."""
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(Refused, match="not a static embedding"):
        judged({"embeddings": str(empty)})
    two = {name: np.zeros((2, 2), dtype=np.float32) for name in ("a", "b")}
    save_file(two, folder / "model.safetensors")
    with pytest.raises(Refused) as refused:
        judged({"embeddings": str(folder)})
    assert "2 matrices: a, b" == refused.value.found
    (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(Refused, match="cannot be read"):
        judged({"embeddings": str(folder)})
