"""The rows that a job reads: which data set, which part of it, and the conversions beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from isthmus.data.spec import Dataset

Part = Literal["all", "trained", "kept_out"]
"""All rows; those that training uses; those that it leaves for the test."""


@dataclass(frozen=True)
class Inputs:
    """A data set of samples, and all that decides which of its rows are read."""

    dataset: Dataset
    folder: Path
    """Paths in data sets are relative to this folder."""

    seed: int
    """Of the job: decides which rows are kept out, and which negatives are trained on."""

    conversions: Mapping[str, Dataset] = field(default_factory=dict[str, Dataset])
    """Data sets of conversions, by the name that tasks know them by."""

    kept_out: float = 0.0
    """Share of the rows that training leaves for the test, drawn by seed and number of the row."""

    part: Part = "all"
