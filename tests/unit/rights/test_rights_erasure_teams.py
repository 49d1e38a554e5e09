"""Erasure where a team has its ledger: no word is left on a server, and kills and cut-offs change nothing."""

from __future__ import annotations

import contextlib
import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest
import zstandard
from erased_person import PARAPHRASE, SECRET, as_written, build, killed_after, run, short_family, state, words
from sqlalchemy import select

from headgate.kit.errors import Refused
from headgate.ledger import schema
from headgate.ledger.ledger import Ledger


@pytest.fixture(scope="module")
def erased_whole() -> dict[str, tuple[object, ...]]:
    """The end state of an erasure that nobody killed, for each kind of place."""
    return {}


def shared(backend: str, folder: Path, place_of: Any) -> tuple[Path, Any]:
    """A project whose ledger lies where a team has it, filled; and that place."""
    store = folder / ".headgate"
    place = place_of(backend, store)
    (folder / ".place").write_text(json.dumps([str(place.where), place.content]))
    build(store)
    return store, place


MOMENTS = sorted(random.Random(11).sample(range(16), 10))


@pytest.mark.parametrize(
    ("backend", "steps"), [*(("postgres+s3", step) for step in MOMENTS), *(("postgres", step) for step in (4, 9, 12))]
)
def test_a_kill_at_any_moment_ends_alike_for_a_team(
    tmp_path: Path, backend: str, steps: int, place_of: Any, cluster: Any, objects: Any, erased_whole: Any
) -> None:
    """Killed before a record, a commit, an object, a turn of the log: the second run ends as one that ran through."""
    for folder in ("whole", "killed"):
        (tmp_path / folder).mkdir()
    if backend not in erased_whole:
        store, _ = shared(backend, tmp_path / "whole", place_of)
        run(store, items=True)
        erased_whole[backend] = state(store)
    store, place = shared(backend, tmp_path / "killed", place_of)
    assert -signal.SIGKILL == killed_after(steps, store)
    done = run(store, items=True)
    assert ([], [], []) == (done.remaining, done.unreached, done.unseen)
    assert erased_whole[backend] == state(store)
    assert [] == left_on_servers(place, cluster, objects)


def in_files_of(cluster: Any) -> list[bytes]:
    """What the files of a running server hold, of which it removes some meanwhile."""
    found = []
    for path in cluster.files():
        with contextlib.suppress(FileNotFoundError):
            found.append(path.read_bytes())
    return found


def left_on_servers(place: Any, cluster: Any, objects: Any) -> list[bytes]:
    """The words that stand in a file of the database server, or can be read in any version of any object."""
    wanted = [SECRET[:30].encode(), json.dumps(SECRET)[1:31].encode(), PARAPHRASE[20:50].encode()]
    pack = zstandard.ZstdCompressor(level=3).compress
    wanted += [pack(words(text))[12:36] for text in (SECRET, PARAPHRASE)]
    hay = in_files_of(cluster)
    if place.bucket:
        hay += [data for data in objects.pieces(place.bucket).values() if data]
        with Ledger.open(place.where, beside=place.folder) as ledger, ledger.snapshot() as connection:
            named = set(connection.scalars(select(schema.objects.c.name)))
        assert named == {name for name, _ in objects.pieces(place.bucket)}
    return [one for one in wanted if any(one in data for data in hay)]


@pytest.mark.parametrize("backend", ["postgres", "postgres+s3"])
def test_the_words_are_on_no_server_and_the_rest_stands(
    tmp_path: Path, backend: str, place_of: Any, cluster: Any, objects: Any
) -> None:
    """The same erasure as in a file: the same answer, and a byte search of the servers finds nothing."""
    store, place = shared(backend, tmp_path, place_of)
    before = objects.pieces(place.bucket) if place.bucket else {}
    done = run(store, items=True)
    assert (3, 1, 2, []) == (done.rows, done.content, len(done.records), done.remaining)
    assert ["train.jsonl"] == done.yours
    bodies, files, verdicts, rows, verified = state(store)
    assert [3, 4, 6] == [number for number, _ in bodies]
    assert (["kept.jsonl", "other.shard"], [("check", True)], 6, "pass") == (files, verdicts, rows, verified)
    assert [] == left_on_servers(place, cluster, objects)
    if place.bucket:
        after = objects.pieces(place.bucket)
        assert None not in after.values()
        assert 1 == len(set(before) & set(after))  # what Bob says in a piece of content


@pytest.mark.parametrize("backend", ["postgres", "postgres+s3"])
def test_nobody_can_try_texts_against_what_stays_on_servers(
    tmp_path: Path, backend: str, place_of: Any, cluster: Any, objects: Any
) -> None:
    """Nor against merged rows that stay, in the files of the server, in any object, or in what it answers."""
    store, place = shared(backend, tmp_path, place_of)
    guesses = as_written(short_family(store))
    assert (4, []) == ((done := run(store, items=True)).restated, done.remaining)
    hay = in_files_of(cluster)
    if place.bucket:
        hay += [data for data in objects.pieces(place.bucket).values() if data]
    with Ledger.open(place.where, beside=place.folder) as ledger:
        hay += [body for _, _, body in ledger.rows.bodies(ledger.rows.all_numbers())]
        hay += map(ledger.content.get, ledger.content.addresses())
        assert "pass" == ledger.verify().outcome.value
    assert [] == [one for one in guesses if any(one in data for data in hay)]


@pytest.mark.parametrize("backend", ["postgres", "postgres+s3"])
def test_servers_that_end_half_way_through_an_erasure(
    tmp_path: Path, backend: str, place_of: Any, cluster: Any, objects: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is refused with what to do; when the servers are back, the same erasure ends as it should."""
    store, place = shared(backend, tmp_path, place_of)
    from headgate.ledger.rows import Rows

    erase = Rows.erase

    def cut(rows: Any, numbers: Any) -> int:
        monkeypatch.setattr(Rows, "erase", erase)
        cluster.kill()
        return erase(rows, numbers)

    monkeypatch.setattr(Rows, "erase", cut)
    with pytest.raises(Refused, match="database server does not answer"):
        run(store, items=True)
    cluster.start()
    if place.bucket:
        objects._wire.after = 3_000
        with pytest.raises(Refused, match="object store does not answer"):
            run(store, items=True)
        objects.mend()
    done = run(store, items=True)
    assert [] == done.remaining
    assert [3, 4, 6] == [number for number, _ in state(store)[0]]
    assert [] == left_on_servers(place, cluster, objects)
