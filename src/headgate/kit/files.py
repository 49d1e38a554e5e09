"""Files: every write is atomic, and every refusal names the file and the reason.

A write goes to a temporary file in the same folder, is flushed to disk and renamed, so that a
reader sees the old content or the new and a kill at any moment leaves nothing half-written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from headgate.kit.errors import HeadgateError, Refused, Retryable

TEMPORARY = ".headgate-tmp-"
# How libraries tell of the operating system's errors: those that are not written in Python, and copies of folders.
NUMBERED = re.compile(r"\(os error (\d+)\)|\[Errno (\d+)\]")
NAMELESS = re.compile(r"No space left on device|PytorchStreamWriter failed writing")


def must_be_file(path: Path) -> Path:
    """The path, once it is known to be a readable regular file.

    Raises:
        Refused: missing, a dangling link, a directory, not a regular file, or not readable.
    """
    try:
        there = path.exists()
    except OSError as error:  # such as a name that is too long
        raise as_refusal(error, path) from error
    if path.is_symlink() and not there:
        raise Refused("dangling link", file=str(path), found=f"a link to {path.readlink()}, which is not there")
    if not there:
        raise Refused("no such file", file=str(path), next_step="check the spelling and the folder")
    if path.is_dir():
        raise Refused("a directory, not a file", file=str(path), wanted="one or more files", next_step=f"{path}/*")
    if not path.is_file():
        raise Refused("not a regular file", file=str(path))
    if not os.access(path, os.R_OK):
        raise Refused("not readable", file=str(path), next_step="check the permissions")
    return path


def as_refusal(error: OSError, path: Path) -> HeadgateError:
    """An operating-system error in the words of the error tree."""
    where = str(path)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Refused("the disk is full", file=where, next_step="free some space and run the same command again")
    if error.errno == errno.EFBIG:
        return Refused("the file would be larger than files may be here", file=where, next_step="ulimit -f unlimited")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return Refused(
            "the target cannot be written",
            file=where,
            found=error.strerror,
            next_step="choose a folder that you may write to",
        )
    if error.errno == errno.ENOENT:
        return Refused("the folder is not there", file=where, next_step=f"mkdir -p {path.parent}")
    if error.errno == errno.ENAMETOOLONG:
        return Refused(
            "the name is too long", file=where, found=f"{len(path.name.encode())} bytes", wanted="255 at most"
        )
    if error.errno in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY):
        return Refused("a folder stands where a file is wanted, or the other way round", file=where)
    return Retryable("the file could not be written", file=where, found=str(error))


@contextlib.contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Inside, what the operating system refuses to write is a refusal, however a library words it.

    Raises:
        Refused: the disk is full, a file would grow too large, or the target cannot be written.
    """
    try:
        yield
    except HeadgateError:
        raise
    except Exception as error:
        if (found := _told_by_system(error)) is None:
            raise
        raise as_refusal(found, path) from error


def _told_by_system(error: Exception) -> OSError | None:
    if isinstance(error, OSError) and error.errno:
        return error
    if numbered := NUMBERED.search(str(error)):
        number = int(numbered[1] or numbered[2])
        return OSError(number, os.strerror(number))
    if isinstance(error, OSError):
        return error
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if NAMELESS.search(str(error)) else None


def place_folder(source: Path, target: Path) -> None:
    """Copies a folder of plain files to a name that is not there yet, in one step, flushed to disk.

    Raises:
        Refused: the name is taken, or the folder cannot be written; nothing is left behind.
    """
    if target.exists():
        raise Refused("the folder is there already", file=str(target), next_step="choose another with --out")
    with refusing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=target.parent))
        try:
            for path in sorted(one for one in source.rglob("*") if one.is_file()):
                place = temporary / path.relative_to(source)
                place.parent.mkdir(parents=True, exist_ok=True)
                write_flushed(place, path.read_bytes())
            flush_folder(temporary)
            temporary.chmod(0o755)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        flush_folder(target.parent)


def must_be_target(path: Path) -> None:
    """Refuses a path at which no file can appear by renaming.

    Raises:
        Refused: a directory, device, pipe or socket stands there, or the name is too long.
    """
    try:
        if path.is_dir():
            raise Refused("a directory stands where a file is to be written", file=str(path))
        # Renaming over /dev/null would take the device away from everybody on the machine.
        if path.exists() and not path.is_file():
            raise Refused("not a regular file, so it is not written over", file=str(path), wanted="the name of a file")
    except OSError as error:
        raise as_refusal(error, path) from error


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """A binary stream whose content appears at `path` in one step, or not at all.

    Raises:
        Refused: the folder is missing or read-only, the disk is full, or a directory or a device
            stands there; nothing is left behind.
    """
    must_be_target(path)
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise as_refusal(error, path) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Writes a text file in one step, as UTF-8."""
    with atomic_write(path) as stream:
        stream.write(text.encode())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    # The rename is durable only once the folder itself is on disk.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_flushed(path: Path, content: bytes) -> None:
    """Writes a file of a folder that is not there yet under its name, and flushes it to disk."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def flush_folder(folder: Path) -> None:
    """Flushes the names in a folder to disk, where the file system can."""
    # Some file systems have no flush for folders; the rename is still one step there.
    with contextlib.suppress(OSError):
        _sync_folder(folder)
