"""A PostgreSQL server of its own for tests: a temporary cluster on loopback, with everything on that keeps data."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin")
NEEDED = ("initdb", "postgres")
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 40
shared_buffers = 16MB
min_wal_size = 32MB
max_wal_size = 64MB
restart_after_crash = off
lc_messages = 'C'
"""


def binaries() -> Path | None:
    """The folder of the newest server; a `postgres` on the path counts only with the tools of a server beside it."""
    folders = [folder for place in PLACES for folder in Path("/").glob(place.lstrip("/"))]
    if found := shutil.which("postgres"):
        folders.append(Path(found).resolve().parent)
    real = [folder for folder in folders if all(os.access(folder / name, os.X_OK) for name in NEEDED)]
    return max(real, key=lambda folder: [int(part) for part in folder.parts if part.isdigit()], default=None)


def end_with_parent(by: signal.Signals) -> None:
    """Lets this process be ended when the one that started it ends, however that does; where the system can."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(1, int(by))


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A running server; `stop`, `kill` and `start` do what they say to the real process."""

    user, password = "keeper", "gate-pass-" + secrets.token_hex(4)

    def __init__(self) -> None:
        found = binaries()
        if found is None:
            raise RuntimeError(
                "no PostgreSQL server here: `make test` installs it as root; or apt-get install postgresql"
            )
        self._bin = found
        self._owner = self._unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="headgate-pg-"))
        self.data = self.folder / "data"
        self.port = free_port()
        if self._owner is not None:
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)
        how = ("-U", self.user, "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8")
        self._run("initdb", "-D", str(self.data), *how)
        with (self.data / "postgresql.conf").open("a") as stream:
            stream.write(SETTINGS)
        self.start()

    @staticmethod
    def _unprivileged() -> pwd.struct_passwd | None:
        """The server refuses to run as root."""
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise RuntimeError("neither postgres nor nobody is a user here")

    def _as_child(self) -> Callable[[], None]:
        """What a new process does first: take the user that owns the files, and end when the tests do."""
        owner = self._owner

        def prepare() -> None:
            if owner is not None:
                os.setgroups([])
                os.setgid(owner.pw_gid)
                os.setuid(owner.pw_uid)
            end_with_parent(signal.SIGQUIT)

        return prepare

    def _run(self, program: str, *arguments: str) -> None:
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}
        for name in [name for name in environment if name.startswith("PG")]:
            del environment[name]
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            preexec_fn=self._as_child(), cwd=self.folder, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} ended with {done.returncode}: {done.stdout[-2000:]}")

    def start(self) -> None:
        """Starts the server and waits until it takes connections."""
        import psycopg

        log = self.folder / "log"
        command = [str(self._bin / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        with log.open("a") as stream:
            self._process = subprocess.Popen(
                command, preexec_fn=self._as_child(), cwd=self.folder, stdout=stream, stderr=stream
            )
        until = time.monotonic() + 60
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.address("postgres"), connect_timeout=5).close()
                return
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")

    def revive(self) -> None:
        """Starts the server where a test that failed left it killed."""
        if not (self.data / "postmaster.pid").exists():
            self.start()

    def kill(self) -> None:
        """Kills the server as a power cut would: every process of it, none asked."""
        lines = (self.data / "postmaster.pid").read_text().splitlines()
        main = int(lines[0])
        every = [main, *_children(main)]
        for process in every:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()
        self._wait_for_end(every)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    @staticmethod
    def _wait_for_end(processes: list[int]) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if not any(Path(f"/proc/{one}").exists() and _alive(one) for one in processes):
                return
            time.sleep(0.02)
        raise RuntimeError("the server did not end")

    def stop(self) -> None:
        """Stops the server at once and removes its folder."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self) -> str:
        """The address of a new and empty database."""
        import psycopg

        name = "l" + secrets.token_hex(6)
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.address(name)

    def address(self, database: str, user: str = "", password: str = "") -> str:
        """The address of a database."""
        return f"postgresql://{user or self.user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def files(self) -> list[Path]:
        """Every file of tables and of the write-ahead log."""
        return [
            path for part in ("base", "global", "pg_wal") for path in (self.data / part).rglob("*") if path.is_file()
        ]


def holding(files: list[Path], piece: bytes) -> list[Path]:
    """The files that hold some bytes; a running server removes some of its files meanwhile."""
    found = []
    for path in files:
        with contextlib.suppress(FileNotFoundError):
            if piece in path.read_bytes():
                found.append(path)
    return found


def _stat(process: int | str) -> list[str]:
    """State, parent and more of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def _alive(process: int) -> bool:
    return _stat(process)[:1] not in ([], ["Z"])


def _children(process: int) -> list[int]:
    every = [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [int(one) for one in every if _stat(one)[1:2] == [str(process)]]


if __name__ == "__main__":  # `make test` asks whether a server must be installed first
    sys.exit(0 if binaries() else 1)
