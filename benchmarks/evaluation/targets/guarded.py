"""Targets of the pools and of the reward governor, from the results of their own benchmarks."""

from __future__ import annotations

from target import Results, Target

POOLS, GOVERNOR = "benchmarks/evaluation/pool_attacks.json", "benchmarks/evaluation/governor.json"
ATTACK, GOVERN = "python benchmarks/evaluation/pool_attacks.py DATA", "python benchmarks/evaluation/governor.py DATA"
HONEST = ("honest: right in 60 %", "honest: right in 80 %")
TOLD = "governor on the other part"


def _share(one: Results) -> float:
    return float(one["fires"] / one["of"])


def _copies(told: Results) -> str:
    found = told["failure_copies"]
    parts = [f"{name}: {found[name]['fires']} of {found[name]['of']}" for name in found if " " in name]
    return "; ".join(parts)


def _copies_met(told: Results) -> bool:
    found = told["failure_copies"]
    random = [_share(one) for name, one in found.items() if name.endswith("random")]
    return _share(found["10 failures"]) >= 0.80 and max(random) <= 0.05 and not found["0 clean"]["fires"]


def _log(told: Results) -> str:
    return ", ".join(f"{name} {found} of {of}" for name, (found, of) in told["log"].items())


def _log_met(told: Results) -> bool:
    log = told["log"]
    return log["untouched"][0] == 0 and all(a == b for name, (a, b) in log.items() if name != "untouched")


def _governor(told: Results) -> str:
    out = []
    for name, one in told[TOLD].items():
        out.append(f"{name} {one['200']['stopped']:.1%} and {one['400']['stopped']:.1%}")
    return "stopped at 200 and 400 prompts: " + "; ".join(out)


def _governor_met(told: Results) -> bool:
    found = told[TOLD]
    hacked = found["hacked: brevity"]
    seen = hacked["200"]["stopped"] >= 0.55 and hacked["400"]["stopped"] >= 0.75
    honest = [found[name][size] for name in HONEST for size in ("100", "200", "400")]
    unfounded = [found[name][size]["and the whole part had not fallen"] for name in found for size in ("200", "400")]
    return seen and max(one["stopped"] for one in honest) <= 0.06 and max(unfounded) == 0


def _degenerate(told: Results) -> str:
    found = {name: one for name, one in told["degenerate"].items() if isinstance(one, dict)}
    parts = [f"{name}: {one['outcome']} (overlap {one['overlap']:.3f})" for name, one in found.items()]
    return "; ".join(parts) + f"; real models stopped: {told['degenerate']['real models stopped']}"


def _degenerate_met(told: Results) -> bool:
    found = [one for one in told["degenerate"].values() if isinstance(one, dict)]
    return all(one["outcome"] == "fail" for one in found) and told["degenerate"]["real models stopped"].startswith("0 ")


def _drift(told: Results) -> str:
    kinds: dict[str, list[float]] = {}
    for one in told["drift"].values():
        kinds.setdefault(one["kind"], []).append(abs(one["length"]))
    return "d_z of length: " + "; ".join(
        f"{kind} {min(some):.2f} to {max(some):.2f} ({len(some)} pairs)" for kind, some in kinds.items()
    )


def _drift_met(told: Results) -> bool:
    pairs = told["drift"].values()
    same = [abs(one["length"]) for one in pairs if one["kind"] == "version"]
    other = [abs(one["length"]) for one in pairs if one["kind"] != "version"]
    return max(same) < 0.3 <= min(other)


GUARDED: tuple[Target, ...] = (
    Target(
        id="T7",
        asked="failure-copy door: power 0.80 at 10 injected, 0.05 on random paraphrases, none on clean rows",
        results=POOLS,
        measured=_copies,
        met=_copies_met,
        command=ATTACK,
        data="rephrased GSM8K and the released verdicts of its strongest model",
        held_out="nothing was fitted to these draws",
    ),
    Target(
        id="T9",
        asked="split by group: no opening turn of a conversation in two pools",
        results=POOLS,
        measured=lambda r: (
            f"{r['conversations']['shared']} shared; {r['conversations']['shared_row_by_row']} "
            "where rows are spread one by one"
        ),
        met=lambda r: r["conversations"]["shared"] == 0,
        command=ATTACK,
        data="HH-RLHF harmless, 2,312 rows",
        held_out="nothing was fitted",
    ),
    Target(
        id="T10",
        asked="Ladder at n 200 and 500 submissions: inflation 0.075 at most with a fixed step, 0.095 without "
        "parameter, where the plain pool shows 0.30",
        results=POOLS,
        measured=lambda r: ", ".join(f"{name} {value:.3f}" for name, value in r["boosting"]["inflation"].items()),
        met=lambda r: (
            r["boosting"]["inflation"]["plain"] >= 0.30
            and r["boosting"]["inflation"]["fixed"] <= 0.075
            and r["boosting"]["inflation"]["parameter-free"] <= 0.095
        ),
        command=ATTACK,
        data="simulation, fixed seeds",
        held_out="nothing was fitted",
        tests=("tests/unit/evaluate/test_suites_and_pools.py::test_the_ladder_resists_the_boosting_attack",),
    ),
    Target(
        id="T11",
        asked="every edit, deletion, change of order and cut of the access log is noticed",
        results=POOLS,
        measured=_log,
        met=_log_met,
        command=ATTACK,
        data="made for it",
        held_out="nothing was fitted",
        tests=("tests/unit/evaluate/test_access_log.py::test_every_edit_of_every_field_is_noticed",),
    ),
    Target(
        id="T14",
        asked="governor: 0.55 and 0.75 stops of a hacked reward at 200 and 400 prompts, 0.06 of an honest one, none at "
        "200 without a real fall",
        results=GOVERNOR,
        measured=_governor,
        met=_governor_met,
        command=GOVERN,
        data="AlpacaEval is not in the data; best of n over Gorilla's recorded answers to 1,757 questions instead",
        held_out="the way of choosing the rival was picked on the other half of the questions",
        note="The reward that is hacked at once is stopped as asked and an honest one hardly ever; but a reward that "
        "knows nothing, and rarely an honest one, is stopped without a fall of the whole, and turns of three points "
        "that come late are mostly too small for 400 prompts.",
    ),
    Target(
        id="T15",
        asked="a constant answer is blocked at the best win rate; a gamed one is flagged for low overlap",
        results=GOVERNOR,
        measured=_degenerate,
        met=_degenerate_met,
        command=GOVERN,
        data="AlpacaEval is not in the data; planted answers beside 16 real arms instead",
        held_out="nothing was fitted to the planted answers",
        note="The answers that game the judge are planted.",
    ),
    Target(
        id="T16",
        asked="clear length twins cross d_z 0.3, versions of one model stay below",
        results=GOVERNOR,
        measured=_drift,
        met=_drift_met,
        command=GOVERN,
        data="AlpacaEval is not in the data; pairs of XSTest, GSM8K, LLMBar and qa_feedback instead",
        held_out="nothing was fitted",
        note="The pairs are others than those asked for.",
    ),
)
