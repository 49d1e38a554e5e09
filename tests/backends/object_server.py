"""A server of the S3 protocol for tests, in its own process, behind a wire that can be cut."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

from postgres_server import end_with_parent, free_port

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "tester",
    "AWS_SECRET_ACCESS_KEY": "tester-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class ObjectServer:
    """moto's server. `cut` breaks every connection and refuses new ones; what is stored stays."""

    def __init__(self) -> None:
        self._inner = free_port()
        command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._inner)]
        self._process = subprocess.Popen(
            command,
            preexec_fn=lambda: end_with_parent(signal.SIGKILL),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()
        self._wire = Wire(self._inner)
        self.endpoint = f"http://127.0.0.1:{self._wire.port}"

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError("moto.server ended")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._inner), timeout=1):
                return
            time.sleep(0.05)
        raise RuntimeError("moto.server did not start")

    def environment(self) -> dict[str, str]:
        """What a process needs to find the server, by the variables of AWS."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL_S3": self.endpoint}

    def client(self) -> Any:
        """A client that goes round the wire."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self._inner}",
            region_name="us-east-1",
            aws_access_key_id="tester",
            aws_secret_access_key="tester-secret",
        )

    def bucket(self, *, versioned: bool = True) -> str:
        """A new bucket, with versioning as teams have it."""
        name = "b" + secrets.token_hex(6)
        client = self.client()
        client.create_bucket(Bucket=name)
        if versioned:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def everything(self, bucket: str) -> dict[tuple[str, str], bytes | None]:
        """The bytes of every version of every object, by name and version; None for a mark of deletion."""
        client, out = self.client(), dict[tuple[str, str], bytes | None]()
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for one in page.get("Versions", []):
                got = client.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
                out[one["Key"], one["VersionId"]] = got["Body"].read()
            for one in page.get("DeleteMarkers", []):
                out[one["Key"], one["VersionId"]] = None
        return out

    def pieces(self, bucket: str) -> dict[tuple[str, str], bytes | None]:
        """All of it but the keys of ledgers."""
        return {found: data for found, data in self.everything(bucket).items() if not found[0].endswith(".key")}

    def cut(self) -> None:
        """No byte goes through any more."""
        self._wire.cut()

    def mend(self) -> None:
        """Connections go through again."""
        self._wire.mend()

    def stop(self) -> None:
        """Ends the server."""
        self._wire.cut()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Wire:
    """Passes bytes on between a port of its own and another one. `after` cuts it when so many bytes went in."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._pairs: list[socket.socket] = []
        self._lock = threading.Lock()
        self.port = free_port()
        self._listener: socket.socket | None = None
        self.after: int | None = None
        self.mend()

    def mend(self) -> None:
        if self._listener is not None:
            return
        self.after = None
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for one in pairs:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            with self._lock:
                self._pairs += [near, far]
            threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, inward: bool) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(1 << 14):
                if inward and self.after is not None:
                    self.after -= len(part)
                    if self.after < 0:
                        self.cut()
                        return
                target.sendall(part)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
