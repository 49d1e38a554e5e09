"""Runs a program that must not outlive the process that wanted it: `python vllm_guard.py PROGRAM WORDS…`.

vLLM is several processes that hold most of a machine's memory. They get a session of their own, so that Ctrl-C in a
terminal reaches the server that is asked and not them, and are ended together: when standard input closes, which it
does however the parent ends, and when the program itself ends and leaves others behind. The standard library alone,
because this starts before anything else.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

PATIENCE_S = 20.0  # from being asked to end until being ended


def guarded(words: list[str]) -> int:
    """Runs a program until it ends or standard input does; its exit code, 128 and the number of a signal."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: None)  # the end of standard input is what ends us
    # What it prints belongs with the log: standard output may be somebody's JSON.
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True)
    threading.Thread(target=_ends_with_input, args=(child,), daemon=True).start()
    code = child.wait()
    _tell(child, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _ends_with_input(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1):
        pass
    _tell(child, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(PATIENCE_S)
    _tell(child, signal.SIGKILL)


def _tell(child: subprocess.Popen[bytes], what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, what)


if __name__ == "__main__":
    sys.exit(guarded(sys.argv[1:]))
