"""Encoding: columns of text, whole numbers and amounts become ids, amounts and labels."""

from collections.abc import Mapping
from typing import Any

from isthmus.data.batches import Kind
from isthmus.multitask.samples import Samples
from isthmus.multitask.spec import Multitask


class Encoder:
    """Encodes rows for one job."""

    def __init__(self, spec: Multitask, *, labelled: bool = True) -> None:
        """Prepare vocabularies and boundaries.

        Args:
            spec: The `[multitask]` table.
            labelled: Whether the rows have labels; otherwise all labels of theirs are missing.

        Raises:
            SpecError: A feature or a task contradicts itself.
        """
        raise NotImplementedError

    @property
    def columns(self) -> Mapping[str, Kind]:
        """The columns that rows must have, and what they hold."""
        raise NotImplementedError

    def encode(self, batch: Any, first: int, where: str) -> Samples:
        """Encode rows.

        Args:
            batch: An Arrow record batch or table with at least `columns`.
            first: Number of its first row in the data.
            where: The file, for errors.

        Returns:
            The samples. A label counts only where that of `given` is 1: otherwise it is missing,
            or 0 if the job learns from the entire space.

        Raises:
            SpecError: A cell does not hold what its column should.
        """
        raise NotImplementedError
