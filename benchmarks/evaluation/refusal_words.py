"""Fits the words of refusal, and measures rules and words together on models and prompts that they were not fitted to.

    python benchmarks/evaluation/refusal_words.py xstest/labelled_completions.jsonl.gz [--fit]

Each of the five models of XSTest is held out in turn, and of the prompts one fifth: what is fitted sees neither any
answer of that model nor any answer to those prompts. How strongly weights are drawn to zero, and how many first
sentences count by themselves, is chosen within what is left, by holding out each of the other four models with half of
the prompts; the held-out answers choose nothing. Writes `refusal_words.json`; with `--fit` also the weights that
headgate ships, fitted to all answers with what most models chose. The rules were written while looking at half of the
prompts in three of the models: "neither seen" leaves those answers out.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from headgate.kit.files import write_text
from headgate.stats.detection import powered_share
from headgate.stats.intervals import share_interval
from headgate.text.refusal_words import TABLE, terms
from headgate.text.refusals import agreement, rules_see, settled

RESULTS = Path(__file__).with_suffix(".json")
SEEN = ("gpt4", "llama2orig", "mistralinstruct")  # models whose answers were looked at, for half of the prompts
FOLDS, DRAWS, SAMPLES = 5, 1000, (40, 80)
RARE = 3  # answers that a term must be in
CHOICES = tuple((first, strength) for first in (0, 1, 2) for strength in (5.0, 20.0))  # sentences, inverse penalty
Bools = Any  # numpy arrays of bool
Places = Any  # numpy arrays of int


class Told(NamedTuple):
    """The labelled answers."""

    texts: list[str]
    models: Any
    halves: Any
    folds: Any
    refused: Bools
    counts: dict[int, csr_matrix]  # by first sentences: (answers, terms), logarithmic
    vocabulary: dict[int, list[str]]


def read(file: Path) -> Told:
    """Answers, labels and terms."""
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    texts = [row["completion"] or "" for row in rows]
    counted = {first: _counted([terms(text, first) for text in texts]) for first in {one for one, _ in CHOICES}}
    return Told(
        texts=texts,
        models=np.array([row["model"] for row in rows]),
        halves=np.array([_number(row["prompt"]) % 2 for row in rows]),
        folds=np.array([_number("fold " + row["prompt"]) % FOLDS for row in rows]),
        refused=np.array([row["final_label"] != "1_full_compliance" for row in rows]),
        counts={first: matrix for first, (matrix, _) in counted.items()},
        vocabulary={first: names for first, (_, names) in counted.items()},
    )


def _counted(found: Sequence[Mapping[str, int]]) -> tuple[csr_matrix, list[str]]:
    place = {term: number for number, term in enumerate(sorted({term for one in found for term in one}))}
    data = [(i, place[term], 1 + np.log(count)) for i, one in enumerate(found) for term, count in one.items()]
    lines, columns, values = zip(*data, strict=True)
    return csr_matrix((values, (lines, columns)), shape=(len(found), len(place))), list(place)


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


class Fitted(NamedTuple):
    """Weights over some of the terms."""

    first: int
    columns: Places
    idf: Any
    weights: Any
    intercept: float

    def chances(self, told: Told, places: Places) -> Any:
        """Probability of a refusal for some answers."""
        scaled = normalize(told.counts[self.first][places][:, self.columns].multiply(self.idf).tocsr())
        return 1 / (1 + np.exp(-(scaled @ self.weights + self.intercept)))


def fit(told: Told, places: Places, first: int, strength: float) -> Fitted:
    """A logistic model of some answers."""
    mine = told.counts[first][places]
    documents = np.asarray((mine > 0).sum(axis=0)).ravel()
    columns = np.flatnonzero(documents >= RARE)
    idf = np.log((1 + len(places)) / (1 + documents[columns])) + 1
    scaled = normalize(mine[:, columns].multiply(idf).tocsr())
    model = LogisticRegression(C=strength, max_iter=500, class_weight="balanced").fit(scaled, told.refused[places])
    return Fitted(first, columns, idf, model.coef_[0], float(model.intercept_[0]))


def held_out(told: Told) -> tuple[Any, dict[str, tuple[int, float]]]:
    """Chance of a refusal for each answer, by what saw neither its model nor its prompt; and what was chosen."""
    chances, chosen = np.zeros(len(told.texts)), {}
    for model in sorted(set(told.models)):
        chosen[model] = max(CHOICES, key=lambda one: within(told, model, *one))
        for fold in range(FOLDS):
            test = np.flatnonzero((told.models == model) & (told.folds == fold))
            rest = np.flatnonzero((told.models != model) & (told.folds != fold))
            chances[test] = fit(told, rest, *chosen[model]).chances(told, test)
    return chances, chosen


def within(told: Told, without: str, first: int, strength: float) -> float:
    """Mean kappa over the other models, each held out with half of the prompts from what is left."""
    kappas = []
    for model in sorted(set(told.models) - {without}):
        found = np.zeros(len(told.texts), dtype=bool)
        for side in (0, 1):
            left = (told.models != without) & (told.models != model) & (told.halves != side)
            test = np.flatnonzero((told.models == model) & (told.halves == side))
            chances = fit(told, np.flatnonzero(left), first, strength).chances(told, test)
            found[test] = [settled(told.texts[i], chance).refused for i, chance in zip(test, chances, strict=True)]
        mine = told.models == model
        kappas.append(agreement(list(told.refused[mine]), list(found[mine]))["kappa"])
    return float(np.mean(kappas))


def figures(told: Told, chances: Any, mask: Bools) -> dict[str, Any]:
    """Rules alone, words alone, both, and both with people for what is doubtful."""
    at = np.flatnonzero(mask)
    truth = [bool(told.refused[i]) for i in at]
    both = [settled(told.texts[i], chances[i]) for i in at]
    people = [one.refused if one.sure else t for one, t in zip(both, truth, strict=True)]
    return {
        "rules": rounded(agreement(truth, [rules_see(told.texts[i]) for i in at])),
        "words": rounded(agreement(truth, [bool(chances[i] >= 0.5) for i in at])),
        "both": rounded(agreement(truth, [one.refused for one in both])),
        "people": rounded(agreement(truth, people)),
        "doubtful": round(sum(not one.sure for one in both) / len(both), 4),
    }


def rounded(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: round(one, 4) for name, one in numbers.items()}


def correction(told: Told, chances: Any, size: int) -> dict[str, float]:
    """Intervals of a model's rate from so many labels alone, and with what the detector says of all answers."""
    drawn, widths, covered = np.random.default_rng(0), {"labels": [], "both": []}, 0
    models = sorted(set(told.models))
    for model in models:
        at = np.flatnonzero(told.models == model)
        y = told.refused[at].astype(float)
        f = np.array([settled(told.texts[i], chances[i]).chance for i in at])
        for _ in range(DRAWS // len(models)):
            order = drawn.permutation(len(at))
            first, rest = order[:size], order[size:]
            both = powered_share(y[first], f[first], f[rest])
            alone = share_interval(float(y[first].sum()), size)
            widths["both"].append(both.high - both.low)
            widths["labels"].append(alone.high - alone.low)
            covered += both.low <= y.mean() <= both.high
    alone, both = (float(np.mean(widths[name])) for name in ("labels", "both"))
    shown = {"labels_alone": alone, "corrected": both, "narrower": 1 - both / alone}
    return rounded(shown | {"coverage": covered / len(widths["both"])})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--fit", action="store_true", help="write the weights that headgate ships")
    given = parser.parse_args()
    told = read(given.file)
    chances, chosen = held_out(told)
    unseen = ~np.isin(told.models, SEEN) | (told.halves == 1)
    groups = {"all": np.ones(len(told.texts), dtype=bool), "neither seen": unseen}
    groups |= {model: told.models == model for model in sorted(set(told.models))}
    out = {
        "chosen": {model: list(one) for model, one in chosen.items()},
        "detector": {name: figures(told, chances, mask) for name, mask in groups.items()},
        "correction": {str(size): correction(told, chances, size) for size in SAMPLES},
    }
    write_text(RESULTS, json.dumps(out, indent=2) + "\n")
    if given.fit:
        ship(told, Counter(chosen.values()).most_common(1)[0][0])


def ship(told: Told, choice: Sequence[Any]) -> None:
    """Writes the weights of all answers."""
    all_of = fit(told, np.arange(len(told.texts)), *choice)
    known = {
        told.vocabulary[all_of.first][column]: [round(float(idf), 3), round(float(weight), 3)]
        for column, idf, weight in zip(all_of.columns, all_of.idf, all_of.weights, strict=True)
    }
    table = {"sentences": all_of.first, "intercept": round(all_of.intercept, 4), "terms": known}
    body = json.dumps(table, separators=(",", ":"))
    TABLE.write_bytes(gzip.compress(body.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
