"""A project's releases, served: names and aliases from the ledger, and the command itself."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from made_adapters import BASE, make_adapter

from headgate.cli.main import main
from headgate.flow.project import open_project
from headgate.flow.serving import LedgerNames, served_from
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Edge
from headgate.models.adapter import adapter_mark
from headgate.models.fingerprint import fingerprint_of
from headgate.release.aliases import MOVE, find_release, move
from headgate.release.run import run
from headgate.release.settings import Settings as ReleaseSettings


@pytest.fixture(scope="module")
def scenes() -> ModuleType:
    """The module that makes scenes, shared with the tests of the gate."""
    name = "headgate_test_scene"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "gate/scene.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def released(scene: Any, scenes: ModuleType, seed: int) -> str:
    """One release of a made adapter for the shipped base."""
    version = scene.ledger.versions.get(scene.outputs["curate"]["dataset"])
    base = scene.ledger.record(
        "base",
        BASE.name,
        {"fingerprint": fingerprint_of(BASE).as_json(), "folder": os.path.relpath(BASE, scene.folder)},
    )
    body = {
        "outcome": "pass",
        "plan": {"data": {"split": "train", "rows": 4}},
        "plan_digest": f"b3:{seed}",
        **scenes.WHOLE,
    }
    ran = scene.ledger.record("run", "support", body, edges=[Edge("trained-on", version.node_id)])
    place = make_adapter(scene.folder / ".headgate/work/adapters" / f"m{seed}", seed=seed)
    told = {"digest": adapter_mark(place).digest, "folder": f"adapters/m{seed}"}
    edges = [Edge("derived-from", ran), Edge("derived-from", base)]
    node = scene.ledger.record("adapter", f"{BASE.name}@{seed}", told, edges=edges)
    scene.outputs["train"] = {"adapter": node, "run": ran, "adapter_path": str(place)}
    scene.now += timedelta(days=1)
    scene.step("check", scenes.check())
    scene.step("evaluate", *scenes.better(), outputs={"scores": str(seed)})
    scene.gate()
    return str(run(scene.ledger, ReleaseSettings(), context=scene.context).outputs["release"])


@pytest.fixture(scope="module")
def project(scenes, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A project folder with two releases; the alias production points at the second."""
    folder = tmp_path_factory.mktemp("project")
    scene = scenes.make(folder)
    (folder / "headgate.toml").write_text(f'[flow]\nname = "support"\n[train]\nbase = "{BASE}"\n')
    names = [released(scene, scenes, seed) for seed in (1, 2)]
    scene.ledger.close()
    return folder, names


def test_names_are_those_of_the_ledger_as_they_move(project) -> None:
    """Releases by name with their folder and digest, aliases as they point; what was retired is gone."""
    folder, (first, second) = project
    opened = open_project(folder)
    names = LedgerNames(opened)
    found = names.read()
    assert ({first, second}, {"production": second}) == (set(found.served), dict(found.aliases))
    found.served[second].must_stand()
    with opened.ledger() as ledger:
        now = opened.context(quiet=True).now
        move(ledger, "staging", first, project=folder, how=MOVE, now=now)
        assert first == names.read().aliases["staging"]
        adapter = find_release(ledger, first).body["adapter"]
        ledger.claims.assert_(adapter, "retired", "retired", source="A. Vos", observed_at=now, valid_to="2026-12-01")
    assert {second} == set(names.read().served)


def test_a_release_whose_files_were_added_to_does_not_stand(project) -> None:
    """The record of the ledger decides, file by file."""
    folder, (_, second) = project
    extra = folder / "releases" / second / "more.txt"
    extra.write_text("x")
    try:
        with pytest.raises(Refused, match="was changed after it was made"):
            LedgerNames(open_project(folder)).read().served[second].must_stand()
    finally:
        extra.unlink()


def test_the_base_is_that_of_the_project_or_one_given(project, tmp_path: Path) -> None:
    """By the flow file, by folder; adapters by hand need one."""
    folder, _ = project
    assert BASE.name == served_from(folder / "headgate.toml", "", {})[1]
    adapter = make_adapter(tmp_path / "one")
    assert ["one"] == list(served_from(Path(), str(BASE), {"one": adapter})[2].read().aliases)
    for base, adapters in (("", {"one": adapter}), ("nowhere", {"one": adapter})):
        with pytest.raises(Refused):
            served_from(folder / "headgate.toml", base, adapters)


@pytest.mark.training
def test_check_loads_every_adapter_and_says_what_is_refused(tmp_path: Path, capsys) -> None:
    """Exit code 0 where all can be served, 2 where one is refused."""
    good, bad = make_adapter(tmp_path / "good"), make_adapter(tmp_path / "bad")
    (bad / "headgate.json").unlink()

    def check(*adapters: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["serve", "--base", str(BASE), "--check", "--json", *adapters])
        return int(ended.value.code or 0), capsys.readouterr().out

    code, out = check("--adapter", f"good={good}")
    assert (0, "pass") == (code, json.loads(out)["outcome"])
    code, out = check("--adapter", f"good={good}", "--adapter", f"bad={bad}")
    refused = {one["model"].partition("@")[0]: one["refused"] for one in json.loads(out)["adapters"]}
    assert (2, {"good": "", "bad": "the adapter has no record of its base"}) == (code, refused)
    assert 2 == check("--adapter", "good")[0]


@pytest.mark.training
def test_the_command_serves_until_it_is_told_to_stop(project) -> None:
    """It says where, answers by alias, and ends with 0 on a signal."""
    folder, (_, second) = project
    words = [sys.executable, "-m", "headgate", "serve", "-f", str(folder / "headgate.toml"), "--port", "0", "--json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines: list[str] = []
        while (line := process.stdout.readline()) and line.rstrip() != "}":
            lines.append(line)
        told = json.loads("".join(lines) + "}")
        assert {second, "production", BASE.name} <= set(told["models"])
        body = {"model": "production", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3}
        said = httpx.post(told["address"] + "/chat/completions", json=body, timeout=30).json()
        assert second == said["model"]
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        assert (0, "") == (process.returncode, errors)
    finally:
        process.kill()


def test_a_port_that_is_taken_is_refused_before_anything_is_loaded(capsys, tmp_path: Path) -> None:
    """With exit code 2, and no base is looked at."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            main(["serve", "--base", str(tmp_path / "absent"), "--port", str(port)])
    assert 2 == ended.value.code
    said = capsys.readouterr().err
    assert "the server cannot listen there" in said
    assert f"127.0.0.1, port {port}: Address already in use" in said
