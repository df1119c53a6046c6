"""Workers of a regression on Ray, as a process of their own: python -m tests.ray_workers.

They are on the Ray whose ADDRESS and TOKEN the environment has, or on one of their own. It
multiplies with two workers, of which one is killed in the middle, and writes as JSON what came out,
what should, and who listened where.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.crypto import radix
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.paramserver.distributed import processes
from isthmus.paramserver.spec import Cluster
from isthmus.transport.channel import Channel
from isthmus.vertical.regression.products.column_side import ColumnSide
from isthmus.vertical.regression.products.kinds import bounds_of
from isthmus.vertical.regression.products.messages import EncryptedValues
from isthmus.vertical.regression.products.on_ray import start_on_ray
from isthmus.vertical.regression.products.value_side import ValueSide
from tests.roles import run_together
from tests.watching import Watched

ROWS = 4 * 4096 + 5
BFV = RegressionEncryption("bfv")


def main() -> None:
    """Multiply twice."""
    generator = np.random.default_rng(5)
    columns = radix.quantise(generator.normal(size=(ROWS, 3)))
    bounds = bounds_of(BFV, ROWS, 14, 1.0)
    values = bounds.integers(generator.uniform(-1, 1, ROWS))
    address = os.environ.get("ADDRESS")
    given = Cluster(address, os.environ["TOKEN"], "not_encrypted") if address else None
    with start_on_ray(2, given) as workers:
        own = Path(os.environ.get("FOLDER") or os.environ[processes.MARK])
        found = processes.listeners({*processes.of_folder(own), os.getpid()})

        def kill_one() -> None:
            titles = {each: title(each) for each in processes.of_folder(own)}
            os.kill(next(each for each in titles if b"ray::Worker" in titles[each]), signal.SIGKILL)

        def value_side(peer: Channel) -> None:
            give = ValueSide(peer, BFV, bounds, 3, block_rows=4096)
            give(values)
            give(-values)

        def column_side(peer: Channel) -> list[Any]:
            line = Watched(peer, EncryptedValues, 4, kill_one)
            take = ColumnSide(line, columns, BFV, bounds, block_rows=4096, workers=workers)
            return [take().tolist(), take().tolist()]

        got = run_together(active=value_side, passive=column_side)["passive"]
    exact = columns.integers().T @ values
    said = {
        "got": got,
        "exact": [exact.tolist(), (-exact).tolist()],
        "listeners": sorted({each.address for each in found}),
        "folder": str(own),
    }
    sys.stdout.write(json.dumps(said))


def title(process: int) -> bytes:
    """The command line of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    main()
