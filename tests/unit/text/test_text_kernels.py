"""Compiled kernels: the bits of the plain ones, where they are kept, when they are used."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.text import kernels
from headgate.text.compiled import building, compiling, keeping, signing
from headgate.text.coverage import coverage
from headgate.text.guards import MARKS, guard_keys
from headgate.text.jaccard import similarities
from headgate.text.leaks import copies
from headgate.text.minhash import agreement, candidates, signatures
from headgate.text.near_duplicates import near_duplicate_pairs, similarity_of
from headgate.text.ngrams import Shingles, character_ngrams, exact_hashes, word_ngrams
from headgate.text.redundancy import rarity, redundant
from headgate.text.similarity import calibrate, nearest
from headgate.text.tape import tape_of, word_hash

SPOKEN = (
    "the a card is not lost 5 7 14.5 refund my please $3 €4 can't don t cannot two Zürich ΟΔΟΣ İstanbul naïve "
    "東京 中文 ไทย привет Kelvin 🙂 ｆｕｌｌ ５ « — ª ꙮ 𝒳 𐐀 ß ẞ Ⱥ 'tis no-one x86_64 U.S. 한국어 မြန်မာ ខ្មែរ"
)
WORDS = SPOKEN.split()
LONG = [0, 3, 40, 41, 42, 43]


def texts(count: int = 400, seed: int = 3) -> list[str]:
    """Short and long texts of several scripts, near copies among them, some empty."""
    rng = np.random.default_rng(seed)
    out = []
    for number in range(count):
        words = rng.choice(WORDS, size=int(rng.integers(0, 60))).tolist()
        if number % 3 == 2 and out:
            words = out[int(rng.integers(len(out)))].split()
            if words:
                words[int(rng.integers(len(words)))] = str(rng.choice(WORDS))
        out.append(str(rng.choice([" ", "  ", ", "])).join(words))
    return [*out, "", "\n", "x" * 70_000, "a b c d e f g h " * 4000, "\ud800 x", "\u0130\u0131 \u03a3"]


def flat(value: Any) -> list[Any]:
    """All arrays and numbers of an answer, in order."""
    if is_dataclass(value):
        return [part for one in fields(value) for part in flat(getattr(value, one.name))]
    if isinstance(value, tuple | list):
        return [part for one in value for part in flat(one)]
    return [value]


ROWS, ITEMS = texts(), [one for one in texts(60, 5) if one][:50] + texts()[:300:7]
PAIR = (np.array(LONG), np.array([1, 4, 41, 42, 43, 44]))
CASES: dict[str, Callable[[], Any]] = {
    "tape": lambda: [getattr(tape_of(ROWS), name) for name in ("words", "offsets", "starts", "ends")],
    "tape of nothing": lambda: [getattr(tape_of([]), name) for name in ("words", "offsets", "starts", "ends")],
    "guards": lambda: guard_keys(tape_of(ROWS)),
    "exact hashes": lambda: exact_hashes(tape_of(ROWS)),
    "facts of a part": lambda: [guard_keys(tape_of(ROWS).take([5, 2, 9])), exact_hashes(tape_of(ROWS).part(3, 90))],
    "word grams": lambda: word_ngrams(tape_of(ROWS), 3),
    "character grams": lambda: character_ngrams(tape_of(ROWS), 5),
    "signatures of words": lambda: signatures(tape_of(ROWS), Shingles(3), rows=32),
    "signatures of characters": lambda: signatures(tape_of(ROWS), Shingles(5, characters=True), rows=32),
    "signatures of some": lambda: signatures(tape_of(ROWS), Shingles(2), rows=7, chosen=np.array([7, 3, 5])),
    "candidates": lambda: candidates(signatures(tape_of(ROWS), Shingles(1), rows=32), bands=8, floor=0.3),
    "agreement": lambda: agreement(signatures(tape_of(ROWS), Shingles(1), rows=31), *PAIR),
    "similarities": lambda: [similarities(tape_of(ROWS), Shingles(n, n == 5), *PAIR) for n in (1, 3, 5)],
    "similarity of fields": lambda: similarity_of(tape_of(ROWS), *PAIR),
    "near-duplicates": lambda: near_duplicate_pairs(ROWS),
    "rarity": lambda: [rarity(tape_of(ROWS)), rarity(tape_of(ROWS), np.array(LONG))],
    "redundant": lambda: redundant(
        tape_of(ROWS), tape_of(ROWS[::-1]), tape_of(ROWS), [n % 2 for n in range(len(ROWS))]
    ),
    "coverage": lambda: coverage(tape_of(ROWS), tape_of(ITEMS), common_rows=5),
    "copies": lambda: copies(tape_of(ROWS), tape_of(ITEMS)),
    "nearest": lambda: nearest(tape_of(ITEMS), tape_of(ROWS)),
    "calibrated": lambda: calibrate(tape_of(ROWS), sample=100),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_compiled_and_plain_kernels_agree_byte_for_byte(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every function over the tape gives the same arrays of the same kind, whichever kernels run."""
    answers = []
    for mode in ("plain", "compiled"):
        monkeypatch.setenv(kernels.SETTING, mode)
        answers.append([(str(np.asarray(one).dtype), np.asarray(one).tobytes()) for one in flat(CASES[name]())])
    assert answers[0] == answers[1]


def test_the_cases_are_not_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts above hold duplicates, guarded pairs and copies, so that agreement means something."""
    monkeypatch.setenv(kernels.SETTING, "plain")
    pairs = near_duplicate_pairs(ROWS)
    assert len(pairs.duplicates) > 20
    assert 0 < pairs.guarded.sum() < len(pairs)
    assert pairs.exact.any()
    assert len(copies(tape_of(ROWS), tape_of(ITEMS)).rows) > 20


@pytest.mark.parametrize("mode", ["plain", "compiled"])
@pytest.mark.parametrize("mark", MARKS)
def test_marks_of_amount_are_told_apart(mark: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words with another mark have another key."""
    monkeypatch.setenv(kernels.SETTING, mode)
    keys = guard_keys(tape_of([f"{mark} it is", "it is", f"it is{mark}"])).tolist()
    assert keys[0] == keys[2] != keys[1]


@pytest.mark.parametrize("mode", ["plain", "compiled"])
def test_a_text_does_not_change_the_next_one(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that begins with t denies nothing because the one before it ends with don."""
    monkeypatch.setenv(kernels.SETTING, mode)
    apart, alone = guard_keys(tape_of(["don", "t"])), guard_keys(tape_of(["t"]))
    assert alone[0] == apart[1]
    assert guard_keys(tape_of(["don't"]))[0] != alone[0]


def test_small_work_stays_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand rows are small, fifty thousand short ones too; from there on size decides."""
    monkeypatch.delenv(kernels.SETTING, raising=False)
    monkeypatch.setattr(kernels, "_met", set())
    monkeypatch.setattr(kernels, "_kept", lambda: False)
    assert not kernels.expect(10_000, 31_000_000)
    assert not kernels.expect(50_000, 3_000_000)
    assert not kernels.compiled()
    assert kernels.expect(50_000, 14_000_000)
    assert kernels.expect(3, 10)  # they are loaded by now
    monkeypatch.setenv(kernels.SETTING, "plain")
    assert not kernels.expect(50_000, 14_000_000)


def test_medium_work_is_compiled_where_nearly_all_kernels_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it never waits for a compiler; small work does not even wait for them to load."""
    monkeypatch.delenv(kernels.SETTING, raising=False)
    monkeypatch.setattr(kernels, "_met", set())
    monkeypatch.setattr(kernels, "_kept", kernels._kept.__wrapped__)
    monkeypatch.setattr(building, "cache_folder", lambda: str(tmp_path))
    defined = sum(
        isinstance(each, building.Kernel)
        for path in building.HERE.glob("*.py")
        for each in vars(import_module(f"{building.__package__}.{path.stem}")).values()
        if getattr(getattr(each, "function", None), "__module__", "").endswith(f".{path.stem}")
    )
    for number in range(defined - building.LACKING - 1):
        (tmp_path / f"{number}.kernel").touch()
    assert not kernels.expect(2_000, 2_000_000)
    (tmp_path / "one more.kernel").touch()
    assert not kernels.expect(1_000, 900_000)
    assert kernels.expect(2_000, 2_000_000)


def test_a_setting_of_no_meaning_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting is not taken for silence."""
    monkeypatch.setenv(kernels.SETTING, "compild")
    with pytest.raises(Refused, match="compild"):
        kernels.compiled()


def test_kernels_are_kept_where_the_package_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the package, else in the user's cache folder, else in a private temporary one, else nowhere."""
    closed = tmp_path / "file"
    closed.write_text("")
    monkeypatch.delenv(building.ASKED, raising=False)
    monkeypatch.setattr(building.tempfile, "gettempdir", lambda: str(tmp_path))
    found = building.cache_folder.__wrapped__
    monkeypatch.setattr(building, "HERE", tmp_path)
    assert Path(found()).parent == tmp_path / "__pycache__"
    monkeypatch.setattr(building, "HERE", closed)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    assert Path(found()).parent == tmp_path / "own" / "headgate"
    monkeypatch.setenv("XDG_CACHE_HOME", str(closed))
    assert Path(found()).parent == tmp_path / f"headgate-{os.getuid()}"
    (tmp_path / f"headgate-{os.getuid()}").chmod(0o777)
    assert "" == found()


def test_two_processes_that_compile_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Both end well with one answer, and a third finds what they left."""
    code = (
        "import numpy as np; from headgate.text.compiled import signing; out = np.empty(2, np.float64);"
        "table = np.eye(4, dtype=np.uint32); at = np.array([0, 1]);"
        "signing.agreement(table, at, at[::-1].copy(), out); print(out.tolist())"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)
    ]
    assert [(b"[0.5, 0.5]\n", b"")] * 2 == [one.communicate(timeout=120) for one in both]
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("signing.agreement-*")}
    assert kept
    third = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=120)
    assert b"[0.5, 0.5]\n" == third.stdout
    assert kept == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("signing.agreement-*")}


def test_kernels_do_not_wait_for_what_they_do_not_need(tmp_path: Path) -> None:
    """The first process compiles without SciPy's linear algebra; the second reads what was kept without numba."""
    code = (
        "import sys; from headgate.text.tape import tape_of; print(tape_of(['one two']).words.tolist());"
        "print('scipy.linalg' in sys.modules, 'numba' in sys.modules);"
        "from numba.np import arraymath, linalg;"
        "print('scipy.linalg' in sys.modules or arraymath._HAVE_BLAS, arraymath.ensure_blas is linalg.ensure_blas)"
    )
    environment = {**os.environ, kernels.SETTING: kernels.COMPILED, building.ASKED: str(tmp_path)}
    command = [sys.executable, "-c", code]
    first, second = (
        subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout.split("\n")
        for _ in range(2)
    )
    assert ["False True", "True True"] == first[1:3]
    assert ["False False", "True True"] == second[1:3]
    assert first[0] == second[0]


SMALL = (np.eye(4, dtype=np.uint32), np.array([0, 1]), np.array([1, 0]))


def kept_again(folder: Path) -> Any:
    """The kernel that compares signatures, as it is read from a folder; None where it is not."""
    return keeping.read(signing.agreement, str(folder))


def test_a_kept_kernel_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    """A file that was cut off, changed or made for another processor is compiled again."""
    assert kept_again(tmp_path) is None
    made, out = compiling.compiled(signing.agreement, str(tmp_path)), np.empty(2)
    (path,) = tmp_path.glob("*.kernel")
    whole = path.read_bytes()
    for call in (made, kept_again(tmp_path)):
        out[:] = 0
        call(*SMALL, out)
        assert [0.5, 0.5] == out.tolist()
    for spoilt in (whole[:-1], whole.replace(b"ELF", b"FLE"), b"", b"{}\n" + whole):
        path.write_bytes(spoilt)
        assert kept_again(tmp_path) is None
    path.write_bytes(whole.replace(b'"asks":[', b'"asks":["no_such_function",').replace(b",]", b"]"))
    assert kept_again(tmp_path) is None


def test_a_kernel_takes_what_it_was_compiled_for(tmp_path: Path) -> None:
    """Arrays of another kind, with gaps or closed to writing are refused; nothing is read or written then."""
    compiling.compiled(signing.agreement, str(tmp_path))
    call, out = kept_again(tmp_path), np.empty(2)
    closed = out.copy()
    closed.flags.writeable = False
    for table, into in (
        (SMALL[0].astype(np.uint64), out),
        (SMALL[0][:, ::2], out),
        (SMALL[0][0], out),
        (SMALL[0], closed),
        (SMALL[0], np.empty(4)[::2]),
    ):
        with pytest.raises(TypeError):
            call(table, *SMALL[1:], into)


def test_a_kernel_that_needs_more_than_memory_stays_with_numba(tmp_path: Path) -> None:
    """What calls functions that are not given to kept kernels runs as numba keeps it."""
    function = building.Kernel(lambda values: np.sin(values).sum() > 0.0, "boolean(float64[::1])")
    assert compiling.compiled(function, str(tmp_path))(np.ones(3))
    assert not list(tmp_path.glob("*.kernel"))


def test_one_word_has_one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash of a word alone is that of the word anywhere, whichever kernels run."""
    monkeypatch.setenv(kernels.SETTING, "compiled")
    assert word_hash("östlich") == int(tape_of(["geht es ÖSTLICH?"]).words[2])
