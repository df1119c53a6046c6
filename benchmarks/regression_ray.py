"""A Ray of a party on this machine: `python -m benchmarks.regression_ray FOLDER` keeps it up.

It leaves the token in FOLDER, prints the address, and ends with its standard input.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.programs import ROOT
from isthmus.core.errors import SpecError
from isthmus.paramserver.distributed import ray_session
from isthmus.paramserver.spec import Cluster

TOKEN = "token"  # noqa: S105 - the name of a file


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a Ray in a process of its own, and end it.

    Yields:
        The Ray.

    Raises:
        SpecError: It does not start.
    """
    with TemporaryDirectory() as folder:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "benchmarks.regression_ray", folder],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            address = process.stdout.readline().decode().strip()
            if not address:
                raise SpecError("Ray does not start here.")
            yield Cluster(address, str(Path(folder, TOKEN)), "not_encrypted")
        finally:
            process.communicate()  # closes its standard input


def main(folder: Path) -> None:
    """Keep a Ray up until standard input ends."""
    with ray_session.started() as session:
        file = folder / TOKEN
        file.touch(mode=0o600)
        file.write_bytes(Path(os.environ["RAY_AUTH_TOKEN_PATH"]).read_bytes())
        print(session.ray.get_runtime_context().gcs_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
