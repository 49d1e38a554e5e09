"""`headgate fleet compose`: several adapters as one, or one for each request, and what is left of each skill."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click

from headgate.cli.output import EXIT_OF, answer, examples, print_json
from headgate.cli.rights_options import store_options

FOLDER = click.Path(path_type=Path)


@click.command(
    epilog=examples(
        "fleet",
        "compose --base base --adapter tone=adapters/tone --adapter json=adapters/json --skill tone=tone.csv "
        "--skill json=json.jsonl",
        "compose --base base --adapter a=a --adapter b=b --json",
        "compose --base base --adapter a=a --adapter b=b --skill a=a.csv --skill b=b.csv --skill refusals=safety.csv "
        "--plan route --plan joint --plan ties@0.2 --out merged",
    )
)
@click.option("--base", required=True, type=FOLDER, metavar="FOLDER", help="The base of all of them.")
@click.option("--adapter", "given", multiple=True, metavar="NAME=FOLDER", help="An adapter; two or more.")
@click.option(
    "--skill", "skills", multiple=True, metavar="NAME=FILE",
    help="Items of the adapter of that name; of another name, of what the base can do, such as safety.",
)  # fmt: skip
@click.option("--scorer", default="normalised", show_default=True, help="How answers are compared with targets.")
@click.option("--columns", multiple=True, metavar="OURS=THEIRS", help="Names of columns in the skill files.")
@click.option(
    "--plan", "plans", multiple=True, metavar="PLAN", help="route, joint, stack, cat, svd, linear, ties@0.2, …"
)
@click.option("--protect", multiple=True, metavar="NAME", help="An adapter with safety behaviour: never merged.")
@click.option("--keep", default=0.9, show_default=True, help="Share of each skill's gain that must be left.")
@click.option(
    "--max-tokens", default=64, show_default=True, help="Longest answer; a longer one is judged as it is cut."
)
@click.option("--margin", default=0.02, show_default=True, help="Loss on a skill of the base's own that is still none.")
@click.option("--out", type=FOLDER, help="Write the chosen plan here if it passes.")
@click.option("--seed", default=0, show_default=True, help="For plans that drop weights at random.")
@store_options
def compose(
    base: Path, given: tuple[str, ...], skills: tuple[str, ...], scorer: str, columns: tuple[str, ...],
    plans: tuple[str, ...], protect: tuple[str, ...], keep: float, margin: float, max_tokens: int,
    out: Path | None, seed: int, store: Path,
    quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Reports where adapters cancel each other, tries every plan, and judges what is left of each skill.

    Conflicts are reckoned on full updates. A plan is chosen on half of the items of each skill; the verdicts are from
    the other half. Without skills there is only the report of conflicts. The plan joint trains anew, on the rows of all
    adapters, and is tried where it is named.
    """
    from headgate.cli.arguments import columns_of, pairs
    from headgate.evaluate.settings import SuiteSettings
    from headgate.fleet.composition.composing import CHOOSE, GATE, Request, compose
    from headgate.fleet.composition.joint import joint_maker
    from headgate.fleet.composition.plans import plans_of
    from headgate.fleet.composition.remembering import remember
    from headgate.kit.errors import Refused
    from headgate.kit.progress import progress
    from headgate.ledger.ledger import Ledger

    adapters = {name: Path(folder) for name, folder in pairs(given, "--adapter", "NAME=FOLDER").items()}
    named = columns_of(columns)
    suites = {
        name: SuiteSettings(
            items=file, shares={CHOOSE: 0.5, GATE: 0.5}, columns=named, scorer=cast(Any, scorer), cut_off="scored"
        )
        for name, file in pairs(skills, "--skill", "NAME=FILE").items()
    }
    if not suites and (plans or out is not None):
        raise Refused(
            "no plan is tried without skills", found="--out" if out is not None else f"--plan {plans[0]}",
            wanted="--skill NAME=FILE, the items of each adapter's skill",
        )  # fmt: skip
    request = Request(
        base=base, adapters=adapters, skills=suites, plans=plans_of(plans, len(adapters)), folder=Path(),
        protected=protect, keep=keep, margin=margin, seed=seed, max_tokens=max_tokens, out=out,
        train=joint_maker(adapters, base, store),
    )  # fmt: skip
    with progress("asking", None, quiet=quiet or as_json) as advance:
        found = compose(request, advance)
    if not isinstance(store, Path) or (store / "ledger.sqlite").exists():
        with Ledger.open(store) as ledger:
            remember(ledger, request, found)
    if as_json:
        print_json(answer("fleet compose", found.as_json(), found.outcome))
    elif not quiet:
        click.echo("\n".join(_lines(found)))
    return int(EXIT_OF[found.outcome])


def _lines(found: Any) -> list[str]:
    lines = [f"{one.outcome.value:7} {one.summary}" for one in found.conflicts]
    for name, scores in found.alone.items():
        lines.append(f"{name or 'base':24} " + "  ".join(f"{skill} {score:.0%}" for skill, score in scores.items()))
    for pair, share in found.disagreement.items():
        own, _, other = pair.partition("/")
        lines.append(f"on {share:.0%} of the items of {own}, {other} alone answers otherwise")
    for one in sorted(found.tried, key=lambda tried: -tried.chosen_by):
        if one.refused:
            lines.append(f"{one.plan.name:24} {one.refused}")
            continue
        scores = "  ".join(f"{skill} {score:.0%}" for skill, score in one.scores.items())
        lines.append(f"{one.plan.name:24} {scores}  {one.outcome.value}")
    doubts = [f"; {one.reason}" if one.reason else "" for one in found.verdicts]
    lines += [f"{v.outcome.value}: {v.summary}{doubt}" for v, doubt in zip(found.verdicts, doubts, strict=True)]
    if found.chosen is not None:
        written = f", written to {found.written}" if found.written else ""
        lines.append(f"chosen: {found.chosen.plan.name}, {found.outcome.value}{written}")
    return lines
