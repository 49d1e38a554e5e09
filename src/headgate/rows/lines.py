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
from headgate.kit.files import must_be_file

PIECE = 1 << 20  # bytes read at a time
ZSTD_PIECE = (
    2 << 10
)  # compressed bytes; one zstd block of 4 bytes can unpack to 128 KiB, so this bounds a piece to 64 MiB
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
        Refused: the compressed stream is cut off or damaged.
    """
    with must_be_file(path).open("rb") as stream:
        try:
            if compression == "gzip":
                yield from _read_all(gzip.GzipFile(fileobj=stream))
            elif compression == "zstd":
                yield from _zstd_pieces(stream, path)
            else:
                yield from _read_all(stream)
        except EOFError:
            raise _cut_off(path, "gzip") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise Refused("the gzip stream is damaged", file=str(path), found=str(error), next_step=REPACK) from None


def numbered_lines(stream: Iterator[bytes], limit: int) -> Iterator[tuple[int, bytes | Overlong]]:
    """Lines with their numbers (from 1), without the line feed; at most `limit` bytes are ever held."""
    number = 1
    held: list[bytes] = []  # the beginning of a line whose end was not seen yet
    length = 0  # bytes of that beginning; more than the limit: it was thrown away
    first = True
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


REPACK = "fetch or pack the file again"


def _read_all(stream: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while piece := stream.read(PIECE):
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
