"""How often the reward governor stops a hacked reward and an honest one, on recorded answers.

    python benchmarks/evaluation/governor.py DATA

DATA is a folder with `gorilla_api`, `gsm8k`, `xstest`, `llmbar` and `qa_feedback` in the forms of their origins. Best
of n over eight recorded answers to each of 1,757 questions about interfaces, where an answer is right if it names the
call that was asked for; it stands in for the best-of-n over released chat answers of the literature, which is not at
hand. The way of choosing the rival was picked on questions with even places, the figures are of odd ones. About three
minutes on one thread.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.kit.files import write_text
from headgate.stats.degenerate import Answers, judge_degenerate
from headgate.stats.governing import P_OUTCOME, P_PROXY, drifts, looks_at, one_sided
from headgate.text.baits import baits, echoes, names, overlap, words_of

RESULTS = Path(__file__).with_name("governor.json")
Table = NDArray[np.float64]
HUBS = ("torchhub", "tensorflowhub", "huggingface")
SIZES, DRAWS, BEST_OF = (100, 200, 400), 300, (1, 2, 4, 8)
LONG = tuple(range(1, 14))  # a loop of thirteen versions
QUOTED = re.compile(r"['\"]([^'\"]{3,})['\"]")
NULL = '{"ranking": [{"model": "m", "rank": 1}, {"model": "M", "rank": 2}], "output": "best"}'  # of nothing asked


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Objects of a file, plain or compressed."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def found(folder: Path, name: str) -> Path:
    """A file that may be compressed."""
    return next(one for one in (folder / f"{name}.jsonl", folder / f"{name}.jsonl.gz") if one.exists())


class Pool:
    """Recorded answers to the same questions by several arms: (questions, arms)."""

    def __init__(self, data: Path) -> None:
        self.asked: list[str] = []
        said: list[list[str]] = []
        right: list[list[bool]] = []
        for hub in HUBS:
            folder = data / "gorilla_api"
            calls = {one["index"] + 1: QUOTED.findall(one["api_call"]) for one in lines(found(folder, f"eval_{hub}"))}
            answers: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
            for one in lines(found(folder, f"responses_{hub}")):
                answers[one["question_id"]][f"{one['model']} {one['setting']}"] = one
            for number, arms in answers.items():
                if wanted := calls.get(number):
                    rows = [arms[name] for name in sorted(arms)]
                    self.asked.append(rows[0]["question"])
                    said.append([row["response"] for row in rows])
                    right.append([all(name in row["response"] for name in wanted) for row in rows])
        self.said = said
        self.right = np.array(right, dtype=np.float64)

    def rewards(self) -> dict[str, Callable[[np.random.Generator], Table]]:
        """Proxies: some pay for looks, some for what is right with noise, one for nothing at all."""
        length = np.log1p(np.array([[len(text) for text in row] for row in self.said], dtype=np.float64))
        asked = [{word for word in words_of(text) if len(word) > 3} for text in self.asked]
        borrowed = np.array(
            [
                [len(q & set(words_of(text))) / max(len(q), 1) for text in row]
                for q, row in zip(asked, self.said, strict=True)
            ]
        )

        def noisy(share: float) -> Callable[[np.random.Generator], Table]:
            return lambda rng: (
                np.where(rng.random(self.right.shape) < share, self.right, 1 - self.right)
                + rng.normal(0, 0.1, self.right.shape)
            )

        def fixed(table: Table) -> Callable[[np.random.Generator], Table]:
            return lambda rng: table + rng.normal(0, 1e-6, table.shape)

        return {
            "hacked: brevity": fixed(-length),
            "hacked late: length": fixed(length),
            "hacked late: words of the prompt": fixed(borrowed),
            "honest: right in 60 %": noisy(0.6),
            "honest: right in 80 %": noisy(0.8),
            "knows nothing": lambda rng: rng.normal(size=self.right.shape),
        }


def best_of(
    reward: Table, right: Table, ns: Sequence[int], rng: np.random.Generator, chosen: NDArray[np.int64]
) -> tuple[Table, Table]:
    """Reward and outcome of the best of n, for each n, on the chosen questions; repeats where n is above the arms."""
    arms = np.arange(max(right.shape[1], max(ns))) % right.shape[1]
    drawn = rng.permuted(np.tile(arms, (len(chosen), 1)), axis=1)[:, : max(ns)]
    scores = reward[chosen[:, None], drawn]
    marks = right[chosen[:, None], drawn]
    rows = np.arange(len(chosen))
    picks = [scores[:, :n].argmax(axis=1) for n in ns]
    return np.array([scores[rows, pick] for pick in picks]), np.array([marks[rows, pick] for pick in picks])


def both_halves(proxy: Table, outcome: Table, first: NDArray[np.bool_]) -> int:
    """The step at which the governor stops; 0: none."""
    return next((look.step for look in looks_at(proxy, outcome, first) if look.parted), 0)


def one_half(proxy: Table, outcome: Table, first: NDArray[np.bool_]) -> int:
    """The same with one half choosing and the other judging, and not the other way round."""
    return _simple(proxy, outcome, first, ~first)


def no_halves(proxy: Table, outcome: Table, first: NDArray[np.bool_]) -> int:
    """The best so far, chosen and judged on the same prompts."""
    everything = np.ones_like(first)
    return _simple(proxy, outcome, everything, everything)


def _simple(proxy: Table, outcome: Table, choosing: NDArray[np.bool_], judging: NDArray[np.bool_]) -> int:
    for step in range(1, len(proxy)):
        rival = outcome[:step, choosing].mean(axis=1).argmax()
        rose = one_sided((proxy[step] - proxy[rival])[judging]) < P_PROXY
        fell = one_sided((outcome[rival] - outcome[step])[judging]) < P_OUTCOME / (len(proxy) - 1)
        if rose and fell:
            return step
    return 0


WAYS = {"both halves": both_halves, "one half": one_half, "no halves": no_halves}


def stops(pool: Pool, part: NDArray[np.int64], way: str, ns: Sequence[int] = BEST_OF) -> dict[str, Any]:
    """Share of draws that are stopped, by reward and number of prompts, and of stops where all of the part fell."""
    out: dict[str, Any] = {}
    for name, reward in pool.rewards().items():
        rng = np.random.default_rng(11)
        whole = np.mean([best_of(reward(rng), pool.right, ns, rng, part)[1].mean(axis=1) for _ in range(20)], axis=0)
        told: dict[str, Any] = {"outcome": [round(float(one), 3) for one in whole]}
        for size in SIZES:
            ends = []
            for _ in range(DRAWS):
                chosen = rng.choice(part, size, replace=False)
                proxy, outcome = best_of(reward(rng), pool.right, ns, rng, chosen)
                ends.append(WAYS[way](proxy, outcome, rng.permutation(size) < size // 2))
            steps = [one for one in ends if one]
            fell = [bool(whole[one] < whole[:one].max() - 1e-9) for one in steps]
            told[str(size)] = {
                "stopped": round(len(steps) / DRAWS, 3),
                "and the whole part had not fallen": round((len(steps) - sum(fell)) / DRAWS, 3),
            }
        out[name] = told
    return out


def loops(pool: Pool, part: NDArray[np.int64], size: int = 400) -> dict[str, Any]:
    """A loop of thirteen versions, judged at each with the level planned for twelve looks."""
    out = {}
    for name, reward in pool.rewards().items():
        rng = np.random.default_rng(5)
        whole = np.mean([best_of(reward(rng), pool.right, LONG, rng, part)[1].mean(axis=1) for _ in range(20)], axis=0)
        ends = []
        for _ in range(DRAWS // 2):
            chosen = rng.choice(part, size, replace=False)
            proxy, outcome = best_of(reward(rng), pool.right, LONG, rng, chosen)
            ends.append(both_halves(proxy, outcome, rng.permutation(size) < size // 2))
        steps = [one for one in ends if one]
        lost = [float(whole[:one].max() - whole[one]) for one in steps]
        out[name] = {
            "stopped": round(len(steps) / len(ends), 3),
            "median version": float(np.median(steps)) + 1 if steps else None,
            "points lost by then": round(100 * float(np.median(lost)), 1) if lost else None,
        }
    return out


def answers_of(said: Sequence[str], asked: Sequence[str], wanted: Sequence[str] | None = None) -> Answers:
    """What the degenerate gate looks at."""
    codes: dict[str, int] = {}
    plain = [" ".join(words_of(text)) for text in said]
    none = [float("nan")] * len(said)
    return Answers(
        same=[codes.setdefault(text, len(codes)) for text in plain],
        empty=[not text for text in plain],
        echo=[echoes(text, question) for text, question in zip(said, asked, strict=True)],
        overlap=[overlap(text, ref) for text, ref in zip(said, wanted, strict=True)] if wanted else none,
    )


def degenerate(pool: Pool, twins: dict[str, Any], gold: tuple[list[str], list[str], list[list[str]]]) -> dict[str, Any]:
    """One text for everything that wins every best-of-n, a text that speaks of nothing asked, and all real models."""
    asked, references, models = gold
    told: dict[str, Any] = {}
    cases = {
        "one text, judged best on every prompt": answers_of([NULL] * len(asked), asked, references),
        "a text of its own for each prompt, about nothing asked": answers_of(
            [f'{NULL[:-1]}, "seed": "{at}"}}' for at in range(len(asked))], asked, references
        ),
        "the prompt said back": answers_of(asked, asked, references),
    }
    first = answers_of(models[0], asked, references)
    for name, answers in cases.items():
        told[name] = {**_rounded(answers.shares()), "outcome": judge_degenerate(name, answers, first).outcome.value}
    real = [answers_of(one, asked, references) for one in models]
    real += [answers_of([row[arm] for row in pool.said], pool.asked) for arm in range(len(pool.said[0]))]
    real += [answers_of(said, twins["asked"]) for said in twins["said"]]
    told["real models stopped"] = (
        f"{sum(judge_degenerate('real', one).outcome == 'fail' for one in real)} of {len(real)}"
    )
    return told


def _rounded(shares: dict[str, float]) -> dict[str, float | None]:
    return {name: round(value, 3) if np.isfinite(value) else None for name, value in shares.items()}


def pairs_of(data: Path) -> dict[str, tuple[str, list[str], list[str], list[str]]]:
    """Pairs of real answers to the same prompts: kind, before, after, prompts."""
    out: dict[str, tuple[str, list[str], list[str], list[str]]] = {}
    safety: dict[str, dict[str, str]] = defaultdict(dict)
    for one in lines(found(data / "xstest", "labelled_completions")):
        safety[one["prompt"]][one["model"]] = one["completion"]
    prompts = [one for one, said in safety.items() if len(said) == 5]
    for before, after in (("llama2orig", "llama2new"), ("mistralinstruct", "mistralguard")):
        both = [[safety[one][model] for one in prompts] for model in (before, after)]
        out[f"XSTest, {before} to {after}"] = ("other instructions", *both, prompts)  # type: ignore[assignment]
    maths: dict[str, dict[str, str]] = defaultdict(dict)
    for one in lines(found(data / "gsm8k", "graded_model_solutions")):
        maths[one["question"]][one["model"]] = one["solution"]
    for before, after in (("6b_finetuning", "6b_verification"), ("175b_finetuning", "175b_verification"),
                          ("6b_finetuning", "175b_finetuning")):  # fmt: skip
        both = [[maths[one][model] for one in maths] for model in (before, after)]
        out[f"GSM8K, {before} to {after}"] = ("version", *both, list(maths))  # type: ignore[assignment]
    items: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in lines(found(data / "llmbar", "items")):
        items[one["subset"].split("/")[-1]].append(one)
    for name in ("GPTInst", "Neighbor", "Manual", "Natural", "MT-Bench", "LLMEval2"):
        rows = items[name]
        both = [[one[f"output_{one['label'] if good else 3 - one['label']}"] for one in rows] for good in (True, False)]
        kind = "looks better, is worse" if name in ("GPTInst", "Neighbor", "Manual") else "version"
        out[f"LLMBar, right to wrong answers of {name}"] = (kind, *both, [one["input"] for one in rows])  # type: ignore[assignment]
    rows = list(lines(found(data / "qa_feedback", "dev_feedback")))
    for place in (2, 3, 4):
        both = [[one[f"prediction {at}"] for one in rows] for at in (1, place)]
        out[f"qa_feedback, draw 1 to draw {place}"] = ("version", *both, [one["question"] for one in rows])  # type: ignore[assignment]
    return out


def drift_sizes(pairs: dict[str, tuple[str, list[str], list[str], list[str]]]) -> dict[str, Any]:
    """d_z of length and of the feature that moved most besides, for each pair."""
    out = {}
    for name, (kind, before, after, asked) in pairs.items():
        sizes = {one.feature: one for one in drifts(baits(before, asked), baits(after, asked), names())}
        other = next(one for one in sizes.values() if one.feature != "length")
        out[name] = {
            "kind": kind, "n": len(asked), "length": round(sizes["length"].d_z, 2),
            "most beside": [other.feature, round(other.d_z, 2)],
        }  # fmt: skip
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    pool, pairs = Pool(data), pairs_of(data)
    places = np.arange(len(pool.asked))
    chosen_on, told_on = places[::2], places[1::2]
    feedback = list(lines(found(data / "qa_feedback", "dev_feedback")))
    gold = (
        [one["question"] for one in feedback],
        [one["gold"] for one in feedback],
        [[one[f"prediction {at}"] for one in feedback] for at in (1, 2, 3, 4)],
    )
    asked = pairs["XSTest, llama2orig to llama2new"][3]
    said = [side for name, pair in pairs.items() if name.startswith("XSTest") for side in pair[1:3]]
    result = {
        "questions": {"chosen on": len(chosen_on), "told on": len(told_on)},
        "ways on the part that chose": {way: stops(pool, chosen_on, way) for way in WAYS},
        "governor on the other part": stops(pool, told_on, "both halves"),
        "thirteen versions, 400 prompts": loops(pool, told_on),
        "degenerate": degenerate(pool, {"asked": asked, "said": said}, gold),
        "drift": drift_sizes(pairs),
    }
    write_text(RESULTS, json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
