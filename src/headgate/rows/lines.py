"""Lines of a file, whatever it is compressed with, in bounded memory.

Compression is told by magic bytes, never by the name of the file. A line longer than the limit is
skipped piece by piece and reported with its length, so that one runaway line costs no memory.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from headgate.kit.errors import Refused
from headgate.kit.files import as_refusal, must_be_file

PIECE = 1 << 20  # bytes read at a time
ZSTD_PIECE = (
    2 << 10
)  # compressed bytes; one zstd block of 4 bytes can unpack to 128 KiB, so this bounds a piece to 64 MiB
# A file may unpack to this many bytes; beyond, to so many times its own size. JSON Lines pack to about a tenth,
# the same row over and over to a hundredth; what packs better is made to fill memory or time.
UNPACKED_FREELY, TIMES = 256 << 20, 200
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
UTF8_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Overlong:
    """A line that was skipped because it is longer than the limit."""

    length: int  # bytes, without the line end


def compression_of(path: Path) -> str:
    """`gzip`, `zstd` or `none`, by the first bytes of the file.

    Raises:
        Refused: the path is not a readable regular file.
    """
    with must_be_file(path).open("rb") as stream:
        head = stream.read(4)
    if head[:2] == GZIP_MAGIC:
        return "gzip"
    return "zstd" if head == ZSTD_MAGIC else "none"


def pieces(path: Path, compression: str) -> Iterator[bytes]:
    """The unpacked bytes of a file in pieces of bounded size.

    Raises:
        Refused: the compressed stream is cut off or damaged, or unpacks to far more than rows do.
    """
    with must_be_file(path).open("rb") as stream:
        try:
            if compression == "gzip":
                yield from _bounded(_read_all(gzip.GzipFile(fileobj=stream)), path)
            elif compression == "zstd":
                yield from _bounded(_zstd_pieces(stream, path), path)
            else:
                yield from _read_all(stream)
        except EOFError:
            raise _cut_off(path, "gzip") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise Refused("the gzip stream is damaged", file=str(path), found=str(error), next_step=REPACK) from None
        except OSError as error:
            raise as_refusal(error, path) from error


def span_pieces(path: Path, first: int, last: int) -> Iterator[bytes]:
    """The bytes `first` to `last` (not included) of a file that is not compressed, in pieces."""
    with must_be_file(path).open("rb") as stream:
        stream.seek(first)
        left = last - first
        while left > 0 and (piece := stream.read(min(PIECE, left))):
            left -= len(piece)
            yield piece


def numbered_lines(
    stream: Iterator[bytes], limit: int, *, marked: bool = True
) -> Iterator[tuple[int, bytes | Overlong]]:
    """Lines with their numbers (from 1), without the line feed; at most `limit` bytes are ever held.

    `marked`: the stream is the beginning of a file, where a mark of UTF-8 may stand.
    """
    number = 1
    held: list[bytes] = []  # the beginning of a line whose end was not seen yet
    length = 0  # bytes of that beginning; more than the limit: it was thrown away
    first = marked
    for piece in stream:
        if first:
            piece, first = piece.removeprefix(UTF8_MARK), False
        *lines, rest = piece.split(b"\n")
        if lines:
            length += len(lines[0])
            lines[0] = b"".join([*held, lines[0]])
            for line in lines:
                length = length or len(line)
                yield number, line if length <= limit else Overlong(length)
                number, length = number + 1, 0
            held = []
        length += len(rest)
        if length <= limit:
            held.append(rest)
        else:
            held = []
    if length:
        yield number, b"".join(held) if length <= limit else Overlong(length)


def whole_lines(stream: Iterator[bytes], limit: int) -> Iterator[bytes | Overlong]:
    """Lines with their line feeds, nothing added or taken away; at most `limit` bytes of one are ever held."""
    held: list[bytes] = []
    length = 0
    for piece in stream:
        begin = 0
        while begin < len(piece):
            end = piece.find(b"\n", begin) + 1
            length += (end or len(piece)) - begin
            if length <= limit:
                held.append(piece[begin : end or len(piece)])
            else:
                held.clear()
            if end:
                yield b"".join(held) if length <= limit else Overlong(length - 1)
                held, length = [], 0
            begin = end or len(piece)
    if length:
        yield b"".join(held) if length <= limit else Overlong(length)


REPACK = "fetch or pack the file again"


def _read_all(stream: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while piece := stream.read(PIECE):
        yield piece


def _bounded(unpacked: Iterator[bytes], path: Path) -> Iterator[bytes]:
    most = max(UNPACKED_FREELY, TIMES * path.stat().st_size)
    for piece in unpacked:
        most -= len(piece)
        if most < 0:
            raise Refused(
                "the file unpacks to far more than rows do",
                file=str(path),
                found=f"more than {TIMES} times its size of {path.stat().st_size:,} bytes",
                next_step="unpack it by other means, look at it, and name what was unpacked",
            )
        yield piece


def _zstd_pieces(stream: IO[bytes], path: Path) -> Iterator[bytes]:
    # The library's own stream reader ends in silence where a frame is cut off, so frames are walked here.
    import zstandard

    context = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    frame = context.decompressobj()
    begun = False
    try:
        while packed := stream.read(ZSTD_PIECE):
            while packed:
                begun = True
                if piece := frame.decompress(packed):
                    yield piece
                packed = frame.unused_data if frame.eof else b""
                if frame.eof:
                    frame, begun = context.decompressobj(), False
    except zstandard.ZstdError as error:
        raise Refused("the zstd stream is damaged", file=str(path), found=str(error), next_step=REPACK) from None
    if begun:
        raise _cut_off(path, "zstd")


def _cut_off(path: Path, kind: str) -> Refused:
    return Refused(
        f"the {kind} stream is cut off", file=str(path), found="the file ends in the middle", next_step=REPACK
    )
