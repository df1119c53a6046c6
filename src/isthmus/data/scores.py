"""Predictions for the test rows, stored at the party that has the labels."""
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
    """Labels and predictions of the test rows, each of shape (rows,)."""

    identifiers: list[bytes]
    labels: Floats
    predictions: Floats  # of the trained model
    alone: Floats | None = None  # of a model on this party's columns only, if the job is joint

    def save(self, path: Path) -> None:
        """Write the scores as Parquet."""
        columns = {
            "identifier": pa.array(self.identifiers, pa.binary()),
            "label": self.labels,
            "prediction": self.predictions,
        } | ({} if self.alone is None else {"alone": self.alone})
        with disk_full_is_error(path):
            path.touch(mode=0o600)  # so that nobody else can ever read it
            parquet.write_table(pa.table(columns), path)

    @classmethod
    def load(cls, path: Path) -> "Scores":
        """Read scores that `save` wrote.

        Args:
            path: The file.

        Returns:
            The scores.

        Raises:
            SpecError: The file is missing or holds no scores.
        """
        try:
            table = parquet.read_table(path)
            alone = "alone" in table.column_names
            return cls(
                identifiers=table.column("identifier").to_pylist(),
                labels=table.column("label").to_numpy(),
                predictions=table.column("prediction").to_numpy(),
                alone=table.column("alone").to_numpy() if alone else None,
            )
        except (pa.ArrowException, OSError, KeyError):
            raise SpecError(
                f"{path}: holds no predictions. The run that wrote it did not finish."
            ) from None
