"""kill -9 in the middle of a capture: what was acknowledged is there, and the next run goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from headgate.ledger.ledger import Ledger

ROWS = 400
BATCH = 20
# Prints the number of rows stored after every batch, then waits to be told to go on.
PROGRAM = """
import sys
from headgate.capture.importing import import_files
from headgate.capture.settings import Settings
from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import Rows
from pathlib import Path

append = Rows.append
total = 0

def told(self, records):
    global total
    appended = append(self, records)
    total += appended.new
    print(total, flush=True)
    sys.stdin.readline()
    return appended

Rows.append = told
folder = Path(sys.argv[1])
settings = Settings(files=["rows.jsonl"], source="s", batch=20)
with Ledger.open(folder, create=True) as ledger:
    import_files(ledger, settings, [folder / "rows.jsonl"], quiet=True)
"""


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_acknowledged_rows_survive_and_the_next_run_goes_on(tmp_path: Path) -> None:
    """Killed twice at different batches, the third run ends with every row once."""
    lines = [json.dumps({"prompt": f"question {n}", "completion": f"answer {n}"}) for n in range(ROWS)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n")
    stored = 0
    for batches in (3, 9):
        process = start(tmp_path)
        assert process.stdin is not None
        assert process.stdout is not None
        acknowledged = 0
        for _ in range(batches):
            acknowledged = int(process.stdout.readline())
            process.stdin.write("\n")
            process.stdin.flush()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with Ledger.open(tmp_path) as ledger:
            present = len(list(ledger.rows.bodies(ledger.rows.all_numbers())))
            assert ledger.verify().problems == ()
        assert stored + acknowledged <= present <= stored + acknowledged + BATCH
        stored = present
    process = start(tmp_path)
    out, _ = process.communicate("\n" * (ROWS // BATCH + 1))
    assert process.returncode == 0
    assert int(out.split()[-1]) == ROWS - stored
    with Ledger.open(tmp_path) as ledger:
        assert list(ledger.rows.all_numbers()) == list(range(1, ROWS + 1))
