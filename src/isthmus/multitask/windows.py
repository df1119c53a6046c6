"""Windows of samples: the unique keys in them, and the slots of each batch."""

from collections.abc import Sequence

from isthmus.multitask.samples import Samples
from isthmus.multitask.spec import Multitask
from isthmus.paramserver.window import Window


class WindowMaker:
    """Makes windows of the samples of one job."""

    def __init__(self, spec: Multitask) -> None:
        """Number the sparse features of the job, from 0 in its order."""
        raise NotImplementedError

    def make(self, number: int, batches: Sequence[tuple[int, Samples]]) -> Window:
        """Make a window.

        Args:
            number: Its number.
            batches: Each with the number of its task, or ALL.

        Returns:
            The window; its batches are `TaskBatch`es.
        """
        raise NotImplementedError
