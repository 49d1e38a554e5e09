"""Planted skills: orthogonal ones are kept by stacking, an adapter and its negation leave the base.

Answers are one token long, so that an adapter reads the request alone and never what another made the model say.
"""

from __future__ import annotations

import csv
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_adapters import BASE, make_adapter, shapes_of

from headgate.cli.main import main
from headgate.evaluate.settings import SuiteSettings
from headgate.fleet.composition.composing import CHOOSE, GATE, Composed, Request, compose
from headgate.fleet.composition.plans import distance, plans_of, weighted_sum
from headgate.fleet.composition.remembering import remember
from headgate.fleet.engines.peft_merging import open_merger
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.models.adapter import adapter_mark
from headgate.models.chat_template import ChatTemplate
from headgate.models.engines.transformers_local import load_base, open_local
from headgate.models.lora import read_factors
from headgate.models.model import Sampling
from headgate.models.routing import fit, read_router
from headgate.models.tokenizer import Tokenizer
from headgate.stats.verdict import Outcome

pytestmark = pytest.mark.training

WORDS = ["card", "bank", "money", "pin", "phone", "bill", "date", "time"]
SIGNS = {"red": "music", "blue": "weather"}  # the words that call for each skill
STEM = "model.layers.0.self_attn.v_proj"


def requests_with(sign: str) -> list[str]:
    """All requests of three words that begin with the sign."""
    return [" ".join((sign, *three)) for three in itertools.permutations(WORDS, 3)]


def ids_of(texts: list[str]) -> set[int]:
    template, tokenizer = ChatTemplate.of_folder(BASE), Tokenizer(BASE)
    assert template is not None
    talks = [template.render([{"role": "user", "content": text}], add_generation_prompt=True) for text in texts]
    return {token for one in tokenizer.encode(talks) for token in one.ids}


def keyed_adapter(folder: Path, sign: str, others: set[int], seed: int) -> Path:
    """An adapter that reads one direction: that in which the tokens of its sign differ from all others."""
    base = load_base(BASE)
    norm = base.model.model.layers[0].input_layernorm
    seen = norm(base.model.model.embed_tokens.weight.detach()).numpy()
    own = sorted(ids_of([sign]) - others)
    fixed = seen[sorted(others)]
    free = seen[own[0]] - fixed.T @ np.linalg.lstsq(fixed.T, seen[own[0]], rcond=None)[0]
    down = (free / (free @ seen[own[0]]))[None]
    up = np.random.default_rng(seed).normal(0, 6, (shapes_of()[STEM][0], 1))
    return make_adapter(folder, rank=1, factors={STEM: (down, up)})


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Path]]:
    """Two adapters that answer only where their own sign stands, and items of what each says alone."""
    folder = tmp_path_factory.mktemp("skills")
    plain = ids_of([*WORDS, " ".join([WORDS[-1], *WORDS])])  # each word first, and after another
    calls = {name: requests_with(sign) for sign, name in SIGNS.items()}
    adapters, base = {}, open_local(BASE)
    for n, (sign, name) in enumerate(SIGNS.items()):
        every = plain | ids_of([other for other in SIGNS if other != sign])
        adapters[name] = keyed_adapter(folder / name, sign, every - (ids_of([sign]) - plain), seed=n)
    greedy = Sampling(max_tokens=1)
    for name, adapter in adapters.items():
        asked = [({"role": "user", "content": text},) for text in calls[name]]
        bare, own = base.generate(asked, greedy), open_local(BASE, adapter=adapter).generate(asked, greedy)
        rows = [
            (t, o.text) for t, b, o in zip(calls[name], bare, own, strict=True) if o.text != b.text and o.text.strip()
        ]
        write(folder / f"{name}.csv", rows[:: len(rows) // 100][:120])
    kept = [" ".join(three) for three in itertools.permutations(WORDS, 3)][1::3][:90]
    said = base.generate([({"role": "user", "content": text},) for text in kept], greedy)
    write(folder / "plain.csv", [(text, one.text) for text, one in zip(kept, said, strict=True) if one.text.strip()])
    return folder, adapters


def write(path: Path, rows: list[tuple[str, str]]) -> None:
    assert len(rows) >= 80, f"{len(rows)} items of {path.stem}"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("prompt", "completion"), *rows])


def request_of(folder: Path, adapters: dict[str, Path], plans: list[str], skills: list[str], **more) -> Request:
    shares = {CHOOSE: 0.4, GATE: 0.6}
    suites = {
        name: SuiteSettings(items=f"{name}.csv", shares=shares, scorer="exact", cut_off="scored") for name in skills
    }
    return Request(
        base=BASE, adapters=adapters, skills=suites, plans=plans_of(plans, len(adapters)), folder=folder, max_tokens=1,
        **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def orthogonal(planted) -> Composed:
    """The two skills and one of the base, by four plans."""
    folder, adapters = planted
    return compose(
        request_of(folder, adapters, ["route", "stack", "cat", "ties@0.2"], ["music", "weather", "plain"], margin=0.05)
    )


def test_orthogonal_skills_are_both_kept_by_stacking_and_by_routing(orthogonal) -> None:
    """Nothing conflicts, nothing is flagged, each skill passes; what the base can do is not lost."""
    assert [Outcome.PASS] == [one.outcome for one in orthogonal.conflicts]
    by_plan = {one.plan.name: one for one in orthogonal.tried}
    for name in ("stack", "route"):
        outcomes = {one.details["skill"]: one.outcome for one in by_plan[name].verdicts}
        told = [(one.summary, one.reason) for one in by_plan[name].verdicts]
        assert {"music": Outcome.PASS, "weather": Outcome.PASS, "plain": Outcome.PASS} == outcomes, told
    assert Outcome.PASS is orthogonal.outcome
    assert orthogonal.alone["music"]["music"] > 0.95 > 0.05 > orthogonal.alone[""]["music"]


def test_halving_each_update_is_seen_where_it_loses_the_skill(orthogonal) -> None:
    """The mean of two updates is half of each: what that leaves is measured, and a loss is no pass."""
    halved = next(one for one in orthogonal.tried if one.plan.name == "cat")
    for verdict in halved.verdicts:
        if verdict.details["adapter"]:
            kept = verdict.details["retention"]["value"]
            assert (kept < 0.8) == (verdict.outcome is Outcome.FAIL) or verdict.outcome is Outcome.UNSURE


def test_an_adapter_and_its_negation_equal_the_untuned_base(planted, tmp_path: Path) -> None:
    """Conflict of everything; the mean keeps nothing and says so; routing still serves both."""
    folder, adapters = planted
    factors = {stem: (one.down, -one.up) for stem, one in read_factors(adapters["music"]).items()}
    other = make_adapter(tmp_path / "not", rank=1, factors=factors)
    found = compose(request_of(folder, {"music": adapters["music"], "not": other}, ["cat", "stack"], ["music"]))
    (conflicting,) = found.conflicts
    assert (Outcome.FAIL, 1.0) == (conflicting.outcome, conflicting.details["opposite_signs"])
    for tried in found.tried:
        (verdict,) = tried.verdicts
        assert (Outcome.FAIL, True) == (verdict.outcome, verdict.details["retention"]["like_base"])
        assert "perhaps nothing" in verdict.summary
    assert Outcome.FAIL is found.outcome


def test_an_adapter_with_safety_behaviour_is_never_merged(planted, tmp_path: Path) -> None:
    """Whatever is kept; routed it may be. The plan that passes is written whole, one that fails is not."""
    folder, adapters = planted
    request = request_of(folder, adapters, ["stack"], ["music", "weather"], protected=["music"], out=tmp_path / "out")
    found = compose(request)
    assert ["safety-averaged"] == [one.rule for one in found.verdicts if one.outcome is Outcome.FAIL]
    assert (None, False) == (found.written, (tmp_path / "out").exists())
    routed = compose(replace(request, plans=plans_of(["route"], 2)))
    assert (Outcome.PASS, tmp_path / "out") == (routed.outcome, routed.written)
    router = read_router(tmp_path / "out" / "router.json")
    assert ["music", "weather"] == [router.choose(f"{sign} pin bill date").adapter for sign in SIGNS]


def test_a_written_merge_serves_what_was_measured_and_hangs_below_its_parents(planted, tmp_path: Path) -> None:
    """Its record is that of an adapter of this base; the ledger knows what it was made from."""
    folder, adapters = planted
    request = request_of(folder, adapters, ["stack"], ["music", "weather"], out=tmp_path / "merged")
    found = compose(request)
    asked = [({"role": "user", "content": "red card bank pin"},)]
    greedy = Sampling(max_tokens=1)
    assert found.written is not None
    merged = open_local(BASE, adapter=found.written).generate(asked, greedy)
    assert open_local(BASE, adapter=adapters["music"]).generate(asked, greedy) == merged
    with Ledger.open(tmp_path, create=True) as ledger:
        for name, one in adapters.items():
            ledger.record("adapter", name, {"digest": adapter_mark(one).digest})
        remember(ledger, request, found)
        node = ledger.find("adapter")[-1]
        parents = {ledger.node(edge.target_id).name for edge in ledger.edges_from(node.id, "derived-from")}
        assert ({"music", "weather"}, adapter_mark(found.written).digest) == (parents, node.body["digest"])
    with pytest.raises(Refused, match="there already"):
        compose(request)


def test_peft_merges_what_it_is_told_whatever_the_scale_and_rank(tmp_path: Path) -> None:
    """`cat` is the weighted sum, `svd` close to it; plans on factors are not, and are said not to be."""
    attention = lambda stem: stem.startswith("model.layers.0.self_attn")  # noqa: E731
    first = make_adapter(tmp_path / "a", seed=1, rank=4, lora_alpha=12, use_rslora=True, wanted=attention)
    second = make_adapter(tmp_path / "b", seed=2, rank=6, lora_alpha=3, wanted=attention)
    factors = {"a": read_factors(first), "b": read_factors(second)}
    merger = open_merger(BASE, factors)
    off = {}
    for plan in plans_of(["cat", "svd", "linear", "ties@0.5", "dare_linear@0.5", "magnitude_prune_svd@0.5"], 2):
        merger.merge(plan, tmp_path / plan.name, seed=3)
        merged = read_factors(tmp_path / plan.name)
        off[plan.name] = distance(merged, weighted_sum(list(factors.values()), plan.weight))
    assert off["cat"] < 1e-3 < off["svd"] < 0.75 < off["linear"]
    merger.merge(plans_of(["dare_linear@0.5"], 2)[0], tmp_path / "again", seed=3)
    assert adapter_mark(tmp_path / "dare_linear@0.5") == adapter_mark(tmp_path / "again")
    alone = open_merger(BASE, {"a": factors["a"]})
    alone.merge(plans_of(["cat"], 1)[0], tmp_path / "one", seed=0)
    assert distance(read_factors(tmp_path / "one"), weighted_sum([factors["a"]], 1.0)) < 1e-4


def test_the_command_says_what_it_found(planted, tmp_path: Path, capsys, monkeypatch) -> None:
    """Conflicts alone without skills; with them the verdict of the chosen plan; bad input ends with 2."""
    folder, adapters = planted
    monkeypatch.chdir(folder)

    def run(*words: str) -> tuple[int, str]:
        given = [part for name, one in adapters.items() for part in ("--adapter", f"{name}={one}")]
        with pytest.raises(SystemExit) as ended:
            main(["fleet", "compose", "--base", str(BASE), *given, *words])
        return int(ended.value.code or 0), capsys.readouterr().out

    code, out = run("--json")
    assert (0, "skipped", []) == (code, json.loads(out)["outcome"], json.loads(out)["plans"])
    skills = ["--skill", "music=music.csv", "--skill", "weather=weather.csv", "--plan", "stack"]
    skills += ["--scorer", "exact", "--max-tokens", "1"]
    code, out = run(*skills, "--out", str(tmp_path / "merged"))
    assert (0, True) == (code, (tmp_path / "merged" / "headgate.json").exists())
    assert "chosen: stack, pass, written to" in out
    assert 2 == run("--plan", "blend")[0]
    assert 2 == run("--skill", "nobody=music.csv")[0]


def test_a_router_chooses_by_words_and_keeps_no_text(tmp_path: Path) -> None:
    """Words of one adapter's requests decide; a request like none goes to the base; saved it says the same."""
    texts = {"cards": [f"my card number {n} is lost" for n in range(9)], "songs": [f"play song {n}" for n in range(9)]}
    router = fit(texts)
    assert ["cards", "songs", ""] == [
        router.choose(text).adapter for text in ("my card is lost", "song please", "xyz qrs tuv wvu")
    ]
    router.save(tmp_path / "router.json")
    raw = (tmp_path / "router.json").read_text()
    assert read_router(tmp_path / "router.json").choose("my card is lost") == router.choose("my card is lost")
    assert not any(word in raw for word in ("lost", "number", "play"))
    (tmp_path / "router.json").write_text(raw.replace('"form":1', '"form":2'))
    with pytest.raises(Refused, match="not a router"):
        read_router(tmp_path / "router.json")
    with pytest.raises(Refused, match="none for songs"):
        fit({"cards": texts["cards"], "songs": []})
