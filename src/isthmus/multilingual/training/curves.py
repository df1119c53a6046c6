# torch leaves types open:
# pyright: reportUnknownMemberType=false
"""Losses in the files of TensorBoard, while training goes on, if TensorBoard is installed."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from isthmus.core.errors import disk_full_is_error
from isthmus.core.telemetry import Event, Telemetry

if TYPE_CHECKING:  # it loads TensorBoard
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"
"""Name of the folder of the files, in that of the run."""


@contextmanager
def drawn(run: Path, telemetry: Telemetry) -> Generator[Telemetry]:
    """Write what is told of training to files that `tensorboard --logdir` shows.

    Args:
        run: The run folder.
        telemetry: Is told the same.

    Yields:
        What to tell; without TensorBoard it is `telemetry` itself.
    """
    if find_spec("tensorboard") is None:
        yield telemetry
        return
    curves = _Curves(run / FOLDER)

    def tell(event: Event) -> None:
        telemetry.progress(event.stage, event.done, event.total, note=event.note, **event.metrics)
        if event.metrics:
            curves.add(event)

    both = Telemetry(tell)
    both.seconds = telemetry.seconds
    try:
        yield both
    finally:
        curves.close()


class _Curves:
    """Files with a curve for each metric."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None
        self._last = 0

    def add(self, event: Event) -> None:
        """Add a point to each curve; points from that step on, of an earlier start, are void."""
        with disk_full_is_error(self._folder):
            if self._writer is None or event.done <= self._last:
                self._writer = self._started(event.done)
            for name, value in event.metrics.items():
                self._writer.add_scalar(name.replace("loss_", "loss/"), value, event.done)
        self._last = event.done

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            with disk_full_is_error(self._folder):
                self._writer.close()

    def _started(self, step: int) -> "SummaryWriter":
        from torch.utils.tensorboard import SummaryWriter  # it takes half a second to load

        self.close()
        return SummaryWriter(self._folder, purge_step=step)
