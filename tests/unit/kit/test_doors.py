"""Doors: what an import and a training cost beside themselves."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

from headgate.kit.doors import Door, open_door, undisturbed


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    """An engine that notes whether garbage is looked for while it is imported."""
    (tmp_path / "noting_engine.py").write_text("import gc\nlooked_for = gc.isenabled()\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "noting_engine", raising=False)
    return Door(name="noting", reference="noting_engine", extra="train", packages=("json",), purpose="note")


def test_no_garbage_is_looked_for_while_an_engine_is_imported(door: Door) -> None:
    """It is afterwards, where it was before; a second opening gives the same module."""
    assert gc.isenabled()
    engine = open_door(door)
    assert (False, True) == (engine.looked_for, gc.isenabled())
    assert engine is open_door(door)
    gc.disable()
    try:
        sys.modules.pop("noting_engine")
        open_door(door)
        assert not gc.isenabled()
    finally:
        gc.enable()


class _Ring:
    """An object that only the collector of garbage can free."""

    def __init__(self, gone: list[str]) -> None:
        self.own, self.gone = self, gone

    def __del__(self) -> None:
        self.gone.append("freed")


def test_what_was_there_is_left_alone_for_a_while_and_not_for_ever() -> None:
    """Garbage that is made inside is found inside; that of before only afterwards."""
    gone: list[str] = []
    before = _Ring(gone)
    with undisturbed():
        del before
        gc.collect()
        assert [] == gone
        _Ring(gone)
        gc.collect()
        assert ["freed"] == gone
        with undisturbed():
            pass
        assert gc.get_freeze_count() > 0
    assert 0 == gc.get_freeze_count()
    with undisturbed(), pytest.raises(ValueError, match="inside"), undisturbed():
        raise ValueError("inside")
    with undisturbed():
        pass
    assert 0 == gc.get_freeze_count()
    gc.collect()
    assert ["freed", "freed"] == gone
