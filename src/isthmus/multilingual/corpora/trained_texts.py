"""Texts that a run was trained on: a hash of each in its folder, to tell whether others are new."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from isthmus.core.arrays import Bools
from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.multilingual.corpora.hashes import Hashes, HashFile

TRAINED_HASHES = "trained.hashes"
"""The file in the folder of the corpora: hashes in ascending order, each once, 8 bytes each."""


def write(texts: Iterable[Hashes], folder: Path, work: Path) -> None:
    """Write down which texts are trained on.

    Args:
        texts: Hashes of their rows, shape (rows, languages) each time.
        folder: The folder of the corpora of a run.
        work: A folder that is not there yet, for files until this is done.

    Raises:
        DiskError: There is no room for it.
    """
    path = folder / TRAINED_HASHES
    with disk_full_is_error(path):
        found = HashFile(work)
        for each in texts:
            found.add(each)
        path.touch(mode=0o600)
        with path.open("ab") as file:
            for part in found.ascending():
                part.tofile(file)


class TrainedTexts:
    """The texts that a run was trained on, by their hashes."""

    def __init__(self, folder: Path) -> None:
        """Open what `write` wrote; it is not read into memory.

        Args:
            folder: The folder of the corpora of a run.

        Raises:
            SpecError: It is not there.
        """
        try:
            self._hashes = np.memmap(folder / TRAINED_HASHES, np.uint64, mode="r")
        except (OSError, ValueError):
            raise SpecError(
                f"{folder / TRAINED_HASHES}: is not there or not whole, so nobody can tell which "
                "texts this run was trained on. Run the job again."
            ) from None

    def in_rows(self, texts: Hashes) -> Bools:
        """Tell which rows have a text that was trained on, in whatever language.

        Args:
            texts: Hashes of their texts, shape (rows, languages), 0 where there is none.

        Returns:
            Shape (rows,).
        """
        places = np.minimum(np.searchsorted(self._hashes, texts), len(self._hashes) - 1)
        found: Bools = ((self._hashes[places] == texts) & (texts != 0)).any(axis=1)
        return found
