"""A whole audit says the same with compiled kernels as with plain ones, whichever rule cuts which field first."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from headgate.check.auditing import audit
from headgate.text import kernels

ROWS = Path(__file__).parents[2] / "fixtures" / "banking77" / "intents_300.csv"
COLUMNS = {"prompt": "text", "completion": "category"}


@pytest.mark.parametrize("rule", ["all", "DAT006", "DAT007", "DAT011", "DAT020", "SYN001", "SYN002", "SYN003"])
@pytest.mark.parametrize("held", [20, 280])
def test_verdicts_do_not_depend_on_kernels(
    held: int, rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and items share texts; what is cut last must not stand where the other still waits."""
    head, *lines = ROWS.read_text(encoding="utf-8").splitlines(keepends=True)
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("".join([head, *lines[: 300 - held // 2]]), encoding="utf-8")
    test.write_text("".join([head, *lines[-held:]]), encoding="utf-8")
    said = {}
    for mode in (kernels.PLAIN, kernels.COMPILED):
        monkeypatch.setenv(kernels.SETTING, mode)
        found = audit(train, eval=[test], reference=[test], columns=COLUMNS, select=[rule])
        said[mode] = [orjson.loads(orjson.dumps(verdict.as_json(None))) for verdict in found.verdicts]
    assert said[kernels.PLAIN] == said[kernels.COMPILED]
