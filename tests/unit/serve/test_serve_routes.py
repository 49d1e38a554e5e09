"""A router as a model: each request goes to one adapter by its words, and what was decided can be traced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from made_adapters import BASE

from headgate.cli.main import main
from headgate.kit.errors import Refused
from headgate.models.routing import fit
from headgate.serve.engines.openai_app import in_thread
from headgate.serve.names import GivenNames
from headgate.serve.opening import open_desk
from headgate.serve.routes import read_routes
from headgate.serve.settings import Settings

pytestmark = pytest.mark.training

EXAMPLES = {"a1": [f"my card number {n} is lost" for n in range(9)], "a2": [f"play song {n}" for n in range(9)]}


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a composition by routing."""
    folder = tmp_path_factory.mktemp("both")
    fit(EXAMPLES).save(folder / "router.json")
    return folder


@pytest.fixture(scope="module")
def served(made: dict[str, Path], router: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a server with two adapters and their router, and the file of its decisions."""
    settings = Settings(port=0, grace=5.0)
    log = tmp_path_factory.mktemp("log") / "routes.jsonl"
    names = GivenNames({name: made[name] for name in EXAMPLES})
    desk = open_desk(BASE, names, settings, routes=read_routes({"desk": router}, log))
    with in_thread(desk, settings) as url:
        yield url, log


def test_each_request_goes_to_the_adapter_of_its_words(served: tuple[str, Path]) -> None:
    """The answer is that of the adapter; body and header name it, and the log says why, without a word of it."""
    url, log = served
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        said: dict[str, Any] = {}
        asked = {"my card is lost": "a1", "play my song": "a2", "xyz qrs tuv wvu": "headgate-tiny"}
        for text, wanted in asked.items():
            turns: Any = [{"role": "user", "content": text}]
            raw = client.chat.completions.with_raw_response.create(
                model="desk", messages=turns, temperature=0, max_tokens=4
            )
            alone = client.chat.completions.create(model=wanted, messages=turns, temperature=0, max_tokens=4)
            assert alone.choices[0].message.content == raw.parse().choices[0].message.content
            assert alone.model == raw.headers["x-headgate-model"] == raw.parse().model
            assert raw.headers["x-headgate-router"].startswith("desk@")
            said[text] = raw.headers["x-request-id"]
        assert "desk" in {one.id for one in client.models.list()}
        with pytest.raises(openai.BadRequestError, match="one prompt as text"):
            client.completions.create(model="desk", prompt=["my card", "play"])
        assert client.completions.create(model="desk", prompt="play song", max_tokens=1).model.startswith("a2@")
    lines = [json.loads(line) for line in log.read_text().splitlines()][:3]
    assert (list(said.values()), ["a1", "a2", ""]) == (
        [one["request"] for one in lines], [one["adapter"] for one in lines],
    )  # fmt: skip
    assert not any(word in log.read_text() for word in ("lost", "song", "xyz"))
    health = httpx.get(url.removesuffix("/v1") + "/healthz").json()
    assert ({"desk": {"a1": 1, "a2": 2, "": 1}}, 0) == (health["routes"], health["routes_not_kept"])


def test_a_router_of_what_is_not_served_is_refused(made: dict[str, Path], router: Path, tmp_path: Path) -> None:
    """Before anything is loaded; so are a name that is taken, a file that is none, and a log that cannot be written."""
    for name, given, wanted in (
        ("desk", {"a1": made["a1"]}, "not served"),
        ("a1", made, "takes the name of an adapter"),
        (BASE.name, made, "takes the name of an adapter"),
    ):
        with pytest.raises(Refused, match=wanted):
            open_desk(BASE, GivenNames(given), Settings(), routes=read_routes({name: router}))
    (tmp_path / "router.json").write_text('{"form": 1, "weights": [], "start": {}}')
    with pytest.raises(Refused, match="not a router"):
        read_routes({"desk": tmp_path})
    with pytest.raises(Refused, match="cannot be kept"):
        read_routes({"desk": router}, tmp_path / "no/routes.jsonl")
    with pytest.raises(Refused, match="not a name for a router"):
        read_routes({"../desk": router})


def test_decisions_that_cannot_be_kept_hold_up_no_answer(router: Path, tmp_path: Path) -> None:
    """They are counted."""
    routes = read_routes({"desk": router}, tmp_path / "routes.jsonl")
    (tmp_path / "routes.jsonl").unlink()
    (tmp_path / "routes.jsonl").mkdir()
    routes.keep(routes.choose("desk", "play song"), "r1", "a2@1")
    assert 1 == routes.lost


def test_the_command_checks_a_router_with_its_adapters(
    made: dict[str, Path], router: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` loads what it chooses among; without them the exit code is 2."""

    def run(*words: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(["serve", "--base", str(BASE), "--check", "--router", f"desk={router}", *words])
        return int(ended.value.code or 0)

    both = [part for name in EXAMPLES for part in ("--adapter", f"{name}={made[name]}")]
    assert (0, 2) == (run(*both), run(*both[:2]))
    assert "a2" in capsys.readouterr().err
