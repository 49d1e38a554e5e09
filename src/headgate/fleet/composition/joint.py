"""Joint retraining: one adapter trained once on the rows of all of them, by the settings of the first.

The one plan that merges nothing. It needs what a merge does not: the runs of the adapters in the ledger, and rows that
may still be used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyroaring import BitMap

from headgate.fleet.composition.plans import Closed
from headgate.fleet.migration.moving import opened, there
from headgate.fleet.migration.roads import run_of, settings_for
from headgate.kit.errors import Refused
from headgate.kit.files import place_folder
from headgate.kit.hashing import digest_json
from headgate.ledger.ledger import Ledger
from headgate.ledger.protection import COPY
from headgate.ledger.steps import StageContext, StepResult
from headgate.rules.firewall import admit
from headgate.train import run as training

DIGITS = 8


def joint_maker(adapters: Mapping[str, Path], base: Path, store: Any) -> Callable[[Path], None]:
    """What trains the joint adapter and puts it into a folder that is not there yet.

    The function raises `Closed` where the ledger does not know the runs, and `Refused` where training is refused.
    """

    def make(out: Path) -> None:
        if not there(store):
            raise Closed("joint retraining needs the ledger of the adapters' runs", found=str(store))
        with opened(store) as (ledger, context):
            result = trained_jointly(ledger, adapters, base, context)
            where = result.outputs.get("adapter_path")
            if not where:
                raise Refused("training stopped before the first step", found=result.summary)
            place_folder(context.folder / where, out)

    return make


def trained_jointly(ledger: Ledger, adapters: Mapping[str, Path], base: Path, context: StageContext) -> StepResult:
    """Trains on the union of the recorded rows; a step count is the sum of theirs, passes stay passes.

    Raises:
        Closed: a run is not known, they learned by different methods, or one went on from another adapter.
        Refused: training is refused.
    """
    plans = {name: _plan_of(ledger, name, folder) for name, folder in adapters.items()}
    recorded = [plan["settings"] for plan in plans.values()]
    methods = {str(one["method"]) for one in recorded}
    if len(methods) > 1:
        raise Closed("the adapters learned by different methods", found=", ".join(sorted(methods)))
    begun = [name for name, plan in plans.items() if plan["settings"].get("start")]
    if begun:
        raise Closed("a run went on from another adapter", found=", ".join(begun))
    numbers, parents = BitMap(), []
    for plan in plans.values():
        version = ledger.versions.get(str(plan["data"]["dataset"]))
        numbers |= version.splits[str(plan["data"]["split"])]
        parents.append(version.node_id)
    copies = {one.number for one in admit(ledger, numbers, quiet=True) if one.grade == COPY}
    left = numbers - BitMap(copies)
    told = {"joint": sorted(adapters), "left_out": len(numbers) - len(left)}
    name = ledger.versions.freeze(
        f"joint-{digest_json(sorted(parents))[3 : 3 + DIGITS]}", numbers=left, splits={"train": left}, manifest=told,
        parents=sorted(set(parents)),
    )  # fmt: skip
    # What chose or stopped one of the runs looked at a split of its own dataset, which is none of this one's.
    first = {**recorded[0], "split": "train", "choose": "first", "choose-on": "", "sweep": {}, "seeds": [0]}
    first["steps"] = sum(int(one["steps"]) for one in recorded) if all(one["steps"] for one in recorded) else 0
    first["probe"] = {**first["probe"], "split": "", "patience": 0, "keep": "last"}
    given = replace(context, outputs={"curate": {"dataset": name}})
    return training.run(ledger, settings_for(first, base), context=given)


def _plan_of(ledger: Ledger, name: str, folder: Path) -> Mapping[str, Any]:
    try:
        plan: Mapping[str, Any] = run_of(ledger, folder).body["plan"]
    except Refused:
        raise Closed("the ledger does not know the run of an adapter", found=name) from None
    return plan
