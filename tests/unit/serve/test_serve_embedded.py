"""The embedded engine: a mixed batch says what each adapter says alone, and what PEFT says."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch  # noqa: TID253 - the engine's own numbers are compared
from made_adapters import BASE, make_adapter, save_tensors, seal

from headgate.kit.errors import Refused
from headgate.models.engines.transformers_local import attach, load_base, open_local
from headgate.models.model import Sampling
from headgate.serve.engines.cohort import begun, joined, kept, stepped
from headgate.serve.engines.embedded import Embedded, open_runtime
from headgate.serve.engines.lora_rows import LoraRows, read_weights
from headgate.serve.names import GivenNames, Served
from headgate.serve.runtime import Ask, Full, Piece
from headgate.serve.settings import Settings

pytestmark = pytest.mark.training

ASKED = ["Play the next song.", "what is my checking account balance", "how do i say thank you in french", "hi"]


@pytest.fixture(scope="module")
def engine(made: dict[str, Path]) -> Iterator[tuple[Embedded, dict[str, Served]]]:
    """An engine with every adapter loaded."""
    runtime = open_runtime(BASE, Settings(batch=32, queue=40))
    served = {one.name.partition("@")[0]: one for one in GivenNames(made).read().served.values()}
    for one in served.values():
        runtime.load(one)
    yield runtime, served
    runtime.close(5.0)


def prompt_ids(text: str) -> tuple[int, ...]:
    from headgate.models.chat_template import ChatTemplate
    from headgate.models.tokenizer import Tokenizer

    template = ChatTemplate.of_folder(BASE)
    assert template is not None
    whole = template.render([{"role": "user", "content": text}], add_generation_prompt=True)
    return tuple(Tokenizer(BASE).encode([whole])[0].ids)


def answered(runtime: Embedded, asks: Sequence[Ask]) -> list[list[Piece]]:
    """All answers, asked for at once."""
    found: list[list[Piece]] = [[] for _ in asks]
    left, over = [len(asks)], threading.Event()

    def feed_of(n: int):
        def feed(piece: Piece) -> None:
            found[n].append(piece)
            if piece.finish_reason or piece.error:
                left[0] -= 1
                if not left[0]:
                    over.set()

        return feed

    for n, ask in enumerate(asks):
        runtime.submit(ask, feed_of(n))
    assert over.wait(60)
    return found


def text(pieces: list[Piece]) -> str:
    return "".join(one.text for one in pieces)


def test_a_mixed_batch_says_what_peft_says_adapter_by_adapter(engine, made) -> None:
    """Every row of a batch over six adapters and the base, of two ranks, equals PEFT's answer with one adapter."""
    runtime, served = engine
    names = ["", *served]
    asks = [
        Ask(prompt=prompt_ids(asked), adapter=served[name].name if name else "", max_tokens=10)
        for asked in ASKED
        for name in names
    ]
    before = runtime.mixed
    mixed = answered(runtime, asks)
    assert runtime.mixed > before
    greedy = Sampling(max_tokens=10)
    for column, name in enumerate(names):
        alone = open_local(BASE, adapter=made[name] if name else None)
        expected = alone.generate([({"role": "user", "content": asked},) for asked in ASKED], greedy)
        rows = [mixed[row * len(names) + column] for row in range(len(ASKED))]
        assert [one.text for one in expected] == [text(one) for one in rows]
        assert [one.usage["completion"] for one in expected] == [sum(p.tokens for p in one) for one in rows]
        assert [one.finish_reason for one in expected] == [one[-1].finish_reason for one in rows]
    assert len({text(one) for one in mixed[: len(names)]}) > 2  # the adapters do differ


@pytest.mark.parametrize("config", [{"lora_alpha": 9}, {"use_rslora": True}, {"alpha_pattern": {"q_proj": 20}}])
def test_scores_are_those_of_peft_under_every_scale(config, tmp_path: Path) -> None:
    """Alpha over rank, rank-stabilised, and by module; both ways of reckoning a batch."""
    adapter = make_adapter(tmp_path / "one", seed=3, rank=5, **config)
    tokens = torch.tensor([prompt_ids(ASKED[0])] * 4)
    loaded = load_base(BASE)
    rows = LoraRows(loaded.model)
    weights = read_weights(adapter, torch.float32, torch.device("cpu"))
    with torch.inference_mode():
        bare = loaded.model(input_ids=tokens).logits
        rows.use([weights] * 4)
        grouped = loaded.model(input_ids=tokens).logits
        rows.use([weights, None, weights, None])
        batched = loaded.model(input_ids=tokens).logits
        rows.use([])
        peft = attach(load_base(BASE), adapter)(input_ids=tokens).logits
    torch.testing.assert_close(grouped, peft, atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(batched[0], peft[0], atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(batched[1], bare[1], atol=2e-4, rtol=1e-4)
    assert float((peft - bare).abs().max()) > 0.1


def test_rows_that_join_and_leave_score_as_if_alone() -> None:
    """The memory of one row is not touched by what is laid beside it."""
    model = load_base(BASE).model
    long, short = list(prompt_ids(ASKED[2])), list(prompt_ids(ASKED[3]))
    with torch.inference_mode():
        alone = stepped(model, stepped(model, begun(model, [short], 0), [7]), [8])
        both = joined(begun(model, [long], 0), begun(model, [short], 0))
        both = stepped(model, both, [9, 7])
        left = kept(both, [1])
        left = stepped(model, left, [8])
    torch.testing.assert_close(left.logits, alone.logits, atol=1e-4, rtol=1e-4)
    assert left.mask.shape == alone.mask.shape


def test_drawn_answers_repeat_with_their_seed_and_pieces_stop(engine) -> None:
    """In company or alone, with nucleus or without; a stop text ends an answer before itself."""
    runtime, served = engine
    ask = Ask(prompt=prompt_ids(ASKED[1]), adapter=served["a1"].name, max_tokens=12, temperature=1.2, top_p=0.9, seed=3)
    (alone,) = answered(runtime, [ask])
    company = [Ask(prompt=prompt_ids(one), adapter=served["a2"].name, max_tokens=6) for one in ASKED]
    assert text(alone) == text(answered(runtime, [*company, ask])[-1])
    (stopped,) = answered(runtime, [Ask(prompt=prompt_ids(ASKED[0]), max_tokens=12, stop=(" song",))])
    assert ("next", "stop") == (text(stopped), stopped[-1].finish_reason)


def test_a_full_queue_refuses_and_a_cancelled_answer_ends(engine) -> None:
    """No more than may wait; whoever hung up is dropped at the next step."""
    runtime, _ = engine
    ended = threading.Semaphore(0)

    def feed(piece: Piece) -> None:
        if piece.finish_reason or piece.error:
            ended.release()

    long = Ask(prompt=prompt_ids("hi"), max_tokens=900, temperature=2.0, seed=1)
    tickets = []
    with pytest.raises(Full, match="wait already"):
        for _ in range(200):
            tickets += [runtime.submit(long, feed)]
    assert 40 <= len(tickets) < 200
    for ticket in tickets:
        ticket.cancel()
    for _ in tickets:
        assert ended.acquire(timeout=60)
    assert {"running": 0, "waiting": 0}.items() <= runtime.standing().items()


def harm_file(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-64])


def harm_config(folder: Path) -> None:
    path = folder / "adapter_config.json"
    path.write_text(path.read_text().replace('"lora_alpha": 4', '"lora_alpha": 16'))


def harm_base(folder: Path) -> None:
    path = folder / "headgate.json"
    path.write_text(path.read_text().replace('"weights": "b3:', '"weights": "b3:0'))


def harm_record(folder: Path) -> None:
    (folder / "headgate.json").unlink()


def harm_variant(folder: Path) -> None:
    path = folder / "adapter_config.json"
    path.write_text(path.read_text().replace('"r": 4', '"r": 4, "init_lora_weights": "pissa"'))
    seal(folder)


def harm_leftover(folder: Path) -> None:
    import numpy as np

    save_tensors(
        folder / "adapter_model.safetensors",
        {f"base_model.model.model.layers.7.mlp.up_proj.lora_{h}.weight": np.ones((4, 4)) for h in "AB"},
    )
    seal(folder)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (harm_file, "cut short"), (harm_config, "settings were changed"), (harm_base, "made for another base"),
        (harm_record, "no record of its base"), (harm_variant, "not a plain LoRA"), (harm_leftover, "does not fit"),
    ],
)  # fmt: skip
def test_what_does_not_belong_is_refused_before_it_is_loaded(engine, tmp_path: Path, harm, said: str) -> None:
    """Each harm has its own reason, whatever name the adapter carries."""
    runtime, _ = engine
    folder = make_adapter(tmp_path / "bad", seed=1)
    harm(folder)
    with pytest.raises(Refused, match=said):
        (served,) = GivenNames({"bad": folder}).read().served.values()
        runtime.load(served)


def test_a_file_that_is_cut_short_or_changed_while_it_is_served_changes_no_answer(
    engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is mapped is a copy that has no name; the file itself, mapped and cut short, would end the process."""
    runtime, _ = engine
    folder, copies = make_adapter(tmp_path / "edited", seed=1), tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))
    (served,) = GivenNames({"edited": folder}).read().served.values()
    runtime.load(served)
    ask = Ask(prompt=prompt_ids("hi"), adapter=served.name, max_tokens=4)
    (before,) = answered(runtime, [ask])
    path = folder / "adapter_model.safetensors"
    maps = Path("/proc/self/maps").read_text()
    assert (False, True) == (str(path) in maps, f"{copies}/headgate-" in maps)
    assert [] == list(copies.iterdir()), "the name of the copy is gone"
    with path.open("r+b") as stream:
        stream.truncate(100)
    assert text(before) == text(answered(runtime, [ask])[0])
    path.unlink()
    assert text(before) == text(answered(runtime, [ask])[0])
    with pytest.raises(Refused, match="cannot be read"):
        runtime.load(served)


def test_a_file_that_changes_while_it_is_proved_is_refused(engine, tmp_path: Path, monkeypatch) -> None:
    """What is read must be what was proved."""
    runtime, _ = engine
    folder = make_adapter(tmp_path / "raced", seed=1)
    (served,) = GivenNames({"raced": folder}).read().served.values()
    path = folder / "adapter_model.safetensors"
    other = make_adapter(tmp_path / "other", seed=2) / "adapter_model.safetensors"
    monkeypatch.setattr(
        "headgate.serve.engines.embedded.must_belong", lambda *_: path.write_bytes(other.read_bytes()), raising=True
    )
    with pytest.raises(Refused, match="changed while it was loaded"):
        runtime.load(served)


@pytest.mark.parametrize("temperature", [1e-300, 1e-45, 1e-40, 1e-12])
def test_almost_no_temperature_takes_the_likeliest(engine, temperature: float) -> None:
    """Clients send tiny temperatures where they mean none; a score divided by one leaves the range of floats."""
    runtime, _ = engine
    greedy, cold = answered(
        runtime, [Ask(prompt=prompt_ids("hi"), max_tokens=5, temperature=t, seed=1) for t in (0.0, temperature)]
    )
    assert text(greedy) == text(cold)


def test_an_answer_that_fails_leaves_those_beside_it_alone(engine, monkeypatch) -> None:
    """What one client asks for ends no other client's answer."""
    runtime, _ = engine

    def picky(scores, temperature, top_p, generator):
        if temperature == 1.5:
            raise RuntimeError("cannot be drawn")
        return int(scores.argmax())

    (alone,) = answered(runtime, [Ask(prompt=prompt_ids("hi"), max_tokens=6)])
    monkeypatch.setattr("headgate.serve.engines.embedded.chosen", picky)
    asks = [Ask(prompt=prompt_ids("hi"), max_tokens=6, temperature=t) for t in (0.0, 1.5, 0.0)]
    first, failed, last = answered(runtime, asks)
    assert "RuntimeError: cannot be drawn" == failed[-1].error
    assert [text(alone)] * 2 == [text(first), text(last)]
