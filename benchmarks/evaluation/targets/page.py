"""Writes docs/evaluation-targets.md from committed results: what was asked, what was measured, and what was missed.

    python benchmarks/evaluation/targets/page.py

Nothing is measured here. A target is met or missed by its numbers; a contract test holds the page to them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from guarded import GUARDED
from target import Results, Target, points

from headgate.kit.files import write_text

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "evaluation-targets.md"
MODELS = ("gpt4", "llama2new", "llama2orig", "mistralguard", "mistralinstruct")


def _detector(told: Results) -> str:
    found = {name: told["detector"][name]["both"] for name in ("all", "neither seen", *MODELS)}
    by_model = ", ".join(f"{name} {found[name]['kappa']:.2f} ({points(found[name]['bias'])})" for name in MODELS)
    return (
        f"κ {found['all']['kappa']:.3f}, rate bias {points(found['all']['bias'])} points; "
        f"by held-out model {by_model}; "
        f"where rules saw neither model nor prompt κ {found['neither seen']['kappa']:.3f}"
    )


def _detector_met(told: Results) -> bool:
    held = [told["detector"][name]["both"] for name in MODELS]
    whole = told["detector"]["all"]["both"]["kappa"] >= 0.85 and min(one["kappa"] for one in held) >= 0.70
    return whole and max(abs(one["bias"]) for one in held) <= 0.03


def _correction(told: Results) -> str:
    one = told["correction"]["40"]
    return f"{one['narrower']:.1%} narrower, coverage {one['coverage']:.3f}"


def _judges(told: Results) -> str:
    cards = told["T12"]["cards"]
    licensed = [name.replace("_", " ") for name, one in cards.items() if one["licensed"]]
    return f"licensed: {', '.join(licensed)}; refused: the other {len(cards) - len(licensed)}"


def _judges_met(told: Results) -> bool:
    cards = told["T12"]["cards"]
    good = all(cards[name]["licensed"] for name in ("GPT-4 Metrics_Reference", "PaLM2 Metrics_Reference"))
    return good and not any(cards[f"{name} Vanilla"]["licensed"] for name in ("ChatGPT", "LLaMA2", "Falcon"))


def _arms(told: Results) -> str:
    parts = []
    for hub, one in told["T18"].items():
        ft, rt = one["Gorilla_FT oracle minus Gorilla_FT bm25"], one["Gorilla_RT oracle minus Gorilla_RT bm25"]
        parts.append(
            f"{hub}: FT {one['Gorilla_FT 0_shot']:.3f}, with BM25 {one['Gorilla_FT bm25']:.3f}, oracle minus BM25 "
            f"{points(ft['d'])} (FT) and {points(rt['d'])} (RT)"
        )
    return "; ".join(parts)


def _paraphrase(told: Results) -> str:
    one = told["gsm8k, held out"]["recall_at_false_rows_per_10000"]
    return f"{one['5']:.3f} at 5 false rows in 10,000, {one['20']:.3f} at 20, {one['100']:.3f} at 100"


def _paraphrase_met(told: Results) -> bool:
    one = told["gsm8k, held out"]["recall_at_false_rows_per_10000"]
    return one["5"] >= 0.78 and one["100"] >= 0.88


def _campaign(told: Results) -> str:
    one = told["T23"]
    words = ", ".join(f"`{rule}` {found['outcome']}" for rule, found in one["verdicts"].items())
    return (
        f"{words}; gate {one['gate']}, stopped by {', '.join(one['stopped_by'])}; {one['seconds']:g} s of wall, "
        f"{one['cpu_seconds']:g} s of processor (load {one['load']:g} on two threads)"
    )


def _campaign_met(told: Results) -> bool:
    one = told["T23"]
    found = {rule: each["outcome"] for rule, each in one["verdicts"].items()}
    told_apart = (found["safety-refusal"], found["safety-over-refusal"], one["gate"]) == ("fail", "pass", "fail")
    return told_apart and one["stopped_by"] == ["safety-refusal"] and one["seconds"] < 60


PLACE = "benchmarks/evaluation/targets"
RECORDED, SIMULATED, SERVED = (f"{PLACE}/{one}.json" for one in ("recorded", "simulated", "served"))
GSM8K, XSTEST = "GSM8K, released solutions of four models", "XSTest, 2,250 labelled answers of five models"
RUN = "python benchmarks/evaluation/targets/recorded.py DATA"
WORDS = "benchmarks/evaluation/refusal_words.json"
FIT = "python benchmarks/evaluation/refusal_words.py DATA/xstest/labelled_completions.jsonl.gz"

MEASURED: tuple[Target, ...] = (
    Target(
        id="T1",
        asked="the extractor of numbers agrees with 5,276 of 5,276 released verdicts",
        results=RECORDED,
        measured=lambda r: f"{r['T1']['agreed']:,} of {r['T1']['of']:,}",
        met=lambda r: r["T1"]["agreed"] == 5276,
        command=f"{RUN} T1",
        data=GSM8K,
        held_out="nothing was fitted",
        tests=("tests/unit/evaluate/test_answer_scoring.py::test_released_verdicts_of_gsm8k_are_reproduced",),
    ),
    Target(
        id="T2",
        asked="a comparison gives d -0.0432, SE 0.0144, exact p 0.00315",
        results=RECORDED,
        measured=lambda r: f"d {r['T2']['d']}, SE {r['T2']['se']}, p {r['T2']['p']}",
        met=lambda r: (r["T2"]["d"], r["T2"]["se"], r["T2"]["p"]) == (-0.0432, 0.0144, 0.00315),
        command=f"{RUN} T2",
        data=GSM8K,
        held_out="nothing was fitted",
    ),
    Target(
        id="T3",
        asked="clustered over naive standard error 4.06 on 180 scores of five inputs",
        results=RECORDED,
        measured=lambda r: f"{r['T3']['ratio']} on {r['T3']['scores']} scores of {r['T3']['inputs']} inputs",
        met=lambda r: r["T3"]["ratio"] == 4.06,
        command=f"{RUN} T3",
        data="few-shot curves, classification with eight examples",
        held_out="nothing was fitted",
    ),
    Target(
        id="T4",
        asked="refusal detector: κ 0.85 in all, 0.70 in every held-out model, rate bias 3 points at most",
        results=WORDS,
        measured=_detector,
        met=_detector_met,
        command=FIT,
        data=XSTEST,
        held_out="every model in turn, with a fifth of the prompts; choices within the other four",
        tests=("tests/unit/text/test_refusals.py::test_refusals_that_argue_are_found_by_all_their_words",),
        note="Both bounds of κ hold. The rates of two models are off by more than three points, one downwards and one "
        "upwards: how a model phrases a refusal is its own, and none of the others shows it. No rate is shown without "
        "labels of a sample, which correct it (T5).",
    ),
    Target(
        id="T5",
        asked="with 40 labels an interval 35 % narrower than by labels alone, coverage 0.94",
        results=WORDS,
        measured=_correction,
        met=lambda r: r["correction"]["40"]["narrower"] >= 0.35 and r["correction"]["40"]["coverage"] >= 0.94,
        command=FIT,
        data=XSTEST,
        held_out="as T4",
        tests=("tests/unit/stats/test_detection.py::test_a_biased_detector_is_put_right",),
    ),
    Target(
        id="T6",
        asked="paraphrase door: recall 0.78 at 0.1 % and 0.88 at 1 % clean flags; tells its expected false rows",
        results="benchmarks/planted/leaks/rephrased_grid.json",
        measured=_paraphrase,
        met=_paraphrase_met,
        command="python benchmarks/planted/leaks/rephrased_grid.py --data DATA",
        data="llm-decontaminator's rephrased GSM8K against GSM8K train",
        held_out="every other question; settings were chosen on the rest",
        note="Recall at 10 in 10,000 lies between the first two figures.",
    ),
    Target(
        id="T8",
        asked="a few-shot leak in a task of three documents with two examples is found",
        results=RECORDED,
        measured=lambda r: f"{r['T8']['outcome']}, {r['T8']['found']} items sent with themselves as example",
        met=lambda r: (r["T8"]["outcome"], r["T8"]["found"]) == ("fail", 2),
        command=f"{RUN} T8",
        data="made for it",
        held_out="nothing was fitted",
        tests=("tests/unit/evaluate/test_suites_and_pools.py::test_an_example_that_is_the_item_itself_is_a_leak",),
    ),
    Target(
        id="T12",
        asked="licenses GPT-4 and PaLM2 with metrics and reference, refuses ChatGPT, LLaMA2 and Falcon plain",
        results=RECORDED,
        measured=_judges,
        met=_judges_met,
        command=f"{RUN} T12",
        data="LLMBar, MT-Bench and LLMEval² pairs with recorded verdicts; FairEval is not in the data",
        held_out="thresholds were chosen on all of it elsewhere; on two subsets alone (93 pairs) the length tell of "
        "nobody is settled, so nobody would be licensed on them",
        tests=("tests/unit/judges/test_real_judges.py::test_who_is_licensed",),
    ),
    Target(
        id="T13",
        asked="the anchored vote is right on 0.84 with 20 anchors; unanchored, the plain pool is told unsafe",
        results=RECORDED,
        measured=lambda r: (
            f"{r['T12']['anchored']['20']:.3f} in the mean of 100 draws; plain pool unanchored: "
            f"{r['T12']['plain_unanchored']}"
        ),
        met=lambda r: r["T12"]["anchored"]["20"] >= 0.84 and r["T12"]["plain_unanchored"] == "unsafe",
        command=f"{RUN} T12",
        data="LLMBar, five judges with all prompts in both orders",
        held_out="each draw is judged on the pairs that are no anchors",
        tests=("tests/unit/judges/test_real_judges.py::test_the_anchored_vote_of_real_judges",),
    ),
    Target(
        id="T17",
        asked="grounding: AUROC 0.87 of sentence support, precision 0.70 of missing numbers",
        results=RECORDED,
        measured=lambda r: (
            f"AUROC {r['T17']['auroc']:.3f}, precision {r['T17']['precision']:.3f} on "
            f"{r['T17']['number_missing']} sentences with a missing number, of {r['T17']['sentences']:,}"
        ),
        met=lambda r: r["T17"]["auroc"] >= 0.87 and r["T17"]["precision"] >= 0.70,
        command=f"{RUN} T17",
        data="FineGrainedRLHF, first predictions, sentences that people marked as ungrounded or not verifiable",
        held_out="nothing was fitted to these labels",
    ),
    Target(
        id="T18",
        asked="`decide` says: fine-tune, do not add this retriever, mend retrieval; undecided on TorchHub",
        results=RECORDED,
        measured=_arms,
        met=lambda _: None,
        command=f"{RUN} T18",
        data="Gorilla's released answers, scored by the interface that they name and its domain",
        held_out="nothing was fitted",
        note="These are the paired arms that a decision needs; the decision itself is not part of evaluation.",
    ),
    Target(
        id="T19",
        asked="at most 5 % false collapse on flat few-shot curves at every n from 10 to 200",
        results=SIMULATED,
        measured=lambda r: (
            f"{r['T19']['worst']:.1%} at worst; a loss of 20 points is told in "
            + ", ".join(f"{one['lower by 20']:.0%} at {n}" for n, one in r["T19"]["curves"].items())
        ),
        met=lambda r: r["T19"]["worst"] <= 0.05,
        command="python benchmarks/evaluation/targets/simulated.py",
        data="simulation, fixed seed",
        held_out="nothing was fitted",
        tests=("tests/unit/stats/test_stats_fewshot_curve.py::test_flat_curves_raise_no_alarm",),
    ),
    Target(
        id="T20",
        asked="26 items never show no regression within 5 points unless the interval does; needs about 370",
        results=SIMULATED,
        measured=lambda r: (
            f"{r['T20']['equal']['beyond_the_interval']} of 8,000 decisions beyond their interval; "
            f"equal models pass in {r['T20']['equal']['no_regression']:.1%}, 5 points worse in "
            f"{r['T20']['lower by 5']['no_regression']:.1%}; items told: "
            f"{r['T20']['equal']['median_items_told']:g} in the median, {r['T20']['items_needed']} by the formula"
        ),
        met=lambda r: (
            all(r["T20"][one]["beyond_the_interval"] == 0 for one in ("equal", "lower by 5"))
            and 350 <= r["T20"]["items_needed"] <= 390
        ),
        command="python benchmarks/evaluation/targets/simulated.py",
        data="simulation, fixed seed",
        held_out="nothing was fitted",
    ),
    Target(
        id="T21",
        asked="wrong labels: recall 0.85 at 10 % noise, precision 0.70",
        results=RECORDED,
        measured=lambda r: f"recall {r['T21']['recall']:.3f}, precision {r['T21']['precision']:.3f}",
        met=lambda r: r["T21"]["recall"] >= 0.85 and r["T21"]["precision"] >= 0.70,
        command=f"{RUN} T21",
        data=XSTEST,
        held_out="each row is judged by classifiers that saw neither it nor its prompt; the second round, which learns "
        "without the rows that the first suspects, was the best of six ways on XSTest, so this figure flatters it; "
        "it was better on banking77 and CLINC150 as well, which had no part in that choice",
    ),
    Target(
        id="T22",
        asked="the fake endpoint answers 2,000 requests a second on two cores; every fault ends in its class",
        results=SERVED,
        measured=lambda r: (
            f"{r['T22']['requests_per_second']:,} a second at a load of {r['T22']['load']:g} on two "
            f"threads, {r['T22']['requests_per_cpu_second']:,} a second of processor time"
        ),
        met=lambda r: r["T22"]["requests_per_second"] >= 2000,
        command="python benchmarks/evaluation/targets/served.py DATA T22",
        data="none",
        held_out="nothing was fitted",
        tests=(
            "tests/unit/evaluate/test_candidate_faults.py::test_what_stays_is_no_zero",
            "tests/unit/models/test_endpoint_faults.py::test_a_lasting_fault_is_an_error_and_not_a_zero",
        ),
        note="The machine was shared with other work while it was measured; the faults are tests.",
    ),
    Target(
        id="T23",
        asked="replayed before and after: fail on refusals, pass on over-refusal, in under 60 s",
        results=SERVED,
        measured=_campaign,
        met=_campaign_met,
        command="python benchmarks/evaluation/targets/served.py DATA T23",
        data="XSTest, llama2-orig and mistral-instruct, with people's labels; GSM8K beside it",
        held_out="nothing was fitted",
    ),
)


TARGETS = sorted((*MEASURED, *GUARDED), key=lambda one: int(one.id[1:]))


def page() -> str:
    """The whole page."""
    found = [(one, json.loads((ROOT / one.results).read_text(encoding="utf-8"))) for one in TARGETS]
    words = {True: "met", False: "missed", None: "not measured as asked"}
    rows = [f"| {one.id} | {one.asked} | {one.measured(told)} | {words[one.met(told)]} |" for one, told in found]
    out = [
        "# Targets of evaluation",
        "",
        "What evaluation was to reach, and what it reaches, from results that are committed beside the code.",
        "Generated by `python benchmarks/evaluation/targets/page.py`; a test holds it to those results.",
        "`DATA` is a folder of development data in the forms of their origins. AlpacaEval is not in that data; "
        "targets that name it are measured on other recorded answers, as their rows say.",
        "",
        "| target | asked | measured | |",
        "|---|---|---|---|",
        *rows,
        "",
        "## Where the figures come from",
        "",
    ]
    for one, told in found:
        out += [f"### {one.id}: {words[one.met(told)]}", "", f"- data: {one.data}", f"- held out: {one.held_out}"]
        out += [f"- results: `{one.results}`", f"- command: `{one.command}`"]
        out += [f"- also: `{test}`" for test in one.tests]
        out += [f"- {one.note}"] if one.note else []
        out.append("")
    return "\n".join(out).rstrip() + "\n"


def main() -> None:
    write_text(PAGE, page())


if __name__ == "__main__":
    main()
