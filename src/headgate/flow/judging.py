"""Tables of the flow file that name judges and rubrics: [judges.NAME] and [rubrics.NAME].

They belong to no stage: rows may be chosen by one, a reward given by another, a decision made by a third. What a table
declares is recorded before the walk; what a judge shaped is bound to it when the stage that used it has ended.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.flow.settings_reader import Spot, read_section
from headgate.kit.errors import Refused
from headgate.kit.names import must_be_name
from headgate.models.judges.settings import JudgeSettings, RubricSettings

if TYPE_CHECKING:
    from headgate.ledger.ledger import Ledger
    from headgate.ledger.steps import StepResult
    from headgate.models.judges.declared import Declared

TABLES: Mapping[str, type] = {"judges": JudgeSettings, "rubrics": RubricSettings}
SHAPES = {  # stage -> output that is shaped, and the roles that shape it there
    "curate": ("dataset", ("data-selection", "training-label")),
    "train": ("run", ("reward", "model-choice")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """The judges and rubrics of a flow file."""

    judges: Mapping[str, JudgeSettings] = field(default_factory=dict)
    rubrics: Mapping[str, RubricSettings] = field(default_factory=dict)


def read_judging(
    tree: Mapping[str, Any], path: Path, lines: Mapping[tuple[str, ...], int]
) -> tuple[Judging, list[Refused]]:
    """Judges and rubrics of a parsed flow file, and everything that is wrong with them."""
    errors: list[Refused] = []
    found: dict[str, dict[str, Any]] = {name: {} for name in TABLES}
    for section, settings in TABLES.items():
        table = tree.get(section, {})
        if not isinstance(table, Mapping) or not all(isinstance(one, Mapping) for one in table.values()):
            wanted = f"[{section}.NAME]"
            errors.append(
                Refused(f"{section} are tables by name", file=str(path), line=lines.get((section,)), wanted=wanted)
            )
            continue
        for name, body in table.items():
            spot = Spot(str(path), (section, name), lines)
            try:
                must_be_name(name, f"{section}.NAME")
            except Refused as error:
                error.file, error.line = str(path), spot.at()
                errors.append(error)
                continue
            one, problems = read_section(settings, body, spot)
            errors += problems
            found[section][name] = one
    errors += _named_by_suites(tree, found, path, lines)
    if errors:
        return Judging(), errors
    return Judging(judges=found["judges"], rubrics=found["rubrics"]), []


def _named_by_suites(
    tree: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]], path: Path, lines: Mapping[tuple[str, ...], int]
) -> list[Refused]:
    """Judges and rubrics that [evaluate.judged.NAME] asks for must be there, and be for the gate."""
    section = tree.get("evaluate")
    judged = section.get("judged", {}) if isinstance(section, Mapping) else {}
    errors = []
    for suite, body in judged.items() if isinstance(judged, Mapping) else ():
        if not isinstance(body, Mapping):
            continue
        asked = [("judges", name, "judges") for name in body.get("judges", ()) if isinstance(name, str)]
        asked += [("rubrics", name, "rubric") for name in [body.get("rubric")] if isinstance(name, str) and name]
        for kind, name, key in asked:
            spot = Spot(str(path), ("evaluate", "judged", suite), lines)
            if name not in found[kind]:
                near = difflib.get_close_matches(name, list(found[kind]), n=1)
                step = f"did you mean {near[0]!r}?" if near else f"add [{kind}.{name}]"
                text = f"{spot.name(key)} names {name!r}, which is no table of [{kind}]"
                errors.append(Refused(text, file=str(path), line=spot.at(key), next_step=step))
            elif found[kind][name] is not None and "gate" not in found[kind][name].roles:
                roles = ", ".join(found[kind][name].roles)
                text = f"{spot.name(key)} names {name!r}, which is not for the gate"
                errors.append(Refused(text, file=str(path), line=spot.at(key), found=roles, wanted='roles = ["gate"]'))
    return errors


def declare_judges(ledger: Ledger, judging: Judging, work: Path) -> Declared:
    """Records what the flow file declares."""
    from headgate.models.judges.declared import declare

    return declare(ledger, judging.judges, judging.rubrics, work)


def bind_uses(ledger: Ledger, declared: Declared, stage: str, result: StepResult, *, reused: bool) -> None:
    """Records what judges and rubrics shaped in a stage: by their roles, and by what rows say of themselves.

    Rows of a step that is `reused` were read when it was made.
    """
    from headgate.rules.judge_uses import record_use, uses_in_rows

    if stage not in SHAPES:
        return
    output, roles = SHAPES[stage]
    target = _target(ledger, result.outputs.get(output, ""))
    if not target:
        return
    with ledger.transaction():
        for role in roles:
            for node in declared.judges.values():
                if role in node.body["roles"]:
                    record_use(ledger, role, on=[target], judge=node)
            for node in declared.rubrics.values():
                if role in node.body["roles"]:
                    record_use(ledger, role, on=[target], rubric=node)
        if stage == "curate" and not reused:
            uses_in_rows(ledger, result.outputs["dataset"], declared.judges)


def _target(ledger: Ledger, name: str) -> str:
    if not name:
        return ""
    return name if name.startswith("b3:") else ledger.versions.get(name).node_id
