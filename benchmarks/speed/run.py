"""Runs every speed benchmark of this folder, each beside its peer; results go to `results/`.

python benchmarks/speed/run.py            all of them, about ten minutes on two cores
python benchmarks/speed/run.py start_up   one of them
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOT_BENCHMARKS = {
    *("run", "timing", "peer_script", "rows_50k", "real_text", "leaked_text"),
    *("duplicate_methods", "contamination_methods", "leak_methods"),
}


def main(names: list[str]) -> int:
    """Exit code 1 when a benchmark did not end well."""
    found = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_BENCHMARKS)
    unknown = set(names) - set(found)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(found)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or found:
        started = time.perf_counter()
        done = subprocess.run([sys.executable, str(HERE / f"{name}.py")], check=False)
        print(
            f"{name}: {'done' if not done.returncode else 'FAILED'} in {time.perf_counter() - started:.0f} s",
            flush=True,
        )
        failed += [name] if done.returncode else []
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
