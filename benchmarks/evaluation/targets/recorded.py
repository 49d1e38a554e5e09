"""Targets of evaluation that are measured on recorded data: extractors, comparisons, judges, grounding, labels, arms.

    python benchmarks/evaluation/targets/recorded.py DATA [T1 T2 ...]

`DATA` is the folder of development data. Nothing is asked of any model. Writes `recorded.json` beside this file.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "judges"))

from clean.panels import xstest_votes
from headgate.evaluate.scorers import Scorer
from headgate.kit.files import write_text
from headgate.ledger.ledger import Ledger
from headgate.models.model import Completion
from headgate.rules.data.dat013_few_shot_leak import few_shot_leak
from headgate.rules.given import Corpus, Given
from headgate.rules.judge.jdg005_wrong_labels import wrong_labels
from headgate.stats.intervals import mean_interval
from headgate.stats.paired import PairedComparison, compare_paired
from headgate.stats.resampling import bca
from headgate.testing.literate import read_suite
from headgate.text.support import QUANTITY, Passage, claims, content_words, sentences
from planted.judge.jdg005_wrong_labels import plant

HERE = Path(__file__).parent
RESULTS = HERE / "recorded.json"
HUBS = ("torchhub", "huggingface", "tensorflowhub")
CELL = ("phase15", "classification", "8")
UNGROUNDED = ("Wrong-Grounding", "Unverifiable")


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        yield from (json.loads(line) for line in stream)


def extractor(data: Path) -> dict[str, Any]:
    """T1: the released verdicts of four models on GSM8K."""
    answers = [one["answer"].rpartition("####")[2].strip() for one in lines(data / "gsm8k/test.jsonl")]
    scorer = Scorer("number", ["after:A: then number", "number"])
    rows = list(lines(data / "gsm8k/graded_model_solutions.jsonl.gz"))
    said = [scorer.score(Completion(text=one["solution"]), answers[one["test_index"]]).mark == "pass" for one in rows]
    agreed = sum(ours == one["is_correct"] for ours, one in zip(said, rows, strict=True))
    return {"agreed": agreed, "of": len(rows)}


def comparison(data: Path) -> dict[str, Any]:
    """T2: 6B with verification against 175B fine-tuned."""
    right: dict[str, dict[int, float]] = {}
    for one in lines(data / "gsm8k/graded_model_solutions.jsonl.gz"):
        right.setdefault(one["model"], {})[one["test_index"]] = float(one["is_correct"])
    before, after = right["6b_verification"], right["175b_finetuning"]
    a, b = (np.array([one[i] for i in sorted(before)]) for one in (after, before))
    told = compare_paired(b, a) if float(a.mean()) < float(b.mean()) else compare_paired(a, b).turned()
    drawn = bca(lambda chosen: float((a - b)[chosen].mean()), len(a), draws=4000)
    shown = {name: float(f"{value:.3g}") for name, value in (("d", told.d), ("se", told.se), ("p", told.p))}
    return shown | {
        "unpaired_se": round(told.unpaired_se, 4), "discordant": list(told.discordant),
        "bca": [round(drawn.low, 4), round(drawn.high, 4)],
    }  # fmt: skip


def clusters(data: Path) -> dict[str, Any]:
    """T3: 180 scores of five inputs."""
    rows = lines(data / "fewshot_curves/raw_results.jsonl.gz")
    cell = [one for one in rows if (one["source"], one["category"], one["shot_count"]) == CELL]
    told = mean_interval([float(one["score"]) for one in cell], clusters=[one["input"] for one in cell])
    return {"scores": told.n, "inputs": told.clusters, "ratio": round(told.design_effect**0.5, 2)}


def few_shot(_: Path) -> dict[str, Any]:
    """T8: three documents, two examples, one of them evaluated."""
    path = HERE.parents[2] / "tests/rules/data/dat013_few_shot_leak.md"
    case = next(one for one in read_suite(path) if one.heading.startswith("Three documents"))
    verdict = case.verdict(few_shot_leak)
    return {"outcome": verdict.outcome.value, "found": verdict.findings_total}


def judges(data: Path) -> dict[str, Any]:
    """T12 and T13: who is licensed, on all pairs and on the subsets held out; and what votes are worth."""
    import real_judges as real

    with tempfile.TemporaryDirectory() as place, Ledger.open(place, create=True) as ledger:
        cards = {
            f"{judge} {strategy}": {
                "licensed": whole.licensed,
                "failing": real.failing(whole),
                "failing_on_held_out": real.failing(held),
            }
            for judge, strategy, whole, held in real.cards(data / "llmbar", ledger)
        }
    plain, every = real.panels(data / "llmbar")
    return {
        "cards": cards,
        "anchored": {str(count): share for count, share in every["anchored"].items()},
        "plain_unanchored": plain["unanchored"],
    }


def grounding(data: Path) -> dict[str, Any]:
    """T17: sentences that people marked, by the words and numbers that the passages have."""
    scores, marked, missed = [], [], []
    for one in lines(data / "qa_feedback/dev_feedback.jsonl.gz"):
        text = one["prediction 1"]
        passages = [Passage(sentence) for passage in one["passages"] for sentence in passage[1:] or passage]
        whole = Passage("\n".join(" ".join(passage) for passage in one["passages"]))
        spans = [(e["start"], e["end"]) for e in one["feedback"]["errors"] if e["error type"] in UNGROUNDED]
        for start, end in sentences(text):
            words = content_words(text[start:end])
            best = max((passage.cover(words) for passage in passages), default=0.0)
            scores.append(1 - best)
            marked.append(any(a < end and start < b for a, b in spans))
            lacking = [claim for claim in whole.lacks(claims(text[start:end])) if claim.kind == QUANTITY]
            missed.append(bool(lacking))
    truth, numbers = np.array(marked), np.array(missed)
    return {
        "sentences": len(truth), "marked": round(float(truth.mean()), 4),
        "auroc": round(auroc(np.array(scores), truth), 4),
        "number_missing": int(numbers.sum()), "precision": round(float(truth[numbers].mean()), 4),
    }  # fmt: skip


def auroc(scores: Any, truth: Any) -> float:
    """Chance that a marked sentence scores above an unmarked one; ties count half."""
    yes, no = scores[truth], np.sort(scores[~truth])
    below, up_to = np.searchsorted(no, yes, "left"), np.searchsorted(no, yes, "right")
    return float((below + up_to).sum() / (2 * len(yes) * len(no)))


def arms(data: Path) -> dict[str, Any]:
    """T18: what each arm of Gorilla's answers gets right, and the paired differences that a decision rests on."""
    out = {}
    for hub in HUBS:
        folder = data / "gorilla_api"
        known = {
            key: one["domain"] for one in lines(folder / f"api_{hub}.jsonl") if (key := _key(one["api_call"], hub))
        }
        asked = next(path for path in folder.glob(f"eval_{hub}*"))
        gold = {one["index"] + 1: one["api_data"]["domain"] for one in lines(asked)}
        right: dict[str, dict[int, float]] = {}
        for one in lines(next(folder.glob(f"responses_{hub}*"))):
            if one["question_id"] in gold:
                named = next((key for key in _quoted(one["response"]) if key in known), "")
                hit = bool(named) and known[named] == gold[one["question_id"]]
                right.setdefault(f"{one['model']} {one['setting']}", {})[one["question_id"]] = float(hit)
        out[hub] = {name: round(float(np.mean(list(one.values()))), 3) for name, one in sorted(right.items())} | {
            f"{b} minus {a}": _shown(_paired(right[a], right[b]))
            for a, b in (
                ("Gorilla_FT 0_shot", "Gorilla_FT bm25"), ("Gorilla_FT bm25", "Gorilla_FT oracle"),
                ("Gorilla_RT bm25", "Gorilla_RT oracle"), ("Gorilla_FT 0_shot", "Gorilla_RT gpt_index"),
            )
        }  # fmt: skip
    return out


def _key(call: str, hub: str) -> str:
    """What names a model in a call: its name within a repository, an owner and a name, or an address."""
    named = [one for one in _quoted(call) if ("/" in one) is (hub != "torchhub")]
    return max(named, key=len, default="")


def _quoted(text: str) -> list[str]:
    return [one.strip() for one in re.findall(r"""['"]([^'"\\]{3,200})\\?['"]""", text)]


def _paired(before: Mapping[int, float], after: Mapping[int, float]) -> PairedComparison:
    both = sorted(set(before) & set(after))
    return compare_paired([before[i] for i in both], [after[i] for i in both])


def _shown(one: PairedComparison) -> dict[str, Any]:
    return {"d": round(one.d, 3), "low": round(one.low, 3), "high": round(one.high, 3), "p": float(f"{one.p:.2g}"),
            "n": one.n}  # fmt: skip


def labels(data: Path) -> dict[str, Any]:
    """T21: one label of XSTest in ten flipped, twelve times."""
    rows = xstest_votes(data)
    recalls, precisions = [], []
    for seed in range(12):
        planted = plant(rows, 0.1, seed)
        verdict = wrong_labels.judge(Given({"training-rows": Corpus(planted.rows)}))
        found = {one.row for one in verdict.findings}
        hits = len(found & planted.truth)
        recalls.append(hits / len(planted.truth))
        precisions.append(hits / max(1, len(found)))
    return {
        "recall": round(float(np.mean(recalls)), 4),
        "precision": round(float(np.mean(precisions)), 4),
        "rows": len(rows),
    }


TARGETS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "T1": extractor, "T2": comparison, "T3": clusters, "T8": few_shot, "T12": judges, "T17": grounding, "T18": arms,
    "T21": labels,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("targets", nargs="*", default=sorted(TARGETS))
    given = parser.parse_args()
    told = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in given.targets:
        told[name] = TARGETS[name](given.data)
        print(name, json.dumps(told[name]))
        write_text(RESULTS, json.dumps(dict(sorted(told.items())), indent=2) + "\n")


if __name__ == "__main__":
    main()
