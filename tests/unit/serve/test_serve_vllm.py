"""The engine vLLM against a fake that answers as vLLM 0.32.0 was seen to: arguments, admission, answers, errors."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fake_vllm
import httpx
import pytest
from fake_vllm import DEAD, OUTSIDE, Fake
from made_adapters import BASE, make_adapter

from headgate.kit.errors import Refused, Unavailable
from headgate.models.lora import updates_of
from headgate.serve.desk import Desk
from headgate.serve.engines.openai_app import in_thread
from headgate.serve.engines.vllm_nothing import some_module
from headgate.serve.engines.vllm_program import arguments, environment
from headgate.serve.engines.vllm_server import Vllm, body_of, open_runtime
from headgate.serve.names import GivenNames, Served
from headgate.serve.opening import open_desk
from headgate.serve.runtime import Ask, Piece
from headgate.serve.settings import Settings


@pytest.fixture
def fake() -> Iterator[Fake]:
    server = Fake(BASE)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def engine(fake: Fake) -> Iterator[Vllm]:
    one = open_runtime(BASE, outside(fake))
    yield one
    one.close(1.0)


@pytest.fixture
def program(tmp_path: Path, monkeypatch) -> Path:
    """A program `vllm` on the PATH, of another environment than ours."""
    path = tmp_path / "bin/vllm"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\necho $$ > {tmp_path}/pid\nexec {sys.executable} -I {fake_vllm.__file__} "$@"\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
    return path


def outside(fake: Fake, **more: Any) -> Settings:
    return Settings(engine="vllm", vllm_url=fake.url + "/v1", port=0, grace=1.0, **more)


def served(folder: Path, name: str = "one") -> Served:
    return next(iter(GivenNames({name: folder}).read().served.values()))


def told(engine: Vllm, adapter: str = "", **more: Any) -> list[Piece]:
    """Every piece of one answer."""
    pieces: list[Piece] = []
    engine.submit(Ask(**{"prompt": (5, 6, 7), "adapter": adapter, **more}), pieces.append)
    end = time.monotonic() + 20
    while not (pieces and (pieces[-1].finish_reason or pieces[-1].error)) and time.monotonic() < end:
        time.sleep(0.005)
    return pieces


def said(engine: Vllm, adapter: str = "", **more: Any) -> str:
    pieces = told(engine, adapter, **more)
    return pieces[-1].error or "".join(one.text for one in pieces)


def after(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def test_arguments_of_a_server_with_adapters() -> None:
    """Room for what we hold, what runs and the base; loopback, safetensors, the base's own precision, no defaults."""
    settings = Settings(
        engine="vllm", batch=7, vllm_rank=32, vllm_adapters=3, vllm_held=20, vllm_arguments="--max-model-len 256"
    )
    words = arguments("/opt/v/bin/vllm", BASE, settings, 9000)
    assert ["/opt/v/bin/vllm", "serve", str(BASE), "--host", "127.0.0.1", "--port", "9000"] == words[:7]
    wanted = {
        "--max-loras": "4", "--max-cpu-loras": "28", "--max-lora-rank": "32", "--max-num-seqs": "7",
        "--load-format": "safetensors", "--generation-config": "vllm", "--dtype": "float32", "--max-model-len": "256",
    }  # fmt: skip
    assert wanted == {name: after(words, name) for name in wanted}
    assert "--enable-lora" in words


def test_the_environment_of_a_server_lets_nobody_else_in(monkeypatch) -> None:
    """A key of our own, also where the user has one for another server; no hub is asked."""
    monkeypatch.setenv("VLLM_API_KEY", "of another server")
    found = environment("ours")
    wanted = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "VLLM_API_KEY": "ours", "HF_HUB_OFFLINE": "1"}
    assert wanted == {name: found[name] for name in wanted}


@pytest.mark.parametrize("words", ["--max-loras 2", "--api_key=x", "--enable-l", "--lora-modules a=b", "'"])
def test_words_for_vllm_that_are_ours_are_refused(words: str) -> None:
    """However they are written; others go through."""
    with pytest.raises(Refused, match="words for vLLM"):
        arguments("vllm", BASE, Settings(vllm_arguments=words), 1)
    assert ["-tp", "2"] == arguments("vllm", BASE, Settings(vllm_arguments="-tp 2"), 1)[-2:]


def test_without_the_program_it_is_said_what_is_missing(monkeypatch, tmp_path: Path) -> None:
    """And how to use a server that runs elsewhere; a rank that vLLM has no room for is refused before it starts."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="--vllm URL"):
        open_runtime(BASE, Settings(engine="vllm"))
    with pytest.raises(Refused, match="no such rank"):
        arguments("vllm", BASE, Settings(vllm_rank=24), 1)


def test_a_program_on_the_path_is_started_and_ended(program: Path, tmp_path: Path, capfd) -> None:
    """Its log is not our standard output, its key is its own, and nothing of it is left."""
    engine = open_runtime(BASE, Settings(engine="vllm"))
    folder = make_adapter(tmp_path / "a", seed=1)
    engine.load(served(folder))
    assert ("one@ 3", "") == (said(engine, served(folder).name), engine.trouble())
    engine.close(1.0)
    out, log = capfd.readouterr()
    assert ("", True) == (out, "vLLM says hello" in log)
    assert not alive(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("words", "wanted"), [("--ends", "exit code 3; its log says why"), ("--broken", "cannot run this base.*\n.*")]
)
def test_a_server_that_ends_or_cannot_answer_is_refused_at_the_start(
    program: Path, tmp_path: Path, words: str, wanted: str
) -> None:
    """One that is healthy until its first answer too: the base is asked for a token before anything is served."""
    with pytest.raises(Refused, match=wanted):
        open_runtime(BASE, Settings(engine="vllm", vllm_arguments=words))
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_killed_server_is_told_of(program: Path, tmp_path: Path) -> None:
    """Answers fail with the reason, and health knows it."""
    engine = open_runtime(BASE, Settings(engine="vllm"))
    os.kill(int((tmp_path / "pid").read_text()), 9)
    until(lambda: "exit code 137" in engine.trouble())
    assert "Error" in said(engine)
    engine.close(0.1)


def test_a_server_outlives_ctrl_c_and_not_its_owner(program: Path, tmp_path: Path) -> None:
    """What runs may end after Ctrl-C; a process that is killed takes what it started with it."""
    owner = (
        "import sys\nfrom pathlib import Path\n"
        "from headgate.serve.engines.vllm_program import started\nfrom headgate.serve.settings import Settings\n"
        f"one = started(Path({str(BASE)!r}), Settings())\n"
        "print(one.process.pid, flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        guard = int(process.stdout.readline())
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith("\n"))
        pid = int((tmp_path / "pid").read_text())
        os.kill(guard, signal.SIGINT)
        with pytest.raises(AssertionError):
            until(lambda: not alive(pid), 0.3)
        process.kill()
    until(lambda: not alive(pid))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(found: Callable[[], bool], patience: float = 20.0) -> None:
    end = time.monotonic() + patience
    while not found():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_server_that_is_not_ours_is_refused(fake: Fake, tmp_path: Path) -> None:
    """Nobody there, another folder behind it, a key that is wanted."""
    with pytest.raises(Refused, match="does not answer"):
        open_runtime(BASE, Settings(engine="vllm", vllm_url="http://127.0.0.1:9"))
    fake.root = tmp_path
    with pytest.raises(Refused, match="another folder"):
        open_runtime(BASE, outside(fake))
    fake.root, fake.key = BASE, "secret"
    with pytest.raises(Refused, match=r"does not let us in\n.*Unauthorized\n.*VLLM_API_KEY"):
        open_runtime(BASE, outside(fake))


def test_a_server_with_a_key_is_asked_with_it(fake: Fake, monkeypatch) -> None:
    """From the variable that vLLM itself reads, and not by way of a proxy."""
    fake.key = "secret"
    monkeypatch.setenv("VLLM_API_KEY", "secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    engine = open_runtime(BASE, outside(fake))
    assert "noth 3" == said(engine)
    engine.close(1.0)


def test_what_is_asked_names_every_setting() -> None:
    """What a server would take from the base's generation settings is said; the likeliest token is what vLLM takes."""
    body = body_of(Ask(prompt=(1,), temperature=0.5, top_p=0.9, seed=-3, stop=("x",)), "m", (2, 7))
    wanted = {
        "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0, "stop_token_ids": [2, 7], "temperature": 0.5,
        "top_p": 0.9, "seed": 2**63 - 3, "stop": ["x"],
    }  # fmt: skip
    assert wanted == {name: body[name] for name in wanted}
    likeliest = body_of(Ask(prompt=(1,), temperature=1.0, top_p=0.0), "m", ())
    assert (0.0, 1.0, False) == (likeliest["temperature"], likeliest["top_p"], "seed" in likeliest)


def test_the_base_is_asked_through_an_adapter_of_nothing(fake: Fake, engine: Vllm, tmp_path: Path) -> None:
    """Beside adapters, vLLM on a CPU answers for the base in the words of one of them."""
    one = served(make_adapter(tmp_path / "a", seed=1))
    engine.load(one)
    assert ("noth 3", "one@ 3") == (said(engine), said(engine, one.name))
    folder = Path(next(path for name, path in fake.adapters.items() if name.startswith("nothing")))
    module = some_module(BASE)
    assert module is not None
    found = updates_of(folder)[module.stem]
    assert (module.inputs, module.outputs, 1) == (found.inputs, found.outputs, found.rank)
    assert not any((folder / "adapter_model.safetensors").read_bytes()[-4 * (module.inputs + module.outputs) :])


def test_a_server_that_cannot_read_our_folder_serves_adapters_and_not_the_base(fake: Fake, tmp_path: Path) -> None:
    """Refused with the reason, not answered in the words of an adapter."""
    fake.blind = "nothing"
    engine = open_runtime(BASE, outside(fake))
    one = served(make_adapter(tmp_path / "a", seed=1))
    engine.load(one)
    assert "one@ 3" == said(engine, one.name)
    assert "the base alone cannot be asked beside adapters: vLLM refuses nothing@" in said(engine)
    engine.close(1.0)


def test_a_name_that_the_server_has_from_before_is_loaded_anew(fake: Fake, engine: Vllm, tmp_path: Path) -> None:
    """What it read then was not proved now."""
    one = served(make_adapter(tmp_path / "a", seed=1))
    fake.adapters[one.name] = "elsewhere"
    engine.load(one)
    assert str(one.folder) == fake.adapters[one.name]
    assert ["load", "unload", "load"] == [path[4:].partition("_")[0] for path in fake.told("lora_adapter")][-3:]


def test_what_a_restarted_server_forgot_is_proved_and_loaded_again(fake: Fake, engine: Vllm, tmp_path: Path) -> None:
    """Once, before the answer; a server that holds another base now is found out."""
    one = served(make_adapter(tmp_path / "a", seed=1))
    engine.load(one)
    fake.restart()
    assert ("one@ 3", "noth 3") == (said(engine, one.name), said(engine))
    fake.restart()
    fake.root = tmp_path
    assert "vLLM serves another folder" in said(engine, one.name)


@pytest.mark.parametrize("harm", ["written", "removed"])
def test_an_adapter_whose_files_changed_serves_no_more(fake: Fake, engine: Vllm, tmp_path: Path, harm: str) -> None:
    """vLLM reads them again, unproved, when it dropped the adapter; a missing folder would end the whole server."""
    one = served(make_adapter(tmp_path / "a", seed=1))
    engine.load(one)
    other = make_adapter(tmp_path / "b", seed=2)
    before = len(fake.told("completions"))
    if harm == "removed":
        shutil.rmtree(one.folder)
    else:
        shutil.copy(other / "adapter_model.safetensors", one.folder)
    assert "changed while it was served" in said(engine, one.name)
    assert before == len(fake.told("completions"))


def wrong_base(folder: Path) -> None:
    record = json.loads((folder / "headgate.json").read_text())
    record["base"]["weights"] = "b3:" + "0" * 64
    (folder / "headgate.json").write_text(json.dumps(record))


def cut_short(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def other_architecture(folder: Path) -> None:
    record = json.loads((folder / "headgate.json").read_text())
    record["base_record"] = {"config": {"model_type": "gpt2"}}
    (folder / "headgate.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("harm", "wanted"),
    [(wrong_base, "made for another base"), (cut_short, "cut short"), (other_architecture, "another architecture")],
)
def test_what_does_not_belong_is_refused_before_vllm_hears_of_it(
    fake: Fake, engine: Vllm, tmp_path: Path, harm: Callable[[Path], None], wanted: str
) -> None:
    """vLLM takes an adapter of other shapes without a word, so nothing may reach it that was not proved."""
    one = served(make_adapter(tmp_path / "a", seed=1))
    harm(one.folder)
    with pytest.raises(Refused, match=wanted):
        engine.load(one)
    large = served(make_adapter(tmp_path / "large", rank=65), "large")
    with pytest.raises(Refused, match="rank 65"):
        engine.load(large)
    assert not [body for _, body in fake.seen if body.get("lora_name") in (one.name, large.name)]


def test_errors_come_as_vllm_says_them(fake: Fake, engine: Vllm, tmp_path: Path) -> None:
    """In the stream after status 200, as a body, as an end before the end."""
    assert f"vLLM: Token id {OUTSIDE} is out of vocabulary" == said(engine, prompt=(OUTSIDE,))
    fake.reason = "abort"
    assert "vLLM: the answer ended with 'abort'" == said(engine)
    fake.reason = "length"
    assert "vLLM: it ended the answer after 2 tokens, and 256 were asked for" == said(engine)
    assert "length" == told(engine, max_tokens=2)[-1].finish_reason
    fake.cut = True
    assert "vLLM: the stream broke off" == said(engine)
    fake.cut, fake.broken = False, True
    assert f"vLLM: {DEAD}" == said(engine)
    assert "vLLM does not answer" in engine.trouble()


def test_a_server_that_hangs_gets_an_end(fake: Fake) -> None:
    """Nothing for as long as a request may take; the server is looked at again before the next."""
    engine = open_runtime(BASE, outside(fake, timeout=0.2))
    fake.hangs.clear()
    assert "vLLM: ReadTimeout" in said(engine)
    fake.hangs.set()
    assert "noth 3" == said(engine)
    engine.close(1.0)


def test_a_server_that_takes_no_adapters_says_how_to_start_it(fake: Fake, tmp_path: Path) -> None:
    """The route is not there; a rank above what it was started with is refused in its own words."""
    fake.updating = False
    engine = open_runtime(BASE, outside(fake))
    one = served(make_adapter(tmp_path / "a", seed=1))
    with pytest.raises(Refused, match="VLLM_ALLOW_RUNTIME_LORA_UPDATING"):
        engine.load(one)
    fake.updating, fake.rank = True, 2
    with pytest.raises(Refused, match="LoRA rank 4 is greater than max_lora_rank 2"):
        engine.load(one)
    engine.unload(one)
    engine.close(1.0)


def test_a_server_that_is_gone_stops_no_unloading(fake: Fake, engine: Vllm, tmp_path: Path) -> None:
    """Names go on being followed."""
    one = served(make_adapter(tmp_path / "a", seed=1))
    engine.load(one)
    fake.shutdown()
    fake.server_close()
    engine.unload(one)
    assert "vLLM does not answer" in engine.trouble()


def test_at_the_end_the_server_forgets_our_names(fake: Fake, tmp_path: Path) -> None:
    """One that goes on without us keeps nothing of ours."""
    engine = open_runtime(BASE, outside(fake))
    engine.load(served(make_adapter(tmp_path / "a", seed=1)))
    assert 2 == len(fake.adapters)
    engine.close(1.0)
    assert {} == fake.adapters


def test_the_same_surface_over_vllm(fake: Fake, tmp_path: Path) -> None:
    """Names, admission and shapes are ours; vLLM is given token ids and an adapter that was found to belong."""
    adapters = {name: make_adapter(tmp_path / name, seed=1) for name in ("good", "edited", "large")}
    make_adapter(adapters["large"], rank=70)
    names = GivenNames(adapters)
    (adapters["edited"] / "headgate.json").unlink()
    settings = outside(fake, vllm_held=1, refresh=0.05)
    fake.context = 64
    desk = open_desk(BASE, names, settings)
    with in_thread(desk, settings) as url:

        def ask(model: str, **more: Any) -> httpx.Response:
            body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}
            return httpx.post(url + "/chat/completions", json=body)

        answer = ask("good", stop=["x"], seed=3).json()
        sent = fake.asked()
        assert f"good {len(sent['prompt'])}" == answer["choices"][0]["message"]["content"]
        assert (2, [3, ["x"]]) == (answer["usage"]["completion_tokens"], [sent["seed"], sent["stop"]])
        assert "data: [DONE]" in ask("good", stream=True).text
        assert (200, "nothing") == (ask("headgate-tiny").status_code, fake.asked()["model"].partition("@")[0])
        edited, large = ask("edited").json(), ask("large")
        assert "no record of its base" == edited["error"]["message"].partition("the adapter has ")[2]
        assert (503, True) == (large.status_code, "has rank 70" in large.json()["error"]["message"])
        assert (400, "context_length_exceeded") == (
            ask("good", max_tokens=100).status_code, ask("good", max_tokens=100).json()["error"]["code"],
        )  # fmt: skip
        broken = httpx.post(url + "/completions", json={"model": "good", "prompt": [OUTSIDE]})
        assert (500, "answer_failed") == (broken.status_code, broken.json()["error"]["code"])
        assert_health_follows(url, fake, desk)


def assert_health_follows(url: str, fake: Fake, desk: Desk) -> None:
    health = url.removesuffix("/v1") + "/healthz"
    assert ("ok", "ok") == tuple(httpx.get(health).json()[name] for name in ("status", "engine"))
    fake.broken = True
    until(lambda: httpx.get(health).json()["status"] == "degraded")
    assert "vLLM does not answer" in desk.health()["engine"]
