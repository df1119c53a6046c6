"""Starting the workers of a party: processes on this machine, or on a cluster."""

from collections.abc import Generator
from contextlib import contextmanager

from isthmus.paramserver.spec import Cluster
from isthmus.vertical.regression.products.lines import Workers
from isthmus.vertical.regression.products.worker import work
from isthmus.vertical.worker_processes import WorkerProcess


class LocalWorkers:
    """Worker processes; `start_workers` ends them."""

    def __init__(self, count: int) -> None:
        """Start none yet."""
        self.count = count
        self._processes = dict[int, WorkerProcess]()

    def line(self, number: int) -> WorkerProcess:
        """Returns the process of a number, which is started if there is none."""
        if number not in self._processes:
            self._processes[number] = WorkerProcess(work)
        return self._processes[number]

    def drop(self, number: int) -> None:
        """End a process."""
        self._processes.pop(number).close()

    def close(self) -> None:
        """End all processes."""
        for number in list(self._processes):
            self.drop(number)


@contextmanager
def start_workers(count: int | None, cluster: Cluster | None = None) -> Generator[Workers | None]:
    """Start the workers of a party, and end them after the block.

    Args:
        count: Number of workers; with one or None, and no cluster, this process computes itself.
        cluster: The Ray that they run on; None: this machine.

    Yields:
        The workers; None if this process computes.
    """
    if cluster is not None:
        from isthmus.vertical.regression.products.on_ray import start_on_ray  # noqa: PLC0415 - slow

        with start_on_ray(count or 1, cluster) as on_ray:
            yield on_ray
        return
    if count is None or count == 1:
        yield None
        return
    workers = LocalWorkers(count)
    try:
        yield workers
    finally:
        workers.close()
