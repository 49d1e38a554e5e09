"""What is installed is read as the standard library reads it, only faster."""

from __future__ import annotations

from importlib import metadata

from headgate.train.environment import digest_of_files, digest_of_record
from headgate.train.installed import _tops, installed


def test_names_versions_and_requirements_are_those_of_the_standard_library() -> None:
    """Of every distribution here."""
    for one in installed():
        known = metadata.distribution(one.name)
        assert (known.version, known.requires or []) == (one.version, list(one.requires))
        # As files are read with their ends of lines made alike, which takes longer and changes no address.
        assert digest_of_files(one.name) == digest_of_record(known.read_text("RECORD") or "")


def test_what_can_be_imported_is_found_in_the_list_of_files() -> None:
    """Packages, single modules and compiled ones; not the metadata, nor what lies outside."""
    record = (
        "acme/__init__.py,sha256=a,1\nloose.py,,\n_fast.cpython-311-x86_64-linux-gnu.so,,\nacme-1.dist-info/RECORD,,\n"
    )
    assert {"acme", "loose", "_fast"} == _tops(None, record + "../../bin/acme,,\n")
    assert {"one", "two"} == _tops("one\ntwo\n", record)
    known = {top for one in installed() for top in one.tops}
    assert {"torch", "numpy", "safetensors"} <= known
