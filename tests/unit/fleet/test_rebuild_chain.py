"""What was trained in two goes is made again in two goes on another base, from the ledger and from a rescue kit."""

from __future__ import annotations

import csv
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from headgate.cli.main import main
from headgate.fleet.finding import Member, fleet
from headgate.fleet.kit import BEFORE, pack, read_kit
from headgate.fleet.migration.moving import made, opened
from headgate.fleet.migration.warm import warm
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.models.adapter import adapter_mark, must_belong, read_record
from headgate.models.fingerprint import fingerprint_of

pytestmark = [pytest.mark.training, pytest.mark.xdist_group("rebuild-chain")]
ROOT = Path(__file__).parents[3]
FLOW = """
[flow]
name = "{name}"
[capture]
files = ["{name}.csv"]
columns = {{ prompt = "text", completion = "topic", subject = "customer" }}
source = "{name}"
licence = "CC-BY-4.0"
[curate]
steps = ["select", "split"]
split = {{ train = 0.9, held = 0.1 }}
[train]
base = "base"
steps = 2
batch = 4
seeds = [{seeds}]
start = "{start}"
"""


def trained(folder: Path, name: str, start: str = "", seeds: str = "0") -> Member:
    """One flow of the project, trained here; its adapter of the last seed."""
    (folder / f"{name}.toml").write_text(FLOW.format(name=name, start=start, seeds=seeds), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["train", "--quiet", "--file", str(folder / f"{name}.toml")])
    assert 0 == ended.value.code
    with Ledger.open(folder / ".headgate") as ledger:
        return fleet(ledger)[-1]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with three files of rows, a base, and a newer one whose weights moved a little."""
    folder = tmp_path_factory.mktemp("chain")
    shutil.copytree(ROOT / "examples/base/headgate-tiny", folder / "base")
    newer = Path(shutil.copytree(folder / "base", folder / "newer"))
    tensors = {name: value + np.float32(0.001) for name, value in load_file(newer / "model.safetensors").items()}
    save_file(tensors, newer / "model.safetensors", metadata={"format": "pt"})
    with (ROOT / "tests/fixtures/requests/requests.csv").open(encoding="utf-8", newline="") as stream:
        rows = [one for one in csv.DictReader(stream) if one["split"] == "train"]
    for n, name in enumerate(("first", "second", "third")):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            out = csv.writer(stream)
            out.writerow(("text", "topic", "customer"))
            out.writerows(
                (one["text"], one["topic"], f"{name}-{i}") for i, one in enumerate(rows[n * 12 : n * 12 + 12])
            )
    return folder


@pytest.fixture(scope="module")
def second(project: Path) -> Member:
    """An adapter that went on from the second seed of another run."""
    first = trained(project, "first", seeds="3, 8")
    assert 8 == first.adapter.body["seed"]
    return trained(project, "second", start=first.adapter.id)


def folder_of(project: Path, one: Member) -> Path:
    return project / ".headgate/work" / str(one.adapter.body["folder"])


def test_the_whole_chain_is_made_again_alike_from_the_ledger_and_from_the_kit(
    project: Path, second: Member, tmp_path: Path
) -> None:
    """Both ways give the same tensors on the new base, and other ones than a fresh start there."""
    with Ledger.open(project / ".headgate") as ledger:
        pack(ledger, second.run, project, tmp_path / "kit", chain=True)
    adapter, newer = folder_of(project, second), project / "newer"
    given: dict[str, Any] = {"adapter": adapter, "old": project / "base", "new": newer, "road": "rebuild"}
    told = made(**given, out=tmp_path / "kitted", store=tmp_path / "none", kit=tmp_path / "kit")
    store = Path(shutil.copytree(project, tmp_path / "project")) / ".headgate"
    made(**given, out=tmp_path / "known", store=store)
    must_belong(tmp_path / "kitted", newer, fingerprint_of(newer))
    tensors = adapter_mark(tmp_path / "kitted").tensors
    assert tensors == adapter_mark(tmp_path / "known").tensors != adapter_mark(adapter).tensors
    assert told["adapter"] == adapter_mark(tmp_path / "kitted").digest
    plain = read_kit(tmp_path / "kit")
    assert ("first", [3, 8]) == ((before := read_kit(plain.folder / BEFORE)).name, before.plan["settings"]["seeds"])
    with Ledger.open(store) as ledger:
        runs = ledger.find("run")[-2:]
        begun = ledger.node(runs[1].body["plan"]["start"]["node"])
    assert (8, fingerprint_of(newer).root) == (
        begun.body["seed"],
        read_record(store / "work" / begun.body["folder"])["base"]["root"],
    )


def test_a_kit_without_the_run_before_it_says_what_to_do(project: Path, second: Member, tmp_path: Path) -> None:
    """So does one whose rows before were edited; nothing is left behind."""
    with Ledger.open(project / ".headgate") as ledger:
        pack(ledger, second.run, project, tmp_path / "short")
        pack(ledger, second.run, project, tmp_path / "edited", chain=True)
    rows = tmp_path / "edited" / BEFORE / "rows.jsonl"
    rows.write_bytes(rows.read_bytes().replace(b"card", b"cart", 1))
    given: dict[str, Any] = {
        "adapter": folder_of(project, second), "old": project / "base", "new": project / "newer", "road": "rebuild",
        "out": tmp_path / "out", "store": tmp_path / "none",
    }  # fmt: skip
    with pytest.raises(Refused, match="the run of the adapter that the training went on from") as refused:
        made(**given, kit=tmp_path / "short")
    assert "--road distil" in str(refused.value.next_step)
    with pytest.raises(Refused, match="the kit is not what it was"):
        made(**given, kit=tmp_path / "edited")
    assert {"short", "edited"} == {one.name for one in tmp_path.iterdir()}


def test_a_warm_candidate_is_made_again_from_its_kit(project: Path, second: Member, tmp_path: Path) -> None:
    """It began with a copy of an adapter of another base; on the next base it begins with that copy's copy."""
    with opened(project / ".headgate") as (ledger, context):
        begun = warm(ledger, folder_of(project, second), project / "base", context)
    third = trained(project, "third", start=begun)
    with Ledger.open(project / ".headgate") as ledger:
        pack(ledger, third.run, project, tmp_path / "kit", chain=True)
    newer = project / "newer"
    given: dict[str, Any] = {"adapter": folder_of(project, third), "old": project / "base", "new": newer}
    made(**given, road="rebuild", out=tmp_path / "out", store=tmp_path / "none", kit=tmp_path / "kit")
    must_belong(tmp_path / "out", newer, fingerprint_of(newer))
    assert not (tmp_path / "kit" / BEFORE).exists()
    known = Path(shutil.copytree(project, tmp_path / "project")) / ".headgate"
    made(**given, road="rebuild", out=tmp_path / "known", store=known)
    assert adapter_mark(tmp_path / "known").tensors == adapter_mark(tmp_path / "out").tensors


def test_a_rescue_kit_holds_the_chain(project: Path, second: Member, tmp_path: Path, monkeypatch: Any) -> None:
    """A drill needs none of it, so it packs none."""
    import headgate.fleet.rescue as module

    monkeypatch.setattr(module, "drill", lambda out, **_: (_ for _ in ()).throw(Refused("stopped", found=str(out))))
    with Ledger.open(project / ".headgate") as ledger, pytest.raises(Refused, match="stopped"):
        module.rescue(ledger, second, project, tmp_path / "kit", kind="current", by="x", now=datetime.now(UTC))
    assert (tmp_path / "kit" / BEFORE / "rows.jsonl").is_file()
