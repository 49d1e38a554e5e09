"""Fits the words of comments, and measures them on questions, writers and data that they were not fitted to.

    python benchmarks/evaluation/comment_words.py --data ../shared/data [--fit]

`feedback/first.jsonl` and `feedback/second.jsonl` hold comments and genuine corrections by two writers who saw no word
list, each beside a question. What is fitted is fitted to theirs, to the 40 comments in general words that are planted
for the rule, and to corrections of real data. The threshold is chosen on questions held out in five turns: the lowest
at which no more of the corrections of any source are taken for comments than the rules alone take. Then each writer
is held out whole, fit and threshold without them: texts by somebody new. Writes `comment_words.json`; with `--fit`
also the weights that headgate ships.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from clean.panels import LOADERS
from headgate.kit.files import atomic_write, write_text
from headgate.stats.intervals import wilson
from headgate.text.comment_words import TABLE
from headgate.text.corrections import rules_say, signs_of
from planted.feedback import COMMENTS

WRITERS = ("first", "second")
HERE = Path(__file__).parent
RESULTS = Path(__file__).with_suffix(".json")
REAL = ("qa_signals", "star_signals", "gsm8k_signals", "relabelled")
EACH = 700  # corrections of a real source
BESIDE = 4  # questions that a general comment is put beside
FOLDS, RARE, INVERSE_PENALTY = 5, 2, 1.0
RULED = 0.2  # threshold for what the rules call a comment
GENUINE = 3.0  # weight of a correction that was written to be hard, beside one of real data


class Text(NamedTuple):
    """A text in the place of a corrected answer."""

    origin: str
    comment: bool
    text: str
    original: str
    question: str


def written(name: str) -> list[Text]:
    """What a writer wrote."""
    lines = (HERE / "feedback" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Text(name, row["kind"] == "comment", row["text"], row["original_answer"], row["question"]) for row in rows]


def real(data: Path) -> list[Text]:
    """Corrections of real data, a fixed draw of each source."""
    out = []
    for name in REAL:
        rows = sorted(LOADERS[name](data), key=lambda row: row.id)[:EACH]
        out += [
            Text(name, False, row.answer_text, str(row.side.extra["original_answer"]), row.prompt_text) for row in rows
        ]
    return out


def general(beside: Sequence[Text]) -> list[Text]:
    """Comments in general words, each beside questions of real data."""
    drawn = random.Random(0)
    return [
        Text("general", True, comment, other.original, other.question)
        for comment in COMMENTS
        for other in drawn.sample(beside, BESIDE)
    ]


def fold(text: Text) -> int:
    """Which turn holds a text out: all texts about one question together, and all of one general comment."""
    key = text.text if text.origin == "general" else text.question
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % FOLDS


def signs(text: Text) -> dict[str, float]:
    """All features, the rules among them."""
    said = rules_say(text.text, text.original, text.question)
    return signs_of(text.text, text.original, text.question) | {"=rules": float(said)}


def fit(texts: Sequence[Text], found: Sequence[dict[str, float]]) -> tuple[dict[str, float], float]:
    """Weights and intercept."""
    common = {name for name, count in Counter(name for one in found for name in one).items() if count >= RARE}
    vector = DictVectorizer()
    matrix = vector.fit_transform([{name: value for name, value in one.items() if name in common} for one in found])
    weight = [GENUINE if text.origin not in REAL and not text.comment else 1.0 for text in texts]
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=3000, class_weight="balanced")
    model.fit(matrix, [text.comment for text in texts], sample_weight=weight)
    return dict(zip(vector.feature_names_, model.coef_[0], strict=True)), float(model.intercept_[0])


def chances(model: tuple[dict[str, float], float], found: Sequence[dict[str, float]]) -> np.ndarray[Any, Any]:
    """Probability of a comment for each."""
    weights, intercept = model
    scores = [intercept + sum(value * weights.get(name, 0.0) for name, value in one.items()) for one in found]
    return 1 / (1 + np.exp(-np.array(scores)))


def held_out(texts: Sequence[Text]) -> np.ndarray[Any, Any]:
    """Probabilities by what saw no text about the same question."""
    found, folds = [signs(text) for text in texts], [fold(text) for text in texts]
    out = np.zeros(len(texts))
    for turn in range(FOLDS):
        mine = [i for i in range(len(texts)) if folds[i] != turn]
        model = fit([texts[i] for i in mine], [found[i] for i in mine])
        rest = [i for i in range(len(texts)) if folds[i] == turn]
        out[rest] = chances(model, [found[i] for i in rest])
    return out


def taken(likely: np.ndarray[Any, Any], ruled: np.ndarray[Any, Any], limit: float) -> np.ndarray[Any, Any]:
    """What counts as a comment."""
    return likely > np.where(ruled, RULED, limit)


def chosen(texts: Sequence[Text], likely: np.ndarray[Any, Any]) -> float:
    """The lowest threshold, in hundredths, at which no source has more corrections taken than by the rules alone."""
    ruled = by_rules(texts)
    groups = [[i for i, t in enumerate(texts) if t.origin == name and not t.comment] for name in (*WRITERS, *REAL)]
    for limit in np.arange(0.3, 1.0, 0.01):
        found = taken(likely, ruled, limit)
        if all(found[group].sum() <= ruled[group].sum() for group in groups):
            return round(float(limit), 2)
    return 0.99


def by_rules(texts: Sequence[Text]) -> np.ndarray[Any, Any]:
    """What the rules alone call a comment."""
    return np.array([rules_say(text.text, text.original, text.question) for text in texts])


def share(hits: Sequence[bool]) -> dict[str, Any]:
    """Count, share and interval."""
    count = sum(map(bool, hits))
    interval = wilson(count, len(hits))
    return {"of": len(hits), "taken": count, "share": round(count / len(hits), 3), "low": round(interval.low, 3),
            "high": round(interval.high, 3)}  # fmt: skip


def by_origin(texts: Sequence[Text], found: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Shares taken for comments of each origin, beside what the rules alone take."""
    ruled, told = by_rules(texts), {}
    for origin in dict.fromkeys(text.origin for text in texts):
        for comment in (True, False):
            some = [i for i, text in enumerate(texts) if (text.origin, text.comment) == (origin, comment)]
            if some:
                name = f"{origin}, {'comments' if comment else 'corrections'}"
                told[name] = {"words and rules": share(found[some]), "rules alone": share(ruled[some])}
    return told


def without(writer: str, texts: Sequence[Text]) -> dict[str, Any]:
    """The texts of one writer by what saw none of them."""
    rest, theirs = ([t for t in texts if (t.origin == writer) is mine] for mine in (False, True))
    limit = chosen(rest, held_out(rest))
    likely = chances(fit(rest, [signs(text) for text in rest]), [signs(text) for text in theirs])
    return {"threshold": limit} | by_origin(theirs, taken(likely, by_rules(theirs), limit))


def main() -> None:
    """Choose, fit, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fit", action="store_true", help="also write the weights that headgate ships")
    asked = parser.parse_args()
    corrected = real(asked.data)
    texts = [*(text for name in WRITERS for text in written(name)), *corrected, *general(corrected)]
    likely = held_out(texts)
    limit = chosen(texts, likely)
    if asked.fit:
        weights, intercept = fit(texts, [signs(text) for text in texts])
        of_rules = weights.pop("=rules")
        kept = {name: round(weight, 4) for name, weight in sorted(weights.items()) if abs(weight) > 1e-3}
        table = {"weights": kept, "ruled": of_rules, "intercept": intercept, "threshold": limit}
        with atomic_write(TABLE) as stream:
            stream.write(gzip.compress(json.dumps(table | {"threshold if ruled": RULED}).encode(), mtime=0))
    told = {
        "threshold": limit,
        "questions held out": by_origin(texts, taken(likely, by_rules(texts), limit)),
        "writers held out": {name: without(name, texts) for name in WRITERS},
    }
    write_text(RESULTS, json.dumps(told, indent=2) + "\n")
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
