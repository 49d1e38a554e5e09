"""What the verbs of a migration do: files in, candidate or verdicts out, evidence to the ledger."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from headgate.evaluate.settings import SuiteSettings
from headgate.evaluate.suites import Suite, load_suite
from headgate.fleet.kit import read_kit
from headgate.fleet.migration import roads, screening
from headgate.fleet.migration.acceptance import POOL, Stack, accepted, scores_of
from headgate.fleet.migration.copying import copied
from headgate.fleet.migration.nearness import must_differ, nearness
from headgate.fleet.migration.nearness import roads as roads_of
from headgate.fleet.migration.warm import fits, warm
from headgate.fleet.migration.watching import Watched, watch
from headgate.kit.clock import now
from headgate.kit.errors import Refused
from headgate.kit.files import place_folder, refusing
from headgate.kit.hashing import digest_json
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext, StepResult, record_step
from headgate.models.adapter import adapter_mark, must_belong
from headgate.models.fingerprint import fingerprint_of
from headgate.models.opening import open_model
from headgate.rows.reading import read_rows
from headgate.stats.verdict import Verdict, worst

STAGE = "migrate"
MAX_TOKENS = 64


def planned(adapter: Path, old: Path, new: Path, store: Any, *, prompts: bool) -> dict[str, Any]:
    """How near the bases are, and the roads.

    Raises:
        Refused: the adapter is not of the old base, or both bases are the same.
    """
    fingerprint = fingerprint_of(old)
    must_belong(adapter, old, fingerprint)
    must_differ(fingerprint, fingerprint_of(new))
    found = nearness(adapter, old, new)
    told = roads_of(found, rows=_rows_known(adapter, store), prompts=prompts)
    return {"nearness": found.as_json(), "roads": [{"road": road, "why": why} for road, why in told]}


def made(
    adapter: Path, old: Path, new: Path, road: str, out: Path, store: Any, *, prompts: Path | None = None,
    seeds: Path | None = None, count: int = 400, suites: Sequence[str] = (), columns: Sequence[str] = (),
    steps: int = 200, kit: Path | None = None, cold: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A candidate in a folder of its own.

    Raises:
        Refused: the road is closed, too few prompts are left, or the folder is there already.
    """
    must_belong(adapter, old, fingerprint_of(old))
    if out.exists():
        raise Refused("the folder is there already", file=str(out), next_step="choose another with --out")
    if kit is not None and road != "rebuild":
        raise Refused("a kit is for the road rebuild", found=road)
    screened, started = None, False
    if road == "copy":
        copied(adapter, new, out)
    elif kit is not None:
        _must_be_kit_of(kit, adapter)
        with refusing(out), tempfile.TemporaryDirectory(prefix="headgate-migrate-") as work:
            place_folder(roads.rebuilt_from_kit(kit, new, Path(work)), out)
    else:
        with opened(store) as (ledger, context):
            if road == "rebuild":
                result = roads.rebuilt(ledger, adapter, new, context)
            else:
                names = _columns(columns)
                items = [
                    row.prompt_text for file in _pairs(suites).values() for row in read_rows(Path(file), columns=names)
                ]
                screened, answers, teacher = _lessons(adapter, old, prompts, seeds, count, items, names)
                started = not cold and fits(adapter, new)
                begin = {"start": warm(ledger, adapter, new, context)} if started else {}
                settings = {"steps": steps, "batch": min(32, len(screened.prompts)), "learning_rate": 3e-3, **begin}
                result = roads.distilled(ledger, screened, answers, new, settings, teacher, context)
            _place(result, context, out)
    told = screened.as_json() if screened else None
    left = told["left"] if told else 0
    return {"road": road, "adapter": adapter_mark(out).digest, "prompts": left, "screens": told, "warm": started}


def acceptance(
    *, old: Path, new: Path, before: Path | None, after: Path | None, suites: Sequence[str], columns: Sequence[str],
    scorer: str, margin: float, max_tokens: int, store: Any,
) -> list[Verdict]:  # fmt: skip
    """The verdicts of old stack against new, recorded where there is a ledger."""
    names = _columns(columns)
    loaded: list[Suite] = [
        load_suite(
            name,
            SuiteSettings(gate=file, columns=names, scorer=cast(Any, scorer), cut_off="scored"),
            Path(),
        )
        for name, file in _pairs(suites).items()
    ]
    stacks = Stack(old, before), Stack(new, after)
    first, second = (scores_of(stack, loaded, max_tokens) for stack in stacks)
    verdicts = accepted(loaded, first, second, margin=margin)
    if there(store):
        marks = [adapter_mark(one.adapter).digest if one.adapter else "" for one in stacks]
        bases = [fingerprint_of(one.base).root for one in stacks]
        facts = {"stacks": list(zip(bases, marks, strict=True)), "suites": [one.digest(POOL) for one in loaded]}
        summary = f"{len(loaded)} suites, old stack against new"
        result = StepResult(
            stage=STAGE, outcome=worst(verdicts), summary=summary, verdicts=tuple(verdicts), facts=facts
        )
        with Ledger.open(store) as ledger:
            record_step(ledger, result, key=digest_json(facts))
    return verdicts


def watched(name: str, model: str, prompts: Path, columns: Sequence[str], store: Any, *, anew: bool = False) -> Watched:
    """One look at an alias."""
    asked = [tuple(_turns(row)) for row in read_rows(prompts, columns=_columns(columns))]
    opened = open_model(model)
    try:
        with Ledger.open(store) as ledger:
            # A folder has no server that names its version: it is what it is by its address.
            version = opened.fingerprint if model.startswith("local:") else ""
            return watch(ledger, name, opened, asked, now(), version=version, anew=anew)
    finally:
        opened.close()


def _lessons(
    adapter: Path, old: Path, prompts: Path | None, seeds: Path | None, count: int, items: Sequence[str],
    columns: Mapping[str, str] | None,
) -> tuple[screening.Screened, list[str], str]:  # fmt: skip
    """Prompts that are left, the teacher's answers, and who the teacher is."""
    if (prompts is None) == (seeds is None):
        raise Refused("a distillation wants --prompts or --seeds, one of them")
    teacher = cast(Any, open_model(f"local:{old}", adapter=adapter))
    try:
        texts = [row.prompt_text for row in read_rows(cast(Path, prompts or seeds), columns=columns)]
        if prompts is not None:
            screened = screening.stored(texts, items)
        else:
            screened = screening.screened(screening.written(old, texts, count, seed=0), texts, items, teacher)
        said = screening.answers_of(teacher, screened.prompts, MAX_TOKENS)
        whole = [
            n for n, one in enumerate(said) if one.outcome == "ok" and one.finish_reason == "stop" and one.text.strip()
        ]
        taken = {**screened.taken, "no whole answer": len(said) - len(whole)}
        left = screening.Screened(prompts=tuple(screened.prompts[n] for n in whole), made=screened.made, taken=taken)
        return left, [said[n].text for n in whole], str(teacher.fingerprint)
    finally:
        teacher.close()


def _must_be_kit_of(kit: Path, adapter: Path) -> None:
    known = {str(one["adapter"]) for one in read_kit(kit).closure.get("results") or ()}
    if (digest := adapter_mark(adapter).digest) not in known:
        raise Refused("the kit of another adapter", file=str(kit), found=", ".join(sorted(known)), wanted=digest)


def _place(result: StepResult, context: StageContext, out: Path) -> None:
    where = result.outputs.get("adapter_path")
    if not where:
        raise Refused("training stopped before the first step", found=result.summary)
    place_folder(context.folder / where, out)


@contextmanager
def opened(store: Any) -> Iterator[tuple[Ledger, StageContext]]:
    """The ledger, and what a stage is given; it is made where it is a folder that is not there yet."""
    folder = store if isinstance(store, Path) else Path(".headgate")
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    context = StageContext(
        folder=folder.resolve().parent, work=work.resolve(), outputs={}, quiet=True, now=now(), flow_name=STAGE
    )
    with Ledger.open(store, create=True) as ledger:
        yield ledger, context


def _rows_known(adapter: Path, store: Any) -> bool:
    if not there(store):
        return False
    with Ledger.open(store) as ledger:
        try:
            roads.run_of(ledger, adapter)
        except Refused:
            return False
    return True


def there(store: Any) -> bool:
    """Whether a ledger is at a place."""
    return not isinstance(store, Path) or (store / "ledger.sqlite").exists()


def _turns(row: Any) -> list[dict[str, str]]:
    return [{"role": "user", "content": row.prompt_text}]


def _pairs(given: Sequence[str]) -> dict[str, str]:
    wrong = [one for one in given if "=" not in one]
    if wrong:
        raise Refused(f"--suite {wrong[0]}", wanted="NAME=FILE")
    names = [one.split("=", 1)[0] for one in given]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Refused("two suites of one name", found=twice, wanted="a name of its own for each")
    return dict(one.split("=", 1) for one in given)


def _columns(given: Sequence[str]) -> dict[str, str]:
    return dict(one.split("=", 1) for group in given for one in group.split(",") if "=" in one)
