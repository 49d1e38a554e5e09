"""Shards on a real Ray cluster: two nodes, one of which is killed half-way."""

from __future__ import annotations

import gzip
import importlib.util
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import ray  # noqa: TID253
from ray.cluster_utils import Cluster  # noqa: TID253

from headgate.check.auditing import audit
from headgate.check.engines import ray as ray_engine
from headgate.check.workplace import CACHE
from headgate.kit import doors
from headgate.kit.errors import Refused, Unavailable

RULES = ["DAT003", "DAT006", "DAT008", "DAT009", "DAT011", "LIN001"]
SHARDS = 24
WORDS = ["spending", "travel", "weekly", "overdraft", "partner"]
SOON = {"health_check_period_ms": 500, "health_check_failure_threshold": 3}  # a lost node is known to be lost
pytestmark = [
    pytest.mark.training,
    # Ray leaves sockets and pipes of the processes it starts to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*"),
]


def row(rng: random.Random, place: int) -> dict[str, Any]:
    """A chat row, now and then with the words of an earlier one or with no answer."""
    words = [f"{rng.choice(['card', 'fee', 'loan', 'limit', 'order'])}{rng.randrange(60)}" for _ in range(25)]
    if place % 7 == 3:
        words = [f"word{step * (place % 13)}" for step in range(20)]
    said = "" if place % 29 == 0 else f"Your case is number {place % 40} and it is on its way to you."
    turns = [{"role": "user", "content": " ".join(words)}, {"role": "assistant", "content": said}]
    return {"messages": turns, "subject": f"s{place % 90}"}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A training file of many shards, and an evaluation file with some of its rows."""
    rng = random.Random(4)
    rows = [row(rng, place) for place in range(1200)]
    train, test = tmp_path / "train.jsonl", tmp_path / "test.jsonl"
    train.write_text("".join(json.dumps(one) + "\n" for one in rows) + "{broken\n")
    short = [f"Is the {word} limit of my card {place} still open?" for place, word in enumerate(WORDS)]
    asked = [*rows[::100], *({**rows[0], "messages": [{"role": "user", "content": text}]} for text in short)]
    test.write_text("".join(json.dumps(one) + "\n" for one in asked))
    monkeypatch.setenv("HEADGATE_SHARD_BYTES", str(train.stat().st_size // SHARDS))
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return train, test


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster whose head is its first node; this process stands beside it."""
    made = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 1,
            "object_store_memory": 80 << 20,
            "include_dashboard": False,
            "_system_config": SOON,
        },
    )
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made
    ray.shutdown()
    made.shutdown()


def told(train: Path, test: Path, engine: str | None) -> bytes:
    """The whole answer."""
    return orjson.dumps(audit(train, eval=test, select=RULES, engine=engine).as_json())


def test_a_lost_node_changes_nothing(
    cluster: Cluster, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node is killed once a third of the shards is done; the answer is that of memory."""
    expected = told(*files, None)
    second = cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    cluster.wait_for_nodes()
    assert 2 == ray.cluster_resources()["CPU"]
    written: list[Path] = []
    real = ray_engine.atomic_write

    def counted(target: Path) -> Any:
        written.append(target)
        if len(written) == SHARDS // 3:  # tasks are under way on both nodes
            cluster.remove_node(second, allow_graceful=False)
        return real(target)

    monkeypatch.setattr(ray_engine, "atomic_write", counted)
    assert expected == told(*files, "ray")
    first, again = ({path for path in written if path.name.startswith(kind)} for kind in ("shard-", "look-"))
    assert SHARDS == len(first) == len(again)
    until = time.monotonic() + 30
    while sum(node["Alive"] for node in ray.nodes()) > 1 and time.monotonic() < until:
        time.sleep(0.2)
    assert 1 == sum(node["Alive"] for node in ray.nodes())


def test_a_file_that_a_node_cannot_read_is_refused(files: tuple[Path, Path]) -> None:
    """The reader's own words come back from the task; the cluster that was started for it is ended."""
    train, test = files
    packed = train.with_name("train.jsonl.gz")
    # Longer than what is looked at to detect the format.
    packed.write_bytes(gzip.compress(train.read_bytes() * 12)[:-3000])
    with pytest.raises(Refused, match="the gzip stream is cut off"):
        told(packed, test, "ray")
    assert not ray.is_initialized()


def test_without_the_extra_the_engine_says_how_to_get_it(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The door is closed where the library is not installed."""
    real = importlib.util.find_spec
    monkeypatch.setattr(doors.importlib.util, "find_spec", lambda name: None if name == "ray" else real(name))
    with pytest.raises(Unavailable, match="needed to scan shards on a Ray cluster") as refused:
        audit(files[0], engine="ray")
    assert refused.value.next_step == 'pip install "headgate[ray]"'
