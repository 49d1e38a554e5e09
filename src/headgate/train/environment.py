"""What surrounds a training and may change its bytes: code, libraries, machine, variables.

Nothing here imports a heavy library; versions and file hashes come from the installed metadata.
"""

from __future__ import annotations

import os
import platform
import site
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import headgate
from headgate.kit.hashing import digest, digest_json

# Libraries whose code computes the weights; the files of their wheels are part of the closure.
COMPUTING = ("torch", "transformers", "trl", "peft", "accelerate", "safetensors", "tokenizers", "numpy", "jinja2")
# Variables that were seen to change the bytes, or that choose hardware.
VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "ONEDNN_MAX_CPU_ISA",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)
GIT_TIMEOUT_S = 20
CAPABILITIES = ("avx512f", "avx2", "asimd", "sve")


def environment() -> dict[str, Any]:
    """Interpreter, every installed distribution with its version, and the wheel files of those that compute."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "packages": packages(),
        "files": {name: digest_of_files(name) for name in COMPUTING},
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


@cache
def packages() -> dict[str, str]:
    """Installed distributions by normalised name.

    Only what an installer put there counts: some libraries add folders of their own to `sys.path` while they
    run (Ray does), and a plan must not depend on what else the process did before.
    """
    places = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    installed = metadata.distributions(path=[*dict.fromkeys(place for place in places if place in sys.path)])
    found = {(one.metadata["Name"] or "").lower().replace("_", "-"): one.version for one in installed}
    return dict(sorted((name, version) for name, version in found.items() if name))


@cache
def digest_of_files(distribution: str) -> str:
    """Address of the file hashes that a distribution was installed with; empty where there are none.

    Scripts outside the package are left out: an installer writes the interpreter's path into them.
    """
    try:
        record = metadata.distribution(distribution).read_text("RECORD") or ""
    except metadata.PackageNotFoundError:
        return ""
    lines = [line for line in record.splitlines() if ",sha256=" in line and not line.startswith(("../", "/"))]
    return digest("\n".join(sorted(line for line in lines if ".dist-info/" not in line)).encode())


def hardware(threads: int) -> dict[str, Any]:
    """The class of machine that the bytes hold for: instruction set and system, not the serial number."""
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "capability": capability(),
        "processor": _processor_line("model name"),
        "cores": os.cpu_count() or 0,
        "threads": threads,
    }


def capability() -> str:
    """The widest vector instructions of the processor that the libraries know, such as "avx2"."""
    flags = (_processor_line("flags") or _processor_line("Features")).split()
    return next((name for name in CAPABILITIES if name in flags), "")


def _processor_line(name: str) -> str:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return platform.processor() if name == "model name" else ""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def code(project: Path) -> dict[str, Any]:
    """headgate's version and source, and the git state of the project folder where it is in a checkout."""
    return {"headgate": headgate.__version__, "source": source_digest(), "project": git_state(project)}


@cache
def source_digest() -> str:
    """Address of headgate's own Python files, whether installed or run from a checkout."""
    root = Path(headgate.__file__).parent
    return digest_json({str(path.relative_to(root)): digest(path.read_bytes()) for path in sorted(root.rglob("*.py"))})


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit and digest of what is not committed; None outside a checkout or without git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = changes_of(folder)
    return {
        "commit": commit.decode().strip(),
        "dirty": bool(changes),
        "diff": digest(changes) if changes else "",
        "untracked": len(untracked(folder)),
    }


def changes_of(folder: Path) -> bytes:
    """What is changed and not committed, as a patch."""
    return _git(folder, "diff", "HEAD", "--no-ext-diff", "--no-textconv", "--binary") or b""


def untracked(folder: Path) -> list[str]:
    """Files of a checkout that git does not know and was not told to ignore."""
    listed = _git(folder, "ls-files", "-z", "--others", "--exclude-standard") or b""
    return [os.fsdecode(one) for one in listed.split(b"\0") if one]


def _git(folder: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, timeout=GIT_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
