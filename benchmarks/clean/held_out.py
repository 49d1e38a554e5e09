"""Further honest data: what the settings of the leak rules were not chosen on.

Each loader takes the folder of the development data and returns rows in a fixed order; `HELD_OUT` pairs the rows
that stand for training with those that stand for an evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from clean.loading import (
    Rows,
    _csv,
    _lines,
    _row,
    banking77,
    banking77_test,
    bfcl_live,
    clinc150,
    clinc150_test,
    gpteacher,
    gsm8k,
    gsm8k_test,
    roleplay,
    star,
)


def humaneval(folder: Path) -> Rows:
    """The 164 problems of HumanEval with their solutions."""
    records = _lines(folder / "humaneval" / "humaneval.jsonl")
    return [_row("humaneval", n, one["prompt"], one["canonical_solution"]) for n, one in enumerate(records, start=1)]


def code_candidates(folder: Path) -> Rows:
    """Training programs that came nearest to a HumanEval problem: hard negatives, without the 18 that are the same."""
    out: list[tuple[str, str]] = []
    for record in _lines(folder / "rephrased_tests" / "codealpaca_vs_humaneval_candidates.jsonl"):
        if not any(record["results"]):
            out += [("Write this program.", text) for text in record["train"]]
    return [_row("code", n, *one) for n, one in enumerate(dict.fromkeys(out), start=1)]


def xstest(folder: Path) -> Rows:
    """The 450 prompts of XSTest with the first answer that was collected."""
    answers: dict[str, str] = {}
    for one in _lines(folder / "xstest" / "labelled_completions.jsonl.gz"):
        answers.setdefault(one["prompt"], one["completion"])
    prompts = [one["prompt"] for one in _csv(folder / "xstest" / "prompts.csv")]
    return [_row("xstest", n, prompt, answers.get(prompt, "")) for n, prompt in enumerate(prompts, start=1)]


def harmless(folder: Path) -> Rows:
    """The first user turn of each pair of the harmless test set, with the reply to it, each opening once."""
    seen: dict[str, str] = {}
    for one in _lines(folder / "hh_harmless_test" / "pairs.jsonl.gz"):
        user, _, rest = one["chosen"].removeprefix("\n\nHuman: ").partition("\n\nAssistant: ")
        seen.setdefault(user.strip(), rest.partition("\n\nHuman: ")[0].strip())
    return [_row("harmless", n, user, said) for n, (user, said) in enumerate(seen.items(), start=1)]


def qa_feedback(folder: Path) -> Rows:
    """500 questions about one passage or several, with the answer that people gave."""
    records = _lines(folder / "qa_feedback" / "dev_feedback.jsonl.gz")
    return [_row("qa_feedback", n, one["question"], str(one["gold"])) for n, one in enumerate(records, start=1)]


def llmbar(folder: Path) -> Rows:
    """Instructions of LLMBar with their first answer, each instruction once."""
    seen: dict[str, str] = {}
    for one in _lines(folder / "llmbar" / "items.jsonl.gz"):
        seen.setdefault(one["input"].strip(), one["output_1"])
    return [_row("llmbar", n, user, said) for n, (user, said) in enumerate(seen.items(), start=1)]


def nlupp(folder: Path) -> Rows:
    """3,080 turns of customers of a bank and a hotel, each text once."""
    texts = [one["text"] for one in _lines(folder / "banking77" / "nlupp_multi_intent.jsonl")]
    return [_row("nlupp", n, text, "") for n, text in enumerate(dict.fromkeys(texts), start=1)]


def mmlu(folder: Path) -> Rows:
    """505 questions of MMLU on history, sociology and algebra with their choices as the answer."""
    seen = {one["original"]: one for one in _lines(folder / "rephrased_tests" / "mmlu_pairs.jsonl.gz")}
    return [
        _row("mmlu", n, text, one["choices"]["ABCD".index(one["answer"])])
        for n, (text, one) in enumerate(seen.items(), start=1)
    ]


def _halves(load: Callable[[Path], Rows], part: int) -> Callable[[Path], Rows]:
    """The first `part` per cent of the rows in a fixed shuffled order as the evaluation, the others for training."""

    def first(folder: Path) -> Rows:
        rows = load(folder)
        return [row for n, row in enumerate(rows) if n * 7919 % 100 < part]

    return first


def _rest(load: Callable[[Path], Rows], part: int) -> Callable[[Path], Rows]:
    def last(folder: Path) -> Rows:
        return [row for n, row in enumerate(load(folder)) if n * 7919 % 100 >= part]

    return last


def _both(*loads: Callable[[Path], Rows]) -> Callable[[Path], Rows]:
    return lambda folder: [row for load in loads for row in load(folder)]


Split = tuple[Callable[[Path], Rows], Callable[[Path], Rows]]

# The shares that self-leak asks for were chosen on these,
CHOSEN: Mapping[str, Split] = {
    "banking77": (banking77, banking77_test),
    "clinc150": (clinc150, clinc150_test),
    "star": (_rest(star, 10), _halves(star, 10)),
    "llmbar": (_both(gpteacher, _rest(llmbar, 50)), _halves(llmbar, 50)),
    "gpteacher": (_rest(gpteacher, 10), _halves(gpteacher, 10)),
}
# n = 4 had been proposed by others after 13 settings were tried on these,
PROPOSED: Mapping[str, Split] = {
    "gsm8k": (gsm8k, gsm8k_test),
    "humaneval": (_both(code_candidates, gpteacher), humaneval),
}
# and nothing was chosen on these.
HELD_OUT: Mapping[str, Split] = {
    "xstest": (_both(harmless, llmbar), xstest),
    "qa_feedback": (_both(gpteacher, _rest(qa_feedback, 50)), _halves(qa_feedback, 50)),
    "harmless": (_both(llmbar, _rest(harmless, 30)), _halves(harmless, 30)),
    "nlupp": (_rest(nlupp, 30), _halves(nlupp, 30)),
    "bfcl": (_rest(bfcl_live, 30), _halves(bfcl_live, 30)),
    "mmlu": (_both(gpteacher, _rest(mmlu, 50)), _halves(mmlu, 50)),
    "roleplay": (_rest(roleplay, 10), _halves(roleplay, 10)),
}
