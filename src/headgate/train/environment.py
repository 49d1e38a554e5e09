"""What surrounds a training and may change its bytes: code, libraries, machine, variables.

Nothing here imports a heavy library; versions and file hashes come from the installed metadata.
"""

from __future__ import annotations

import fnmatch
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import headgate
from headgate.kit.hashing import digest, digest_json
from headgate.train.installed import installed

# Libraries whose code computes the weights; the files of their wheels are part of the closure.
COMPUTING = ("torch", "transformers", "trl", "peft", "accelerate", "safetensors", "tokenizers", "numpy", "jinja2")
# Variables that libraries of arithmetic read below Python, where nobody sees them do it: the plan keeps every one.
PREFIXES = (
    "ATEN_", "CUBLAS_", "CUDA_", "CUDNN_", "DNNL_", "GOMP_", "KMP_", "MKL_", "NCCL_", "NUMEXPR_", "NVIDIA_", "OMP_",
    "ONEDNN_", "OPENBLAS_", "PYTORCH_", "TORCH_", "XLA_",
)  # fmt: skip
# Places, people, terminals, credentials: they say where things lie and not what is computed.
HARMLESS = re.compile(
    r"^(PATH|HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|HOSTNAME|LANG|LC_.*|TZ|TERM|COLORTERM|COLUMNS|LINES|NO_COLOR|FORCE_COLOR"
    r"|TMPDIR|TMP|TEMP|XDG_.*|VIRTUAL_ENV|PYTHON.*|PYTEST_.*|CI|GITHUB_.*|HEADGATE_.*|HF_.*|HUGGINGFACE_.*|HUGGING_.*"
    r"|TRANSFORMERS_CACHE|TRANSFORMERS_OFFLINE|TRANSFORMERS_VERBOSITY|TORCH_HOME|TORCH_LOGS|TOKENIZERS_PARALLELISM"
    r"|TQDM_.*|TORCHINDUCTOR_CACHE_DIR|NUMBA_CACHE_DIR|MPLCONFIGDIR|TRITON_CACHE_DIR"
    r"|SSL_.*|REQUESTS_.*|CURL_.*|.*_PROXY|.*_proxy"
    r"|.*TOKEN|.*KEY|CUDA_(VERSION|HOME|PATH)|NVIDIA_(VISIBLE_DEVICES|DRIVER_CAPABILITIES|REQUIRE_.*|PRODUCT_NAME)|NV_.*|NVARCH"
    r"|NCCL_VERSION|LD_LIBRARY_PATH|KMP_(DUPLICATE_LIB_OK|INIT_AT_FORK)|KUBERNETES_.*"
    r"|SLURM_.*|AWS_.*|WANDB_.*|MLFLOW_.*|JPY_.*|SPARK_.*|SM_.*|AMLT_.*)$"
)
# Files of a checkout that are code or its settings. Rows are none: they have addresses of their own and can be erased.
CODE = (
    "*.py", "*.pyi", "*.pyx", "*.toml", "*.cfg", "*.ini", "*.lock", "*.yaml", "*.yml", "*.jinja", "*.j2",
    "*requirements*.txt", "*constraints*.txt",
)  # fmt: skip
GIT_TIMEOUT_S = 20
CAPABILITIES = ("avx512f", "avx2", "asimd", "sve")


def environment(declared: Sequence[str] = ()) -> dict[str, Any]:
    """Interpreter, every installed distribution with its version, and the wheel files of those that compute.

    `declared` are variables that the settings say matter; they are kept with their values and set in a rebuild.
    """
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "packages": packages(),
        "files": {name: digest_of_files(name) for name in COMPUTING},
        "variables": {name: os.environ[name] for name in sorted({*computing(), *declared}) if name in os.environ},
    }


def computing() -> list[str]:
    """Names of the variables that are set and that libraries of arithmetic may read."""
    return [name for name in os.environ if name.startswith(PREFIXES) and not HARMLESS.match(name)]


@cache
def packages() -> dict[str, str]:
    """Versions of the installed distributions, by normalised name."""
    return dict(sorted((one.name.lower().replace("_", "-"), one.version) for one in installed()))


@cache
def digest_of_files(distribution: str) -> str:
    """Address of the file hashes that a distribution was installed with; empty where there are none.

    Scripts outside the package are left out: an installer writes the interpreter's path into them.
    """
    known = next((one.record for one in installed() if one.name.lower() == distribution), None)
    if known is not None:
        return digest_of_record(known)
    try:
        return digest_of_record(metadata.distribution(distribution).read_text("RECORD") or "")
    except metadata.PackageNotFoundError:
        return ""


@cache
def digest_of_record(record: str) -> str:
    """Address of the file hashes of a distribution's list of files; empty where it has none."""
    lines = [
        line
        for line in record.splitlines()
        if ",sha256=" in line and ".dist-info/" not in line and line[0] != "/" and line[:3] != "../"
    ]
    return digest("\n".join(sorted(lines)).encode())


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
    root = str(Path(headgate.__file__).parent)
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(".py"):
                path = f"{folder}{os.sep}{name}"
                with open(path, "rb", buffering=0) as stream:
                    found[path[len(root) + 1 :]] = digest(stream.read())
    return digest_json(found)


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit, place in it, and digest of the code that is not committed; None outside a checkout or without git."""
    asked = _git(folder, "rev-parse", "HEAD", "--show-prefix")
    if asked is None:
        return None
    changes = changes_of(folder)
    commit, _, within = asked.decode().partition("\n")
    return {
        "commit": commit.strip(),
        "within": within.strip().removesuffix("/"),
        "dirty": bool(changes),
        "diff": digest(changes) if changes else "",
        "untracked": len(untracked(folder)),
    }


def changes_of(folder: Path) -> bytes:
    """What is changed in code and not committed, as a patch from the top of the checkout."""
    paths = [f":(top){pattern}" for pattern in CODE]
    return (
        _git(folder, "diff", "HEAD", "--no-ext-diff", "--no-textconv", "--no-renames", "--binary", "--", *paths) or b""
    )


def is_code(name: str) -> bool:
    """Whether a file of a checkout is code or its settings, by its name."""
    return any(fnmatch.fnmatch(name, pattern) for pattern in CODE)


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
