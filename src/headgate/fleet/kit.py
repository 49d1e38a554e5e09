"""The kit: a folder with everything that a rebuild needs, and the addresses that prove it.

    closure.json   plan, results, history, surroundings, and the address of every other file
    rows.jsonl     the rows that were trained on, in their order; held.jsonl where seeds were chosen by it,
                   probed.jsonl where it was probed on the way
    base/          the base
    headgate.tar   the program
    lock.txt       the distributions it ran with, by name and version
    checkout/      the project's code at its commit, where it is a checkout
    project.diff   what of that code was not committed
    start/         the adapter that training went on from, where it did
    before/        what the run was trained on that made that one, in a rescue kit: a kit without base, program and
                   lock, so that the whole chain can be made anew on another base; it may hold a before/ in turn
    project/       files that rewards and probes name
    effect.json    what the adapter does, where it was recorded

A kit is untrusted like any file: names may not lead out of it, and what does not match its address is named.
"""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

import headgate
from headgate.fleet.checkout import DIFF, NAMED, pack_checkout
from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file, refusing, write_flushed
from headgate.kit.hashing import canonical_json, digest_file
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.models.effect import read_effect
from headgate.rows.row import Row, from_bytes
from headgate.train.material import salt_of

FORM = 1
START, BEFORE, PROJECT, PROBED = "start", "before", NAMED, "probed.jsonl"
CLOSURE, ROWS, HELD, BASE, SOURCE, LOCK, EFFECT = (
    "closure.json", "rows.jsonl", "held.jsonl", "base", "headgate.tar", "lock.txt", "effect.json",
)  # fmt: skip
WHOLE_BASE = (".safetensors", ".json", ".jinja", ".txt", ".model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """A kit on disk."""

    folder: Path
    closure: Mapping[str, Any]

    @property
    def plan(self) -> Mapping[str, Any]:
        """What decides every byte of the adapters."""
        plan: Mapping[str, Any] = self.closure["plan"]
        return plan

    @property
    def name(self) -> str:
        """What it is a kit of."""
        return str(self.closure["name"])

    def rows_of(self, split: str) -> list[Row]:
        """The rows of a split that the training read."""
        name = next(name for name, one in splits_of(self.plan).items() if one == split)
        return [from_bytes(line) for line in _lines(self.folder / name)]

    def edited(self) -> list[str]:
        """Files that are missing or are not what their addresses say; rows are told one by one."""
        out = []
        for name, address in self.closure["files"].items():
            path = self.folder / name
            if not path.is_file():
                out.append(f"{name} is missing")
                continue
            # Rows have addresses of their own: a ledger whose rows were edited packs what is not theirs.
            which = ", ".join(map(str, self._edited_rows(name)[:5]))
            if which or digest_file(path) != address:
                out.append(f"{name} was edited" + (f": line {which}" if which else ""))
        return out

    def _edited_rows(self, name: str) -> list[int]:
        wanted = self.closure["row_ids"].get(name)
        if wanted is None:
            return []
        lines, found = list(_lines(self.folder / name)), []
        for number, line in enumerate(lines, start=1):
            try:
                same = number <= len(wanted) and from_bytes(line).id == wanted[number - 1]
            except (Refused, ValueError, KeyError, TypeError, AttributeError):
                same = False
            if not same:
                found.append(number)
        return found or ([len(lines) + 1] if len(lines) < len(wanted) else [])


def read_kit(folder: Path) -> Kit:
    """Opens a kit; whether its files are what they were is `Kit.edited`.

    Raises:
        Refused: no kit, a kit of another form, or one that names files outside itself.
    """
    path = folder / CLOSURE
    try:
        body = orjson.loads(must_be_file(path).read_bytes())
        form, names = body["form"], list(body["files"])
        plan, ids = body["plan"], body["row_ids"]
    except (ValueError, KeyError, TypeError):
        raise Refused("not a kit", file=str(path), wanted="a folder that headgate fleet rescue made") from None
    if form != FORM or not isinstance(plan, dict) or not isinstance(ids, dict):
        raise Refused("a kit of another form", file=str(path), found=str(form), wanted=str(FORM))
    for name in names:
        must_stay_inside(folder, name)
    return Kit(folder=folder, closure=body)


def must_stay_inside(folder: Path, name: str) -> Path:
    """The path of a name in a folder.

    Raises:
        Refused: the name, or a link on the way, leads out of the folder.
    """
    pure = PurePosixPath(name)
    path = folder / name
    outside = pure.is_absolute() or ".." in pure.parts or not pure.parts or "\\" in name
    if outside or not path.resolve().is_relative_to(folder.resolve()):
        raise Refused("a name leads out of its folder", file=str(folder), found=repr(name)[:120])
    return path


def pack(
    ledger: Ledger, run: Node, project: Path, out: Path, *, effect: Path | None = None, chain: bool = False
) -> Kit:
    """Writes the kit of a run to a folder that is not there yet, in one step.

    With `chain` the rows of every run before it go along, which a rebuild on another base needs and a drill does not.

    Raises:
        Refused: the run did not pass, its base is gone or changed, the folder is taken, or the disk is full.
    """
    if run.body.get("outcome") != "pass" or "plan" not in run.body:
        raise Refused("only a run that passed has a closure", found=f"{run.name} {run.body.get('outcome')}")
    if out.exists():
        raise Refused("the folder of the kit is taken", file=str(out), next_step="name another folder")
    temporary = out.with_name(f".headgate-tmp-{out.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with refusing(out):
            temporary.mkdir(parents=True)
            _fill(ledger, run, project, temporary, effect, chain=chain)
            temporary.replace(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return read_kit(out)


def _fill(ledger: Ledger, run: Node, project: Path, folder: Path, effect: Path | None, *, chain: bool) -> None:
    _base(ledger, run, project, folder / BASE)
    write_flushed(folder / SOURCE, _source())
    surroundings = run.body.get("surroundings", {})
    lines = [f"{name}=={one['version']}" for name, one in surroundings.get("lock", {}).items() if one["version"]]
    write_flushed(folder / LOCK, ("\n".join(lines) + "\n").encode())
    if effect is not None:
        _must_be_effect_of(effect, run)
        shutil.copyfile(effect, folder / EFFECT)
    _taught(ledger, run, project, folder, chain=chain)


def _taught(ledger: Ledger, run: Node, project: Path, folder: Path, *, chain: bool) -> None:
    """What an adapter was taught, by what settings, and the address of every file that is in the folder by then."""
    plan = run.body["plan"]
    erased: dict[str, int] = {}
    ids: dict[str, list[str]] = {}
    for name, split in splits_of(plan).items():
        ids[name], erased[name] = _rows(ledger, str(plan["data"]["dataset"]), split, folder / name)
    _beside(ledger, plan, project, folder)
    if chain and (first := run_before(ledger, plan)) is not None:
        (folder / BEFORE).mkdir()
        _taught(ledger, first, project, folder / BEFORE, chain=chain)
    state = run.body["history"]["code"].get("project") or {}
    checkout = pack_checkout(state, project, folder)
    if (diff := state.get("diff_content")) and ledger.content.has(diff):
        write_flushed(folder / DIFF, ledger.content.get(diff))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    closure = {
        "form": FORM,
        "name": run.name,
        "run": run.id,
        "headgate": headgate.__version__,
        **{key: run.body.get(key) for key in ("plan", "plan_digest", "results", "choice", "history", "surroundings")},
        "erased": {name: count for name, count in erased.items() if count},
        "row_ids": ids,
        "salt": "" if any(erased.values()) else _salt(ledger, plan),
        "checkout": checkout,
        "files": {str(path.relative_to(folder)): digest_file(path) for path in files},
    }
    write_flushed(folder / CLOSURE, canonical_json(closure))


def _must_be_effect_of(effect: Path, run: Node) -> None:
    made, found = {str(one["adapter"]) for one in run.body["results"]}, read_effect(effect).adapter
    if found not in made:
        raise Refused("the effect of another adapter", file=str(effect), found=found, wanted=", ".join(sorted(made)))


def _salt(ledger: Ledger, plan: Mapping[str, Any]) -> str:
    """What the digests of the plan are held against; a kit has the rows themselves. Plans of before had plain ones."""
    return salt_of(ledger, str(plan["data"]["manifest"])) if plan["data"].get("salted") else ""


def _rows(ledger: Ledger, dataset: str, split: str, path: Path) -> tuple[list[str], int]:
    """Writes the rows of a split in their order; their addresses, and how many have no content any more."""
    numbers = ledger.versions.get(dataset).splits[split]
    ids, out = [], io.BytesIO()
    restated = ledger.rows.restated(numbers)
    for number, address, body in sorted(ledger.rows.bodies(numbers), key=lambda one: one[0]):
        ids.append(from_bytes(body).id if number in restated else address)
        out.write(body + b"\n")
    write_flushed(path, out.getvalue())
    return ids, len(numbers) - len(ids)


def _base(ledger: Ledger, run: Node, project: Path, out: Path) -> None:
    base = base_of(ledger, run)
    folder = project / str(base.body["folder"])
    if not folder.is_dir():
        raise Refused("the base is gone", file=str(folder), found=base.name, next_step="bring it back to that folder")
    out.mkdir()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix in WHOLE_BASE:
            shutil.copyfile(path, out / path.name)


def splits_of(plan: Mapping[str, Any]) -> dict[str, str]:
    """The splits that a training read, by the file of a kit: to train on, to choose by, to probe."""
    settings = plan.get("settings") or {}
    chosen = settings.get("choose") == "lowest-loss" or settings.get("sweep")
    others = {HELD: settings.get("choose-on") if chosen else "", PROBED: (settings.get("probe") or {}).get("split")}
    return {ROWS: plan["data"]["split"], **{name: split for name, split in others.items() if split}}


def start_of(ledger: Ledger, plan: Mapping[str, Any], project: Path) -> tuple[Node, Path]:
    """The adapter that a training went on from, and the folder that it lies in."""
    node = ledger.node(str(plan["start"]["node"]))
    return node, project / ".headgate" / "work" / str(node.body["folder"])


def run_before(ledger: Ledger, plan: Mapping[str, Any]) -> Node | None:
    """The run that made the adapter that a training went on from; None: it began fresh, or no run made that one."""
    if not plan.get("start"):
        return None
    above = (ledger.node(link.target_id) for link in ledger.edges_from(str(plan["start"]["node"]), "derived-from"))
    return next((one for one in above if one.kind == "run" and "plan" in one.body), None)


def _beside(ledger: Ledger, plan: Mapping[str, Any], project: Path, folder: Path) -> None:
    """What a method needs beside rows and base: the adapter it went on from, and files that score answers."""
    (folder / PROJECT).mkdir()
    if plan.get("start"):
        node, begun = start_of(ledger, plan, project)
        if not begun.is_dir():
            raise Refused(
                "the adapter that the training went on from is gone", file=str(begun), found=node.name,
                next_step="bring it back to that folder, or drill the rescue kit: headgate fleet drill --kit FOLDER",
            )  # fmt: skip
        shutil.copytree(begun, folder / START)
    grpo = plan["settings"].get("grpo") or {}
    scorers = [*(grpo.get("rewards") or ()), *(grpo.get("outcomes") or ())]
    parts = [part for scorer in scorers for part in str(scorer).split(":")[1:]]
    for part in [*parts, (plan["settings"].get("probe") or {}).get("drift") or ""]:
        path = project / part
        if part and path.is_file() and path.resolve().is_relative_to(project.resolve()):
            (folder / PROJECT / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / PROJECT / part)


def base_of(ledger: Ledger, run: Node) -> Node:
    """The base that a run was trained on."""
    targets = [ledger.node(link.target_id) for link in ledger.edges_from(run.id, "derived-from")]
    return next(one for one in targets if one.kind == "base")


def _source() -> bytes:
    """The program as a tape: every file of the package in order of name, with no times or owners."""
    root, out = Path(headgate.__file__).parent, io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tape:
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                entry = tarfile.TarInfo(f"headgate/{path.relative_to(root).as_posix()}")
                entry.size = path.stat().st_size
                with path.open("rb") as stream:
                    tape.addfile(entry, stream)
    return out.getvalue()


def unpack_source(kit: Kit, out: Path) -> Path:
    """Lays the program of a kit out in a folder that can be imported from.

    Raises:
        Refused: the tape holds something that is no plain file inside its folder.
    """
    try:
        with tarfile.open(must_be_file(kit.folder / SOURCE)) as tape:
            for entry in tape:
                must_stay_inside(out, entry.name)
                if not entry.isfile():
                    raise Refused("not a plain file in the program of a kit", file=str(kit.folder), found=entry.name)
                tape.extract(entry, out, filter="data")
    except tarfile.TarError as error:
        raise Refused("the program of the kit is damaged", file=str(kit.folder / SOURCE), found=str(error)) from None
    return out


def _lines(path: Path) -> Iterator[bytes]:
    with must_be_file(path).open("rb") as stream:
        for line in stream:
            yield line.rstrip(b"\n")
