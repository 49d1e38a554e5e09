"""Series of scores with a known truth."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Rows = list[dict[str, Any]]


def scores(proxies: Sequence[float], outcomes: Sequence[float], *, n: int = 200, seed: int = 0, **more: Any) -> Rows:
    """Lines of a series: mean proxy of each step, and the share of prompts that each step solves."""
    rng = np.random.default_rng(seed)
    hard = rng.random(n)
    out: Rows = []
    for step, (proxy, solved) in enumerate(zip(proxies, outcomes, strict=True)):
        noise = rng.random(n) * 0.3 - 0.15
        for at in range(n):
            own = {name: value[step] if isinstance(value, list) else value for name, value in more.items()}
            out.append(
                {
                    "prompt": f"p{at}", "step": step, "proxy": proxy + float(rng.normal(0, 0.1)),
                    "outcome": int(hard[at] + noise[at] < solved), **own,
                }
            )  # fmt: skip
    return out


HACKED = ([0.1, 0.3, 0.5, 0.7], [0.6, 0.62, 0.5, 0.35])
HONEST = ([0.1, 0.3, 0.5, 0.7], [0.5, 0.55, 0.6, 0.62])


@pytest.fixture(scope="session")
def make() -> Callable[..., Rows]:
    """Makes lines."""
    return scores


@pytest.fixture(scope="session")
def truths() -> Mapping[str, tuple[list[float], list[float]]]:
    """Proxy and outcome of the steps of a hacked and of an honest reward."""
    return {"hacked": HACKED, "honest": HONEST}


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Rows], Path]:
    """Writes lines to a file."""

    def write(rows: Rows, name: str = "scores.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write
