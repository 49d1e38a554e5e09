"""The local engine on the shipped base: rendering, batches, limits, scores, journals."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.kit.errors import Refused
from headgate.models.chat_template import FIXED_CONVERSATIONS, ChatTemplate
from headgate.models.engines.transformers_local import LocalModel, open_local
from headgate.models.model import Completion, Prompt, Sampling
from headgate.models.opening import open_model
from headgate.models.tokenizer import Tokenizer

pytestmark = pytest.mark.training

BASE = Path(__file__).parents[3] / "examples/base/headgate-tiny"
ASKED = [
    "what is my checking account balance",
    "Play the next song.",
    "how do i say thank you in french, and how would I say it to a friend that I have known for many years",
    "hi",
]
GREEDY = Sampling(max_tokens=12)


def prompt(text: str) -> Prompt:
    return ({"role": "user", "content": text},)


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    opened = open_local(BASE)
    yield opened
    opened.close()


def test_rendering_and_tokens_are_those_of_transformers() -> None:
    """Whoever serves the folder with the library sends the same ids."""
    from transformers import AutoTokenizer

    template, tokenizer, theirs = ChatTemplate.of_folder(BASE), Tokenizer(BASE), AutoTokenizer.from_pretrained(BASE)
    assert template is not None
    for messages, opening in FIXED_CONVERSATIONS:
        text = template.render(messages, add_generation_prompt=opening)
        assert text == theirs.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=opening)
        ids = theirs.apply_chat_template(list(messages), add_generation_prompt=opening, return_dict=True)["input_ids"]
        assert tokenizer.encode([text])[0].ids == list(ids)


def test_the_base_knows_the_intents_it_was_built_on(model: LocalModel) -> None:
    """The skill is there before any tuning; answers end by themselves."""
    answers = model.generate([prompt(text) for text in ASKED[:2]], GREEDY)
    assert [(one.text, one.finish_reason) for one in answers] == [("balance", "stop"), ("next song", "stop")]


def test_answers_do_not_depend_on_the_batch(model: LocalModel) -> None:
    """Padding to a longer neighbour changes no word."""
    one_by_one = open_local(BASE, batch=1).generate([prompt(text) for text in ASKED], GREEDY)
    assert model.generate([prompt(text) for text in ASKED], GREEDY) == one_by_one


def test_lengths_and_stop_texts_end_an_answer(model: LocalModel) -> None:
    """Too few tokens is said to be that; a stop text cuts the answer before itself."""
    asked = [prompt(ASKED[1])]
    (short,) = model.generate(asked, replace(GREEDY, max_tokens=1))
    (stopped,) = model.generate(asked, replace(GREEDY, stop=(" song",)))
    assert (short.finish_reason, short.usage["completion"]) == ("length", 1)
    assert (stopped.text, stopped.finish_reason) == ("next", "stop")


def test_a_prompt_that_does_not_fit_is_an_error_and_never_cut(model: LocalModel) -> None:
    """The others of the batch are answered."""
    long, fine = model.generate([prompt("card " * 1100), prompt(ASKED[1])], GREEDY)
    assert (long.outcome, long.finish_reason, fine.text) == ("error", "context", "next song")


def test_a_conversation_the_template_refuses_is_an_error(model: LocalModel) -> None:
    """The template's own words are passed on."""
    (answer,) = model.generate([({"role": "tool", "content": "42"},)], GREEDY)
    assert (answer.outcome, "knows the roles" in answer.error) == ("error", True)


def test_sampling_repeats_with_its_seed_whatever_the_batch(model: LocalModel) -> None:
    """A drawn answer is a function of prompt and seed."""
    drawn = replace(GREEDY, temperature=1.5, seed=4)
    asked = [prompt(text) for text in ASKED]
    whole = model.generate(asked, drawn)
    assert [model.generate([one], drawn)[0] for one in asked] == whole
    assert model.generate(asked, replace(drawn, seed=5)) != whole


def test_log_probabilities_are_those_of_the_answer(model: LocalModel) -> None:
    """The answer the model gives is likelier than another; one number per token and the end."""
    pairs = [(prompt(ASKED[1]), "next song"), (prompt(ASKED[1]), "balance"), (prompt(ASKED[0]), "balance")]
    likely, unlikely, _ = scores = model.log_probabilities(pairs)
    assert [len(one) for one in scores] == [len(Tokenizer(BASE).encode([text])[0].ids) + 1 for _, text in pairs]
    assert sum(likely) > math.log(0.5) > sum(unlikely)
    alone = model.log_probabilities(pairs[:1])[0]
    assert alone == pytest.approx(likely, abs=1e-4)


class Book:
    """A journal in memory."""

    def __init__(self) -> None:
        self.known: dict[str, Completion] = {}

    def get(self, key: str) -> Completion | None:
        return self.known.get(key)

    def put(self, key: str, completion: Completion) -> None:
        self.known[key] = completion


def test_known_answers_are_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt given twice is answered once; a second call answers from the journal alone."""
    opened = open_model(f"local:{BASE}")
    book, steps = Book(), []
    asked = [prompt(ASKED[0]), prompt(ASKED[1]), prompt(ASKED[0])]
    first = asyncio.run(opened.complete(asked, settings=GREEDY, journal=book, advance=steps.append))
    assert (len(book.known), sum(steps), first[0]) == (2, 3, first[2])
    monkeypatch.setattr(LocalModel, "_batch", lambda *_: pytest.fail("asked again"))
    again = asyncio.run(opened.complete(asked, settings=GREEDY, journal=book, advance=steps.append))
    assert (again, sum(steps)) == (first, 6)
    assert opened.count_tokens(asked[0]) == first[0].usage["prompt"]
    opened.close()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("vocab_size", 1025, "the base cannot be loaded"),
        ("num_hidden_layers", "x", "expected int, got str"),
        ("hidden_size", -1, "is not a multiple of the number of attention heads"),
        ("rope_scaling", [1], "the setting rope_scaling of a model cannot be read"),
        ("layer_types", [[1]], "the setting layer_types of a model cannot be read"),
        ("vocab_size", 10**30, "the settings of a model cannot be read"),
    ],
)
def test_a_base_whose_settings_are_wrong_is_refused(tmp_path: Path, key: str, value: object, said: str) -> None:
    """Somebody edited config.json: bad input with its reason, and no accident of ours."""
    base = Path(shutil.copytree(BASE, tmp_path / "base"))
    settings = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(settings | {key: value}))
    with pytest.raises(Refused) as refused:
        open_local(base)
    assert said in f"{refused.value.what}: {refused.value.found}"
