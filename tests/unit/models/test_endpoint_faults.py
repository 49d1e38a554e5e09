"""Every fault of a server ends in the right class of outcome, and never in a silent zero."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from headgate.kit.errors import Refused
from headgate.kit.progress import silent
from headgate.models.endpoint import EndpointModel
from headgate.models.journal import Journal
from headgate.models.model import Completion, Sampling, identity, request_key, seed_of
from headgate.models.opening import open_model
from headgate.testing.fake_endpoint import FakeEndpoint, Request
from headgate.testing.faults import Plan, always, either, first, where

SAMPLING = Sampling(max_tokens=16)


def told(text: str) -> tuple[dict[str, str], ...]:
    return ({"role": "user", "content": text},)


def echo(request: Request) -> str:
    return f"answer to {request.text}"


def ask(
    folder: Path, faults: Plan, prompts: list[str], *, attempts: int = 4, **options: float
) -> tuple[list[Completion], FakeEndpoint]:
    server = FakeEndpoint(echo, faults=faults)
    with server:
        model = EndpointModel(server.url, "fake-model", first_wait=0.001, attempts=attempts, **options)
        with Journal.of(folder, model.fingerprint) as journal:
            answers = asyncio.run(
                model.complete([told(p) for p in prompts], settings=SAMPLING, journal=journal, advance=silent)
            )
    return answers, server


@pytest.mark.parametrize("fault", ["429", "500", "reset", "malformed", "empty"])
def test_a_passing_fault_is_asked_again(tmp_path: Path, fault: str) -> None:
    """Faults that vanish leave the right answer and cost one more request."""
    answers, server = ask(tmp_path, first(2, fault), ["one"])
    assert (answers[0].outcome, answers[0].text) == ("ok", "answer to one")
    assert [r.fault for r in server.journal] == [fault, fault, ""]


@pytest.mark.parametrize("fault", ["429", "500", "reset", "malformed", "empty", "stall"])
def test_a_lasting_fault_is_an_error_and_not_a_zero(tmp_path: Path, fault: str) -> None:
    """An item that keeps failing has outcome error and a reason; its neighbours are answered."""
    # Only a stall is to run into the time limit; the others must not, however busy the machine is.
    timeout = 2.0 if fault == "stall" else 30.0
    answers, server = ask(tmp_path, where("bad", fault), ["good 1", "bad", "good 2"], attempts=2, timeout=timeout)
    assert [a.outcome for a in answers] == ["ok", "error", "ok"]
    assert answers[1].text == "" and answers[1].error.startswith("failed after 2 attempts: ")
    assert server.sent()["bad"] == 2


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_server_that_names_the_limit_otherwise_loses_nothing(tmp_path: Path, attempts: int) -> None:
    """Requests under way when the first is refused are sent again under the other name; later ones begin with it."""
    prompts = [f"item {number}" for number in range(40)]
    answers, server = ask(tmp_path, always("new-limit"), prompts, attempts=attempts, concurrency=8)
    assert {("ok", "stop")} == {(one.outcome, one.finish_reason) for one in answers}
    refused = [one for one in server.journal if "max_tokens" in one.body]
    assert (True, 40) == (1 <= len(refused) <= 8, len(server.journal) - len(refused))
    assert {16} == {one.body.get("max_completion_tokens") for one in server.journal if one not in refused}


def test_broken_answers_share_one_reason(tmp_path: Path) -> None:
    """Where an answer broke off differs from item to item; why it has no score is told once, with a count."""
    answers, _ = ask(tmp_path, where("bad", "malformed"), ["bad", "bad and longer", "good"], attempts=1)
    assert [True, True, False] == ["malformed answer" in one.error for one in answers]
    assert answers[0].error == answers[1].error


@pytest.mark.parametrize(
    ("fault", "outcome", "finish", "text"),
    [
        ("length", "ok", "length", "answer"),
        ("content_filter", "error", "content_filter", ""),
        ("refusal", "ok", "refusal", "I cannot help with that."),
        ("no-usage", "ok", "stop", "answer to one"),
        ("new-fingerprint", "ok", "stop", "answer to one"),
        ("duplicate-choices", "ok", "stop", "answer to one"),
        ("context", "error", "context", ""),
    ],
)
def test_an_odd_answer_keeps_its_kind(tmp_path: Path, fault: str, outcome: str, finish: str, text: str) -> None:
    """Answers that arrive whole but odd are told apart by finish reason and asked once."""
    answers, server = ask(tmp_path, always(fault), ["one"])
    assert (answers[0].outcome, answers[0].finish_reason) == (outcome, finish)
    assert answers[0].text.startswith(text) and bool(answers[0].text) == bool(text)
    assert len(server.journal) == 1


def test_oddities_are_noted(tmp_path: Path) -> None:
    """Missing usage and extra choices are said beside the answer."""
    plans = either(where("a", "no-usage"), where("b", "duplicate-choices"))
    answers, _ = ask(tmp_path, plans, ["a", "b", "c"])
    assert [a.notes for a in answers] == [
        ("no usage was sent",),
        ("2 choices were sent, the first was used",),
        (),
    ]
    assert [bool(a.usage) for a in answers] == [False, True, True]


def test_a_changed_server_changes_the_identity(tmp_path: Path) -> None:
    """Answers of two server versions have another identity than answers of one."""
    steady, _ = ask(tmp_path / "1", always("no-usage"), ["a", "b"])
    changed, _ = ask(tmp_path / "2", where("b", "new-fingerprint"), ["a", "b"])
    assert {a.version for a in steady} == {"fp_fake_1"}
    assert {a.version for a in changed} == {"fp_fake_1", "fp_fake_1-changed"}
    assert identity("b3:x", steady) == identity("b3:x", steady[:1])
    assert identity("b3:x", steady) != identity("b3:x", changed)


def test_retry_after_is_obeyed_up_to_the_longest_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait is what the server asks for, cut at the longest wait."""
    waits: list[float] = []
    sleep, ours = asyncio.sleep, threading.current_thread()

    async def noted(seconds: float) -> None:
        if threading.current_thread() is not ours:  # a server of another test may still be ending
            await sleep(seconds)
            return
        waits.append(seconds)

    monkeypatch.setattr("headgate.models.endpoint.asyncio.sleep", noted)
    server = FakeEndpoint(echo, faults=first(1, "429"), retry_after=7.5)
    with server:
        for longest in (60.0, 2.0):
            model = EndpointModel(server.url, f"m{longest}", longest_wait=longest)
            with Journal.of(tmp_path, model.fingerprint) as journal:
                asyncio.run(model.complete([told("x")], settings=SAMPLING, journal=journal, advance=silent))
    assert [w for w in waits if w] == [7.5, 2.0]


def test_equal_prompts_are_asked_once(tmp_path: Path) -> None:
    """Five equal prompts are one request, and the bar still moves five steps."""
    steps: list[int] = []
    with FakeEndpoint(echo) as server:
        model = open_model(server.spec("fake-model"))
        with Journal.of(tmp_path, model.fingerprint) as journal:
            answers = asyncio.run(
                model.complete([told("same")] * 5, settings=SAMPLING, journal=journal, advance=steps.append)
            )
            again = asyncio.run(
                model.complete([told("same")] * 5, settings=SAMPLING, journal=journal, advance=steps.append)
            )
        assert len(server.journal) == 1
    assert answers == again and len(answers) == 5
    assert sum(steps) == 10


def test_a_failed_request_is_open_for_the_next_run(tmp_path: Path) -> None:
    """Errors of transport are not journalled as answers; the next run asks again and succeeds."""
    with FakeEndpoint(echo, faults=first(2, "500")) as server:
        model = EndpointModel(server.url, "m", first_wait=0.001, attempts=2)
        outcomes = []
        for _ in range(2):
            with Journal.of(tmp_path, model.fingerprint) as journal:
                answers = asyncio.run(model.complete([told("x")], settings=SAMPLING, journal=journal, advance=silent))
                outcomes.append((answers[0].outcome, journal.size, journal.failures))
    assert outcomes == [("error", 0, 1), ("ok", 1, 1)]


def test_a_refused_key_stops_the_run_and_is_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP 401 is refused with the variable's name; the key is in no message and no file."""
    monkeypatch.setenv("HEADGATE_API_KEY", "sk-very-secret")
    with pytest.raises(Refused) as caught:
        ask(tmp_path, always("401"), ["x"])
    assert "HEADGATE_API_KEY" in str(caught.value)
    assert "sk-very-secret" not in str(caught.value) + "".join(p.read_text() for p in tmp_path.rglob("*.jsonl"))


def test_the_key_reaches_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key travels as a bearer token and stays out of the journal."""
    monkeypatch.setenv("HEADGATE_API_KEY", "sk-very-secret")
    _, server = ask(tmp_path, always("no-usage"), ["x"])
    assert [r.key for r in server.journal] == ["sk-very-secret"]
    assert all(b"sk-very-secret" not in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_nobody_listening_is_refused(tmp_path: Path) -> None:
    """A closed port is the user's to mend, not a column of zeros."""
    with FakeEndpoint(echo) as server:
        url = server.url
    model = EndpointModel(url, "m", first_wait=0.001, attempts=2)
    with Journal.of(tmp_path, model.fingerprint) as journal, pytest.raises(Refused, match="does not answer"):
        asyncio.run(model.complete([told("x")], settings=SAMPLING, journal=journal, advance=silent))


def test_a_server_that_dies_stops_the_run(tmp_path: Path) -> None:
    """Many failures in a row end the run with a refusal instead of a long column of errors."""
    with pytest.raises(Refused, match="20 requests in a row failed"):
        ask(tmp_path, always("500"), [f"p{i}" for i in range(60)], attempts=1, concurrency=4)


@pytest.mark.parametrize(
    "spec", ["gpt-4", "ftp://x/v1#m", "http://user:pw@127.0.0.1/v1#m", "http://127.0.0.1/v1", "local:/no/such"]
)
def test_a_wrong_address_is_refused(spec: str) -> None:
    """Addresses that cannot be a model are refused before anything is sent."""
    with pytest.raises(Refused):
        open_model(spec)


def test_the_key_of_a_request_depends_on_everything_that_could_change_the_answer() -> None:
    """Model, words and sampling are all in the key."""
    keys = {
        request_key("m", told("a"), SAMPLING),
        request_key("n", told("a"), SAMPLING),
        request_key("m", told("b"), SAMPLING),
        request_key("m", told("a"), Sampling(max_tokens=17)),
        request_key("m", told("a"), Sampling(max_tokens=16, stop=("\n",))),
    }
    assert len(keys) == 5
    assert request_key("m", told("a"), SAMPLING) == request_key("m", told("a"), Sampling(max_tokens=16))


def test_answers_that_are_drawn_have_a_seed_for_each_prompt() -> None:
    """With the same random numbers for all prompts a rate over them would be all or nothing."""
    drawn = Sampling(temperature=1.0, seed=7)
    assert seed_of(drawn, ["a"]) == seed_of(drawn, ["a"])
    assert 100 == len({seed_of(drawn, [str(number)]) for number in range(100)})
    assert seed_of(drawn, ["a"]) != seed_of(Sampling(temperature=1.0, seed=8), ["a"])
    assert (7, None) == (seed_of(Sampling(seed=7), ["a"]), seed_of(Sampling(temperature=1.0), ["a"]))
