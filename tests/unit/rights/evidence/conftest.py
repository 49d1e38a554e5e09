"""The scene of the tests of evidence: a released adapter on rows of two sources, about three people."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pyroaring import BitMap

from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.rows import RowRecord
from headgate.release.run import run
from headgate.release.settings import Settings
from headgate.rights.evidence.facts import Facts
from headgate.rights.evidence.gathering import gather
from headgate.rows.row import Kind, Message, Row, Side, to_bytes

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
# Words that stand in rows, and keys of people: neither may be in any document.
SECRETS = ("my-card-was-swallowed", "we-are-sorry-to-hear", "person-anna", "person-bert", "person-carl")


def _rows(source: str) -> list[Row]:
    """Six rows: two people with a claim of consent, one without, one row that a model wrote."""
    people = ("person-anna", "person-bert", "person-carl", "person-anna", None, None)
    sides = [
        Side(
            subject=key,
            source=source,
            language="en",
            licence="CC-BY-4.0" if source == "forum" else None,
            created_at=f"2025-0{number + 1}-15",
            generator="teacher-7b" if key is None and number == 5 else None,
            slices={"customer": "person-anna"},
        )
        for number, key in enumerate(people)
    ]
    return [
        Row(
            kind=Kind.DEMONSTRATION,
            messages=(
                Message("user", f"my-card-was-swallowed {source} {number}"),
                Message("assistant", "we-are-sorry-to-hear"),
            ),
            side=side,
        )
        for number, side in enumerate(sides)
    ]


def scene_module() -> ModuleType:
    """The module that makes scenes, shared with the tests of the gate."""
    name = "headgate_test_scene"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / "gate/scene.py")
        assert spec
        assert spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def freeze(ledger: Ledger) -> str:
    """Freezes twelve rows of two sources, of which only one has terms."""
    claims = {"source": "headgate.toml", "observed_at": datetime(2026, 1, 1, tzinfo=UTC)}
    for what, value in (("licence", "MIT"), ("owner", "Support team"), ("consent", "training")):
        ledger.claims.assert_("source:tickets", what, value, **claims)
    for person in ("person-anna", "person-bert"):
        ledger.claims.assert_(f"subject:{person}", "consent", "training", **claims)
    numbers = BitMap()
    sources = {}
    for name in ("tickets", "forum"):
        sources[name] = ledger.record("source", name, {"name": name})
        records = [
            RowRecord(
                id=one.id, content_id=one.content_id, body=to_bytes(one), source_id=sources[name],
                subject=one.side.subject,
            )
            for one in _rows(name)
        ]  # fmt: skip
        numbers |= ledger.rows.append(records).numbers
    steps = [{"step": "filter", "before": 14, "after": 12, "reasons": {}}]
    return ledger.versions.freeze(
        "support", numbers=numbers, splits={"train": numbers - BitMap([12]), "test": BitMap([12])},
        manifest={"steps": steps}, parents=list(sources.values()),
    )  # fmt: skip


def build(folder: Path) -> Any:
    """A project with a release and everything that led to it."""
    scenes = scene_module()
    (folder / ".headgate" / "work").mkdir(parents=True)
    made = scenes.Scene(folder=folder, ledger=Ledger.open(folder / ".headgate", create=True, clock=lambda: AT))
    made.outputs["curate"] = {"dataset": freeze(made.ledger)}
    made.adapter()
    _with_settings(made)
    made.step("check", scenes.check())
    made.step("evaluate", *scenes.better())
    made.gate()
    result = run(made.ledger, Settings(licence="Apache-2.0", limits=["English only."]), context=made.context)
    made.outputs["release"] = dict(result.outputs)
    told = {"release.licence": ["Apache-2.0", "headgate.toml"], "release.limits": [["English only."], "headgate.toml"]}
    body = {"stage": "release", "outputs": dict(result.outputs), "settings": told}
    made.ledger.record("step", "release", body)
    return made


@pytest.fixture(scope="session")
def scenes() -> ModuleType:
    """The module that makes scenes."""
    return scene_module()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Any]:
    """A project of a test's own, to change."""
    made = build(tmp_path)
    yield made
    made.ledger.close()


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One project for all tests that change nothing."""
    made = build(tmp_path_factory.mktemp("evidence"))
    yield made
    made.ledger.close()


def _with_settings(made: Any) -> None:
    """Trains again with a plan that holds a recipe: another run, another adapter."""
    ledger = made.ledger
    version = ledger.versions.get("support@1")
    base = ledger.find("base")[-1].id
    plan = {
        "data": {"split": "train", "rows": 11, "learned_tokens": 220},
        "settings": {"learning-rate": 0.002, "adapter": {"kind": "lora", "rank": 16}, "seeds": [0, 1]},
        "engine": {"name": "transformers-sft", "source": "b3:" + "e" * 64},
        "environment": {"python": "3.11.9", "packages": {"torch": "2.6"}},
    }
    code = {"headgate": "0.1.0", "source": "b3:" + "c" * 64, "project": {"commit": "a" * 40, "dirty": False}}
    around: dict[str, Any] = {"outside_code": [], "undeclared_variables": [], "lock": {}}
    body = {"outcome": "pass", "plan": plan, "plan_digest": "b3:" + "d" * 64, "code": code, "surroundings": around}
    run_id = ledger.record("run", "support", body, edges=[Edge("trained-on", version.node_id)])
    old = ledger.node(made.outputs["train"]["adapter"])
    edges = [Edge("derived-from", run_id), Edge("derived-from", base)]
    node = ledger.record("adapter", "tiny@planned", dict(old.body) | {"seed": 0}, edges=edges)
    made.outputs["train"] |= {"adapter": node, "run": run_id}


@pytest.fixture(scope="session")
def released(kept: Any) -> Facts:
    """Facts about the release."""
    return gather(kept.ledger, kept.outputs["release"]["release"], AT)


@pytest.fixture(scope="session")
def frozen(kept: Any) -> Facts:
    """Facts about the dataset version alone."""
    return gather(kept.ledger, "support@1", AT)
