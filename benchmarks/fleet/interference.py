"""Whether what is known of two adapters before a merge ranks what the merge costs.

    python benchmarks/fleet/interference.py

Ten adapters of headgate-tiny on real requests (BANKING77, CLINC150): the same skill from other rows and another seed,
overlapping and other topics, the same topics answered by another's name, as JSON or in a sentence, another domain. For
each of the 45 pairs, before anything is merged: the numbers of the conflict report of `headgate fleet compose` (on
full updates), the share of each other's requests that they answer differently, and the distance of the merge from
each. Then every pair is merged by every plan below and asked both skills on requests that nothing was trained on. A
skill's loss is the share of its gain that is gone, 1 where the merge is as good as the base.

Nothing is fitted: scores, plans and the summary were fixed before the first run. After it two adapters were given
another task and all were trained twice as long, because those two had learned nothing, and nothing can be lost of that.
The interval is from 2,000 draws of adapters, not of pairs, because the pairs of one adapter are not independent.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "examples/base/headgate-tiny"
BANK, CLINC = ROOT / "examples/data/banking77", ROOT / "examples/base/data/clinc150_full.csv.gz"
RESULTS = Path(__file__).with_suffix(".json")
TOPICS, STEPS, TRAINED, ASKED, LONGEST = 10, 120, 240, 60, 80
PLANS = ("stack", "cat", "svd", "ties@0.2", "ties_svd@0.6", "dare_linear_svd@0.6", "magnitude_prune_svd@0.6")
DRAWS = 2_000
Rows = list[tuple[str, str]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


def table(path: Path, **wanted: str) -> Rows:
    """Short texts with their labels, in the order of the file."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = [one for one in csv.DictReader(stream) if all(one[key] == value for key, value in wanted.items())]
    label = "category" if "category" in rows[0] else "intent"
    return [(one["text"], one[label].replace("_", " ")) for one in rows if len(one["text"]) <= LONGEST]


def of(rows: Rows, labels: Sequence[str], count: int, *, half: int = -1) -> Rows:
    """So many rows, evenly over labels; `half` 0 or 1 takes every second row of each."""
    by = {one: [row for row in rows if row[1] == one] for one in labels}
    if half >= 0:
        by = {one: found[half::2] for one, found in by.items()}
    return [
        row for turn in zip(*(found[: count // len(labels)] for found in by.values()), strict=False) for row in turn
    ]


def skills() -> dict[str, tuple[Rows, Rows, dict[str, Any]]]:
    """For each adapter what it is trained on, what it is asked, and its settings."""
    train, test = table(BANK / "train.csv.gz"), table(BANK / "test.csv.gz")
    clinc, clinc_test = table(CLINC, split="train"), table(CLINC, split="test")
    names = sorted({label for _, label in train})
    a, b, c = names[:TOPICS], names[TOPICS : 2 * TOPICS], names[2 * TOPICS : 3 * TOPICS]
    domain = sorted({label for _, label in clinc if label != "oos"})[:TOPICS]
    other = dict(zip(a, a[3:] + a[:3], strict=True))

    def made(
        labels: Sequence[str], change: Callable[[str], str] = str, **how: Any
    ) -> tuple[Rows, Rows, dict[str, Any]]:
        half, count = how.pop("half", -1), how.pop("count", TRAINED)
        given = [(text, change(label)) for text, label in of(train, labels, count, half=half)]
        return given, [(text, change(label)) for text, label in of(test, labels, ASKED)], how

    return {
        "topics": made(a, half=0),
        "topics, other rows and seed": made(a, half=1, seed=1),
        "topics under wrong names": made(a, lambda label: other[label]),
        "topics as JSON": made(a, lambda label: json.dumps({"topic": label})),
        "topics in a sentence": made(a, lambda label: f"this is about {label}", seed=2),
        "half of them, half others": made([*a[:5], *b[:5]]),
        "other topics": made(b),
        "other topics, few rows, another seed": made(b, count=TRAINED // 4, seed=3),
        "further topics": made(c),
        "another domain in a sentence": (
            [(text, f"this is about {label}") for text, label in of(clinc, domain, TRAINED)],
            [(text, f"this is about {label}") for text, label in of(clinc_test, domain, ASKED)],
            {},
        ),
    }


def trained(maker: Any, place: Path, rows: Rows, how: Mapping[str, Any]) -> Path:
    """An adapter by the stage `train`."""
    from headgate.rows.row import Kind, Message, Row, Side

    given = [
        Row(kind=Kind.DEMONSTRATION, messages=(Message("user", q), Message("assistant", t)), side=Side(id=f"r{n}"))
        for n, (q, t) in enumerate(rows)
    ]
    project = maker.make_project(place, given)
    result = project.train(
        steps=STEPS, batch=16, learning_rate=3e-3, save_every=0, max_tokens=128, threads=1,
        seeds=(how.get("seed", 0),),
    )  # fmt: skip
    project.ledger.close()
    return Path(project.folder / result.outputs["adapter_path"])


def asked(adapter: Path | None, items: Mapping[str, Rows]) -> dict[str, Any]:
    """For each skill the share of right answers, nats per answer, and the answers themselves."""
    from headgate.models.engines.transformers_local import LocalModel
    from headgate.models.model import Sampling

    model = LocalModel(BASE, adapter=adapter, batch=64, allow_unrecorded=True)
    found = {}
    for name, rows in items.items():
        prompts = [({"role": "user", "content": text},) for text, _ in rows]
        said = [one.text.strip() for one in model.generate(prompts, Sampling(max_tokens=20))]
        logs = model.log_probabilities([(p, target) for p, (_, target) in zip(prompts, rows, strict=True)])
        right = [float(text == target) for text, (_, target) in zip(said, rows, strict=True)]
        found[name] = {"right": np.mean(right), "nats": -np.mean([sum(one) for one in logs]), "said": said}
    model.close()
    return found


def lost(base: float, single: float, merged: float) -> float:
    """The share of a gain that is gone, at most all of it and at least none."""
    if single == base:
        raise SystemExit("an adapter gained nothing, so that nothing of it can be lost")
    return float(np.clip((single - merged) / (single - base), 0.0, 1.0))


def ranked(score: Sequence[float], loss: Sequence[float], pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Spearman's rank correlation with a percentile interval over draws of adapters."""
    names, draw = sorted({one for pair in pairs for one in pair}), np.random.default_rng(0)
    place = {frozenset(pair): n for n, pair in enumerate(pairs)}
    x, y = np.asarray(score), np.asarray(loss)
    drawn = []
    for _ in range(DRAWS):
        some = draw.choice(len(names), len(names))
        rows = [place[frozenset((names[i], names[j]))] for i, j in combinations(some, 2) if i != j]
        if len(rows) > 3 and np.ptp(x[rows]) and np.ptp(y[rows]):
            drawn.append(spearmanr(x[rows], y[rows]).statistic)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"spearman": round(float(spearmanr(x, y).statistic), 3), "low": round(low, 3), "high": round(high, 3)}


def main() -> None:
    """Ten adapters, 45 pairs, every plan; writes the JSON beside this file."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    began = time.process_time()
    spec = importlib.util.spec_from_file_location("interference_rows", ROOT / "tests/unit/train/conftest.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    sys.modules["interference_rows"] = maker
    spec.loader.exec_module(maker)
    with tempfile.TemporaryDirectory() as name:
        place, wanted = Path(name), skills()
        folders = {
            one: trained(maker, place / f"p{n}", rows, how) for n, (one, (rows, _, how)) in enumerate(wanted.items())
        }
        items = {one: held for one, (_, held, _) in wanted.items()}
        bare = asked(None, items)
        alone = {one: asked(folder, items) for one, folder in folders.items()}
        print(f"{len(folders)} adapters, {time.process_time() - began:.0f} CPU s", file=sys.stderr, flush=True)
        pairs = [
            measured(place, first, second, folders, items, bare, alone) for first, second in combinations(folders, 2)
        ]
    told = summary(pairs)
    # What each adapter can do alone.
    told["adapters"] = {
        one: {"right": round(float(alone[one][one]["right"]), 3), "right_of_base": round(float(bare[one]["right"]), 3)}
        for one in folders
    }
    told["cpu_s"] = round(time.process_time() - began)
    RESULTS.write_text(json.dumps({**told, "by_pair": pairs}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=1, ensure_ascii=False))


def measured(
    place: Path, first: str, second: str, folders: Mapping[str, Path], items: Mapping[str, Rows], bare: Any, alone: Any
) -> dict[str, Any]:
    """One pair: what is known before, and what every plan costs."""
    from headgate.fleet.composition.conflict import conflict
    from headgate.fleet.composition.plans import Closed, forecast, plans_of
    from headgate.fleet.engines.peft_merging import open_merger
    from headgate.models.lora import read_factors

    factors = {one: read_factors(folders[one]) for one in (first, second)}
    found = conflict(first, factors[first], second, factors[second])
    apart = [
        np.mean([x != y for x, y in zip(alone[one][one]["said"], alone[two][one]["said"], strict=True)])
        for one, two in ((first, second), (second, first))
    ]
    told: dict[str, Any] = {
        "pair": [first, second],
        "before": {
            "cancelled": found.cancelled, "cosine": found.cosine, "opposite signs": found.opposite,
            "outputs": float(np.mean([one.outputs for one in found.shared])),
            "inputs": float(np.mean([one.inputs for one in found.shared])),
            "norm ratio": float(np.mean([abs(np.log(one.norm_ratio)) for one in found.shared])),
            "answers apart": float(np.mean(apart)),
        },
        "plans": {},
    }  # fmt: skip
    merger = open_merger(BASE, factors)
    for n, plan in enumerate(plans_of(PLANS, 2)):
        out = place / f"merged-{first}-{second}-{n}"
        try:
            merger.merge(plan, out, 0)
        except Closed as error:
            told["plans"][plan.name] = {"closed": str(error.found)}
            continue
        got = asked(out, {one: items[one] for one in (first, second)})
        gone = {
            kind: [lost(bare[one][kind], alone[one][one][kind], got[one][kind]) for one in (first, second)]
            for kind in ("right", "nats")
        }
        told["plans"][plan.name] = {
            "right lost": gone["right"], "nats lost": gone["nats"],
            "forecast": forecast(read_factors(out), factors),
        }  # fmt: skip
    return told


def summary(pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rank correlations: of each score with the loss by plan, and of the forecast with the loss within each pair."""
    names = [tuple(one["pair"]) for one in pairs]
    told: dict[str, Any] = {"pairs": len(pairs), "scores": {}}
    for score in pairs[0]["before"]:
        values = [one["before"][score] for one in pairs]
        told["scores"][score] = {
            f"{kind} lost, {plan}": ranked(
                values, [float(np.mean(one["plans"][plan][f"{kind} lost"])) for one in pairs], names
            )
            for plan in ("cat", "stack")
            for kind in ("right", "nats")
        }
    inside = []
    for one in pairs:
        known = [plan for plan in one["plans"].values() if "closed" not in plan]
        gone = [float(np.mean(plan["nats lost"])) for plan in known]
        if len(known) > 3 and np.ptp(gone):
            inside.append(float(spearmanr([plan["forecast"] for plan in known], gone).statistic))
    told["plans within a pair, by their distance"] = {
        "pairs": len(inside), "median": round(float(np.median(inside)), 3),
        "above 0": round(float(np.mean([one > 0 for one in inside])), 3),
    }  # fmt: skip
    told["mean loss by plan"] = {
        plan: {
            kind: round(float(np.mean([np.mean(one["plans"][plan][kind]) for one in pairs])), 3)
            for kind in ("right lost", "nats lost")
        }
        for plan in PLANS
        if all("closed" not in one["plans"][plan] for one in pairs)
    }
    return told


if __name__ == "__main__":
    main()
