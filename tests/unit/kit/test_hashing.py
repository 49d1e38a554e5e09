"""Numbers and addresses of the same bytes begin alike."""

from __future__ import annotations

from headgate.kit.hashing import PREFIX, digest, number64


def test_numbers_are_the_first_bits_of_addresses() -> None:
    """64 bits, the same as the first sixteen digits."""
    texts = [b"", b"abc", "ü".encode()]
    assert [int(digest(text).removeprefix(PREFIX)[:16], 16) for text in texts] == [number64(text) for text in texts]
