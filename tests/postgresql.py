"""A PostgreSQL server of its own for tests, which is gone after them."""

import os
import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

PASSWORD = "correct-horse"  # noqa: S105 - of a server that only listens to this machine
_ACCOUNT = "postgres"  # the server refuses to run as root


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int

    @property
    def database(self) -> str:
        """Its address, for a data set."""
        return f"postgresql://owner@127.0.0.1:{self.port}/postgres"


def programs() -> Path | None:
    """Returns the folder of its programs, or None where it is not installed."""
    found = shutil.which("initdb") or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None
    )
    return Path(found).resolve().parent if found else None


@contextmanager
def running(binaries: Path) -> Generator[Server]:
    """Start a server, and stop it when the block ends."""
    user = _ACCOUNT if os.geteuid() == 0 else None
    with TemporaryDirectory(prefix="isthmus-postgresql-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        data = folder / "data"
        _run(user, binaries / "initdb", "-D", data, "-U", "owner", f"--pwfile={password}", *_INIT)
        port = _free_port()
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        )
        control = (binaries / "pg_ctl", "-D", data, "-w")
        _run(user, *control, "-l", folder / "log", "-o", options, "start")
        try:
            yield Server(port)
        finally:
            _run(user, *control, "-m", "immediate", "stop")


_INIT = ("--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C")


def _run(user: str | None, *command: object) -> None:
    words = [str(word) for word in command]
    subprocess.run(words, user=user, check=True, capture_output=True, cwd="/")  # noqa: S603


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
