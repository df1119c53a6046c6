"""Parts that describe a stored result: one that fails is missing, with a reason."""

from collections.abc import Callable
from typing import TypeVar

from isthmus.core import memory
from isthmus.core.errors import IsthmusError, one_line

T = TypeVar("T")


class Attempts:
    """Computes figures, comparisons and pages of a finished training, none of which may lose it."""

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}
        """Why a part is missing, by its name."""

    def find(self, name: str, figure: Callable[[], T]) -> T | None:
        """Compute one part.

        Args:
            name: Name of the part, for example `leakage.cluster_auc`.
            figure: Computes it. It must change nothing that is stored.

        Returns:
            The part; None if it failed, and then `missing` says why.
        """
        try:
            return figure()
        except Exception as error:  # noqa: BLE001 - the training that is described cost hours
            self.missing[name] = reason(error)
            return None


def reason(error: Exception) -> str:
    """Returns why a part is missing: the sentence of an error of ours, or the kind of a bug."""
    if memory.is_shortage(error):
        return "this machine has too little memory for it"
    match error:
        case IsthmusError():
            return one_line(str(error))
        case _:  # what it says may hold data
            return f"{type(error).__name__}: this is a bug in isthmus, please report it"
