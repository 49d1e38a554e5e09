"""An in-toto statement (v1) with SLSA provenance (v1): how a model was made, and from what.

Nothing vouches for the machine that trained it beyond headgate itself, so it claims no more than build level 1. Files
carry BLAKE3 digests, and SHA-256 beside them where the files are at hand; what is no file (base, dataset version) has
the BLAKE3 digest of its canonical form.
"""

from __future__ import annotations

from typing import Any

from headgate.kit.errors import Refused
from headgate.rights.evidence.facts import Facts, FileFacts, ModelFacts, hex_of, urn

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:headgate:build:train:1"
BUILDER = "urn:headgate:builder:local"
SHOWN = ("python", "implementation")  # of the environment; the plan's digest covers the rest


def document(facts: Facts) -> dict[str, Any]:
    """The provenance of a model.

    Raises:
        Refused: the facts are about a dataset version alone.
    """
    model = facts.model
    if model is None:
        raise Refused("provenance of a build is for models", found=facts.name, wanted="a release or an adapter")
    return {
        "_type": STATEMENT,
        "subject": [*(_file(one) for one in model.files), _whole(model)],
        "predicateType": PREDICATE,
        "predicate": {"buildDefinition": _definition(facts, model), "runDetails": _details(facts, model)},
    }


def _definition(facts: Facts, model: ModelFacts) -> dict[str, Any]:
    plan = model.plan
    data = plan.get("data", {})
    told = plan.get("environment", {})
    inner = {
        "plan": model.run.body.get("plan_digest", ""),
        "engine": plan.get("engine", {}),
        "schedules": plan.get("schedules", {}),
        "environment": {name: told[name] for name in SHOWN if name in told},
        "hardware": plan.get("hardware", {}),
    }
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "dataset": facts.data.name,
            "split": data.get("split", ""),
            "base": model.base.name,
            "settings": model.recipe,
        },
        "internalParameters": {key: value for key, value in inner.items() if value},
        "resolvedDependencies": [*_dependencies(facts, model), *_code(model)],
    }


def _dependencies(facts: Facts, model: ModelFacts) -> list[dict[str, Any]]:
    version = facts.data.version
    return [
        {
            "name": model.base.name,
            "uri": urn("base", model.base.id),
            "digest": {"blake3": hex_of(str(model.base.body["fingerprint"]["root"]))},
            "annotations": {"kind": "base", "digest_of": "canonical form of the fingerprint"},
        },
        {
            "name": version.name,
            "uri": urn("dataset-version", version.node_id),
            "digest": {"blake3": hex_of(version.manifest_digest)},
            "annotations": {"kind": "dataset-version", "digest_of": "canonical form of the manifest"},
        },
    ]


def _code(model: ModelFacts) -> list[dict[str, Any]]:
    """Code state as the run recorded it: headgate's own source, and the project where it is in a checkout."""
    code = model.run.body.get("code") or {}
    out: list[dict[str, Any]] = []
    if code.get("source"):
        out.append(
            {
                "name": f"headgate {code.get('headgate', '')}".strip(),
                "digest": {"blake3": hex_of(code["source"])},
                "annotations": {"kind": "source"},
            }
        )
    project = code.get("project") or {}
    if project.get("commit"):
        dirty = "yes" if project.get("dirty") or project.get("untracked") else "no"
        out.append(
            {
                "name": "project",
                "digest": {"gitCommit": project["commit"]},
                "annotations": {"kind": "project", "changed_since_the_commit": dirty},
            }
        )
    return out


def _details(facts: Facts, model: ModelFacts) -> dict[str, Any]:
    evidence: list[dict[str, Any]] = []
    if model.grounds:
        decision = model.grounds.decision
        evidence.append(
            {
                "name": "decision",
                "uri": urn("decision", decision.id),
                "digest": {"blake3": hex_of(decision.id)},
                "annotations": {"outcome": decision.body["outcome"], "waivers": len(model.grounds.waivers)},
            }
        )
    return {
        "builder": {"id": BUILDER, "version": {"headgate": facts.made_by}},
        "metadata": {"invocationId": model.run.id, "finishedOn": model.run.at[:19] + "Z"},
        "byproducts": evidence,
    }


def _file(one: FileFacts) -> dict[str, Any]:
    digests = {"blake3": one.blake3, "sha256": one.sha256}
    return {"name": one.name, "digest": {name: digits for name, digits in digests.items() if digits}}


def _whole(model: ModelFacts) -> dict[str, Any]:
    return {
        "name": model.name,
        "uri": urn(model.kind, model.node.id),
        "digest": {"blake3": model.digest},
        "annotations": {"digest_of": "canonical form of tensors and settings"},
    }
