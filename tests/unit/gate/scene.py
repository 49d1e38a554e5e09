"""A project with a trained adapter and recorded evidence, made without training anything."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pyroaring import BitMap

from headgate.gate.run import run
from headgate.gate.settings import Settings
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.rows import RowRecord
from headgate.ledger.steps import StageContext, StepResult, record_step
from headgate.models.adapter import adapter_mark
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.stats.judging import judge_difference, judge_share
from headgate.stats.paired import compare_paired
from headgate.stats.verdict import Outcome, Verdict, worst

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROWS = 4
# What a training records that lacks nothing.
WHOLE = {
    "surroundings": {"outside_code": [], "undeclared_variables": [], "lock": {}},
    "history": {"code": {"project": None}},
}


def tensors(path: Path, scale: float) -> None:
    """A safetensors file with one LoRA pair."""
    content = np.full(8, scale, dtype="<f4").tobytes()
    header = {
        f"base_model.model.layer.lora_{half}.weight": {
            "dtype": "F32",
            "shape": [1, 4] if half == "A" else [4, 1],
            "data_offsets": [start, start + 16],
        }
        for half, start in (("A", 0), ("B", 16))
    }
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)


def comparison(
    gains: int, losses: int, n: int, *, suite: str = "support", pool: str = "gate", reference: str = "base"
) -> Verdict:
    """What an evaluation records for the candidate over a reference."""
    before = np.r_[np.zeros(gains), np.ones(n - gains)]
    after = np.r_[np.ones(n - losses), np.zeros(losses)]
    compared = compare_paired(before, after)
    details = {
        "suite": suite,
        "pool": pool,
        "reference": reference,
        "candidate": "candidate",
        "accuracies": {reference: compared.reference, "candidate": compared.candidate},
    }
    verdict = judge_difference(compared, kind="superiority", name="accuracy gained", details=details)
    return replace(verdict, rule=f"candidate-over-{reference}", failure="ft-vs-prompting")


def better(**about: Any) -> list[Verdict]:
    """A candidate that beats both references by far."""
    return [comparison(80, 10, 400, reference=name, **about) for name in ("base", "few-shot")]


def check(hits: int = 0, rule: str = "learned-typo") -> Verdict:
    """What a check records."""
    verdict = judge_share(hits, 400, name="rows", summary=f"{hits} of 400 rows", zero_tolerance=True)
    return replace(verdict, rule=rule, code="DAT004", failure="learned-typo")


@dataclass
class Scene:
    """A project folder, its ledger, and what the stages above the gate handed on."""

    folder: Path
    ledger: Ledger
    now: datetime = NOW
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)

    @property
    def context(self) -> StageContext:
        """What the flow would give to the next stage."""
        return StageContext(
            folder=self.folder,
            work=self.folder / ".headgate" / "work",
            outputs=self.outputs,
            quiet=True,
            now=self.now,
            flow_name="support",
            steps=self.steps,
        )

    def dataset(self, licence: str = "MIT", until: str | None = None) -> None:
        """Freezes a version of a few rows from one source."""
        source = self.ledger.record("source", "tickets", {"file": "tickets.jsonl"})
        claim = {"source": "headgate.toml", "observed_at": datetime(2026, 1, 1, tzinfo=UTC), "valid_to": until}
        self.ledger.claims.assert_("source:tickets", "licence", licence, **claim)
        rows = [
            Row(kind=Kind.DEMONSTRATION, messages=(Message("user", f"q{i}"), Message("assistant", "a")), side=Side())
            for i in range(ROWS)
        ]
        records = [
            RowRecord(id=one.id, content_id=one.content_id, body=to_bytes(one), source_id=source, subject=None)
            for one in rows
        ]
        numbers = self.ledger.rows.append(records).numbers
        name = self.ledger.versions.freeze(
            "support", numbers=numbers, splits={"train": BitMap(numbers)}, manifest={}, parents=[source]
        )
        self.outputs["curate"] = {"dataset": name}

    def adapter(self, scale: float = 0.5) -> Path:
        """Places an adapter and records its run and base; returns its folder."""
        version = self.ledger.versions.get(self.outputs["curate"]["dataset"])
        base = self.ledger.record(
            "base", "tiny", {"fingerprint": {"weights": "b3:w", "root": "b3:root"}, "folder": "."}
        )
        data = {"split": "train", "rows": ROWS}
        body = {"outcome": "pass", "plan": {"data": data}, "plan_digest": f"b3:plan{scale}", **WHOLE}
        run_id = self.ledger.record("run", "support", body, edges=[Edge("trained-on", version.node_id)])
        place = self.folder / ".headgate" / "work" / "adapters" / f"a{scale}"
        place.mkdir(parents=True, exist_ok=True)
        tensors(place / "adapter_model.safetensors", scale)
        config = {"peft_type": "LORA", "r": 1, "target_modules": ["layer"], "base_model_name_or_path": "/some/where"}
        (place / "adapter_config.json").write_text(json.dumps(config))
        (place / "headgate.json").write_text(json.dumps({"base_name": "tiny"}))
        digest = adapter_mark(place).digest
        edges = [Edge("derived-from", run_id), Edge("derived-from", base)]
        node = self.ledger.record(
            "adapter", f"tiny@{scale}", {"digest": digest, "folder": f"adapters/{place.name}"}, edges=edges
        )
        self.outputs["train"] = {"adapter": node, "run": run_id, "adapter_path": str(place)}
        return place

    def step(self, stage: str, *verdicts: Verdict, outputs: Mapping[str, str] | None = None) -> str:
        """Records a step of a stage with its verdicts."""
        given = dict(outputs or {"done": stage})
        result = StepResult(
            stage=stage, outcome=worst(verdicts), summary=stage, verdicts=tuple(verdicts), outputs=given
        )
        node = record_step(self.ledger, result, key=f"{stage}-{len(self.ledger.find('step'))}")
        self.outputs[stage], self.steps[stage] = given, node
        return node

    def gate(self, **settings: Any) -> StepResult:
        """Runs the gate and hands on its decision."""
        result = run(self.ledger, Settings(**settings), context=self.context)
        self.outputs["gate"] = dict(result.outputs)
        return result

    def decision(self) -> Mapping[str, Any]:
        """Body of the newest decision."""
        return self.ledger.find("decision")[-1].body


def make(folder: Path) -> Scene:
    """A project with dataset and adapter, and no evidence yet."""
    (folder / ".headgate" / "work").mkdir(parents=True)
    (folder / "headgate.toml").write_text('[flow]\nname = "support"\n', encoding="utf-8")
    scene = Scene(folder=folder, ledger=Ledger.open(folder / ".headgate", create=True, clock=lambda: NOW))
    scene.dataset()
    scene.adapter()
    return scene


def ready(folder: Path) -> Scene:
    """The same with a clean check and a candidate that beats both references."""
    scene = make(folder)
    scene.step("check", check())
    scene.step("evaluate", *better())
    return scene


__all__ = ["NOW", "Outcome", "Scene", "better", "check", "comparison", "make", "ready", "tensors"]
