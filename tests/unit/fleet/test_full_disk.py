"""A disk that is full, or a limit on the size of files, while something is saved: refused, nothing half there.

The limit is the operating system's own (`RLIMIT_FSIZE`), so every writer meets it, those of the libraries too.
"""

from __future__ import annotations

import contextlib
import importlib.util
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from made_adapters import BASE, make_adapter

from headgate.fleet.composition.plans import plans_of
from headgate.fleet.engines.peft_merging import open_merger
from headgate.fleet.migration.copying import copied
from headgate.flow.project import open_project
from headgate.flow.serving import LedgerNames
from headgate.kit.errors import Refused
from headgate.kit.files import place_folder, refusing
from headgate.models.lora import read_factors
from headgate.release.aliases import all_aliases
from headgate.release.run import run as release
from headgate.release.settings import Settings as ReleaseSettings
from headgate.serve.names import Directory
from headgate.train.settings import Adapter

TOO_LARGE = "larger than files may be"


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Inside, no file of this process grows beyond that many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def module_of(name: str, path: str) -> ModuleType:
    """A module of the tests of another room."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.mark.training
def test_a_training_leaves_no_half_adapter_and_can_be_run_again(tmp_path: Path) -> None:
    """The tensors are written by a library in another language, whose error is no error of the system by its type."""
    made = module_of("headgate_train_scene", "train/conftest.py")
    project = made.make_project(tmp_path, made.requests("train")[:32], made.requests("test")[:4])
    settings: dict[str, Any] = {"steps": 1, "batch": 4, "adapter": Adapter(rank=64), "save_every": 0}
    with files_of_at_most(1 << 20), pytest.raises(Refused, match=TOO_LARGE):
        project.train(**settings)
    assert [] == list((tmp_path / ".headgate/work").glob("adapters/*"))
    assert ["fail"] == [one.body["outcome"] for one in project.ledger.find("run")]
    assert "pass" == project.train(**settings).outcome
    project.ledger.close()


def test_every_wording_of_a_full_disk_is_a_refusal(tmp_path: Path) -> None:
    """As measured: of the writer of tensors, and of that of checkpoints; another fault stays one."""
    for text in (
        "Error while serializing: I/O error: No space left on device (os error 28)",
        "[enforce fail at inline_container.cc:672] . PytorchStreamWriter failed writing file data/2: file write failed",
    ):
        with pytest.raises(Refused, match="the disk is full"), refusing(tmp_path):
            raise RuntimeError(text)
    with pytest.raises(RuntimeError, match="shape"), refusing(tmp_path):
        raise RuntimeError("shape mismatch")


@pytest.mark.training
def test_a_merge_and_a_copy_leave_nothing_behind(tmp_path: Path) -> None:
    """Neither under the wanted name nor beside it."""
    adapter = make_adapter(tmp_path / "a", seed=1, rank=8)
    (tmp_path / "out").mkdir()
    merger = open_merger(BASE, {name: read_factors(adapter) for name in ("a", "b")})
    with files_of_at_most(4096):
        with pytest.raises(Refused, match=TOO_LARGE):
            copied(adapter, BASE, tmp_path / "out/copy")
        with pytest.raises(Refused, match=TOO_LARGE):
            place_folder(adapter, tmp_path / "out/placed")
        with pytest.raises(Refused, match=TOO_LARGE):
            merger.merge(plans_of(["cat"], 2)[0], tmp_path / "merged", seed=0)
    assert [] == list((tmp_path / "out").iterdir())
    place_folder(adapter, tmp_path / "out/placed")
    with pytest.raises(Refused, match="there already"):
        place_folder(adapter, tmp_path / "out/placed")


def test_a_release_that_does_not_fit_leaves_the_one_before_in_service(tmp_path: Path) -> None:
    """Alias, folder and names as before; with room again the new one follows."""
    scenes = module_of("headgate_test_scene", "gate/scene.py")
    scene = scenes.ready(tmp_path)
    scene.gate()
    (first,) = [release(scene.ledger, ReleaseSettings(), context=scene.context).outputs["release"]]
    names = LedgerNames(open_project(tmp_path))
    directory = Directory(names, "tiny")
    scene.adapter(0.75)
    scene.step("check", scenes.check())
    scene.step("evaluate", *scenes.better(), outputs={"scores": "again"})
    scene.gate()
    with files_of_at_most(64), pytest.raises(Refused, match=TOO_LARGE):
        release(scene.ledger, ReleaseSettings(), context=scene.context)
    assert ({"production": first}, [first]) == (
        all_aliases(scene.ledger), [one.name for one in (tmp_path / "releases").iterdir()],
    )  # fmt: skip
    directory.refresh()
    (served,) = directory.candidates("production")
    served.must_stand()
    assert first == served.name
    second = release(scene.ledger, ReleaseSettings(), context=scene.context).outputs["release"]
    directory.refresh()
    assert second == directory.candidates("production")[0].name
    scene.ledger.close()
