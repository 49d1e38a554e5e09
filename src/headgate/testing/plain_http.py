"""A handler of HTTP that reads headers as plain text and sends an answer in one packet.

The library's own parses headers as mail and writes a date and a name into each answer: most of the time of a server
that answers from memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

LONGEST_LINE = 65537  # bytes of a header


class PlainHandler(BaseHTTPRequestHandler):
    """Keeps connections open; `told` holds the headers of a request by their names in small letters."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one packet; two packets wait for each other's acknowledgement
    disable_nagle_algorithm = True
    told: dict[str, str]
    raw_requestline: bytes

    def parse_request(self) -> bool:
        """Reads request line and headers; False where an answer was given already."""
        self.told = {}
        words = str(self.raw_requestline, "iso-8859-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return super().parse_request()  # it knows what to say to what is no request
        self.requestline, (self.command, self.path, self.request_version) = " ".join(words), words
        while (line := self.rfile.readline(LONGEST_LINE)) not in (b"\r\n", b"\n", b""):
            name, _, value = str(line, "iso-8859-1").partition(":")
            self.told[name.strip().lower()] = value.strip()
        connection = self.told.get("connection", "").lower()
        self.close_connection = connection == "close" or (words[2] == "HTTP/1.0" and connection != "keep-alive")
        if self.told.get("expect", "").lower() == "100-continue":
            return self.handle_expect_100()
        return True

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def respond(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        """Sends a whole answer."""
        told = {**headers, "Content-Length": str(len(data))}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self.wfile.write(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n".encode() + data)
