"""Servers that end in the middle: what was acknowledged stays, and the same call again goes through."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from pyroaring import BitMap
from writing_rows import row, words, writers

from headgate.kit.errors import Refused, Retryable
from headgate.stats.verdict import Outcome

TEAM = ("postgres", "postgres+s3")


@pytest.fixture(params=TEAM)
def shared(request: pytest.FixtureRequest, place_of: Any, tmp_path: Path) -> Any:
    """A place that a team shares."""
    return place_of(request.param, tmp_path / ".headgate")


def test_a_database_server_that_is_killed_loses_no_acknowledged_row(shared: Any, cluster: Any) -> None:
    """Killed while rows are appended: the writer is told why, what it was told stays, and going on works."""
    (writer,) = writers(shared, ["traffic"], 100_000)
    assert writer.stdout is not None and writer.stderr is not None
    first = writer.stdout.readline()
    time.sleep(0.4)
    cluster.kill()
    said, error = writer.communicate(timeout=60)
    cluster.start()
    assert "Unreachable: try again" in error or "does not answer" in error, error[-800:]
    acknowledged = (first + said).split()
    with shared.open() as ledger:
        assert [] == [one for one in acknowledged if ledger.rows.number_of(one) is None]
        numbers = ledger.rows.all_numbers()
        assert 0 == len(numbers) % 20
        assert len(numbers) == sum(1 for _ in ledger.rows.bodies(numbers))
        assert Outcome.PASS == ledger.verify().outcome
        assert 1 == ledger.rows.append([row("afterwards", b"more", ledger.find("source")[0].id)]).new


def test_an_open_ledger_outlives_a_restart_of_its_server(shared: Any, cluster: Any) -> None:
    """While the server is down each call is refused with what to do; afterwards the same ledger goes on."""
    with shared.open() as ledger:
        ledger.record("case", "before", {})
        cluster.kill()
        with pytest.raises(Refused, match="does not answer") as refused:
            ledger.record("case", "meanwhile", {})
        assert isinstance(refused.value, Retryable)
        assert cluster.password not in str(refused.value)
        cluster.start()
        ledger.record("case", "after", {})
        assert ["before", "after"] == [node.name for node in ledger.find("case")]


def test_an_object_store_that_is_cut_off_in_an_append(place_of: Any, tmp_path: Path, objects: Any) -> None:
    """Nothing of the append is there; the same one again goes through, and no orphan stays after a sweep."""
    place = place_of("postgres+s3", tmp_path / ".headgate")
    with place.open() as ledger:
        source = ledger.record("source", "desk", {})
        ledger.rows.append([row("kept", words(400), source)])
        rows = [row(str(number), words(9_000), source) for number in range(40)]
        objects._wire.after = 100_000  # bytes: in the middle of the object
        with pytest.raises(Refused, match="object store does not answer") as refused:
            ledger.rows.append(rows)
        assert isinstance(refused.value, Retryable)
        assert BitMap([1]) == ledger.rows.all_numbers()
        with pytest.raises(Refused, match="does not answer"):
            list(ledger.rows.bodies([1]))
        objects.mend()
        assert 40 == ledger.rows.append(rows).new
        assert Outcome.PASS == ledger.verify().outcome
        objects.client().put_object(Bucket=place.bucket, Key=f"{ledger.store._folder}/stray", Body=b"left behind")
        objects.client().create_multipart_upload(Bucket=place.bucket, Key=f"{ledger.store._folder}/begun")
        objects.client().put_object(Bucket=place.bucket, Key="team/of-others", Body=b"theirs")
        assert [] == ledger.sweep().left
        assert {"team/of-others"} == {name for name, _ in objects.pieces(place.bucket) if "ledger-" not in name}
        assert 3 == len(objects.pieces(place.bucket))
        assert [] == objects.client().list_multipart_uploads(Bucket=place.bucket).get("Uploads", [])


def test_an_object_store_that_is_cut_off_in_an_erasure(place_of: Any, tmp_path: Path, objects: Any) -> None:
    """At every tenth of the bytes that an erasure sends: refused, and the same erasure again ends as it should."""
    place = place_of("postgres+s3", tmp_path / ".headgate")
    with place.open() as ledger:
        source = ledger.record("source", "desk", {})
        for batch in range(4):
            name = f"{batch} "
            ledger.rows.append([row(name + str(n), words(300), source, f"p{batch}") for n in range(10)])
        for batch, after in enumerate((0, 2_000, 5_000)):
            theirs = BitMap(list(ledger.rows.numbers_of_subject(f"p{batch}"))[:5])
            objects._wire.after = after
            with pytest.raises(Refused, match="does not answer"):
                ledger.rows.erase(theirs)
            objects.mend()
            ledger.rows.erase(theirs)
            assert [] == list(ledger.rows.bodies(theirs))
            assert 40 - 5 * (batch + 1) == sum(1 for _ in ledger.rows.bodies(ledger.rows.all_numbers()))
            assert Outcome.PASS == ledger.verify().outcome
            assert 4 == len(objects.pieces(place.bucket))
