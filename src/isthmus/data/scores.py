"""Predictions of the test rows, kept at the party that has their labels."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError, disk_full_is_error


@dataclass(frozen=True)
class Scores:
    """Expected labels beside the labels themselves, each of shape (rows,)."""

    identifiers: list[bytes]
    labels: Floats
    predictions: Floats  # of the joint model
    alone: Floats  # of a model of this party's columns alone

    def save(self, path: Path) -> None:
        """Write them as Parquet."""
        columns = {
            "identifier": pa.array(self.identifiers, pa.binary()),
            "label": self.labels,
            "prediction": self.predictions,
            "alone": self.alone,
        }
        with disk_full_is_error(path):
            path.touch(mode=0o600)  # before anything is in it
            parquet.write_table(pa.table(columns), path)

    @classmethod
    def load(cls, path: Path) -> "Scores":
        """Read what `save` wrote.

        Args:
            path: The file.

        Returns:
            The scores.

        Raises:
            SpecError: The file is missing or holds no scores.
        """
        try:
            table = parquet.read_table(path)
            return cls(
                table.column("identifier").to_pylist(),
                *(table.column(name).to_numpy() for name in ("label", "prediction", "alone")),
            )
        except (pa.ArrowException, OSError, KeyError):
            raise SpecError(
                f"{path}: holds no predictions. The run that wrote it did not finish."
            ) from None
