"""A party, made in Python or read from its file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from msgspec.structs import replace

from isthmus.api.frames import ArrowStream, Frame
from isthmus.core import spec
from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.data.spec import Dataset
from isthmus.jobs.party import Party as PartyFile
from isthmus.store import atomic


class Party:
    """One party: what its file says, and data that lies in memory."""

    def __init__(self, name: str, **keys: Any) -> None:
        """Describe a party.

        Args:
            name: Its name in the job.
            **keys: Data sets by their names in the job, each made by `frame`; and keys of the party
                file, such as `policy={"minimum_shared": 100}`. Paths in them are written as they
                are; until the party is saved, they are seen from the current folder.

        Raises:
            SpecError: A key is unknown, or a value does not fit.
        """
        for key, value in keys.items():
            if isinstance(value, ArrowStream):
                raise SpecError(
                    f"party {name!r}: `{key}` is a data frame: put it into `isthmus.frame(...)`, "
                    "which says which columns are what."
                )
        frames = {key: value for key, value in keys.items() if isinstance(value, Frame)}
        said = {key: value for key, value in keys.items() if key not in frames}
        self._frames: Mapping[str, Frame] = frames
        self._folder: Path | None = None
        self._file = _with_frames(
            spec.convert({**said, "party": name}, PartyFile, "party"), self._frames
        )

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a party file.

        Args:
            path: The file; its data stay where they are.

        Returns:
            The party.

        Raises:
            SpecError: It is not a party file.
        """
        file = spec.load(Path(path), PartyFile)
        party = cls(file.party)
        party._file, party._folder = file, Path(path).parent.resolve()
        return party

    @property
    def file(self) -> PartyFile:
        """What the party file says; paths of data in memory are those that `save` gives them."""
        return self._file

    @property
    def name(self) -> str:
        """Its name in the job."""
        return self.file.party

    def save(self, path: str | Path) -> None:
        """Write the party file, and data in memory as Parquet files beside it.

        Args:
            path: The party file; its folder is created where there is none.

        Raises:
            SpecError: It cannot be written, or another file has the name of a data file.
        """
        path = Path(path)
        _check_own(path, self._frames)
        moved = self._folder is not None and self._folder != path.parent.resolve()
        self._write(path, self._anchored() if moved else self.file)

    def save_copy(self, path: Path) -> None:
        """Write the party for a run: its files are found from anywhere but those beside it."""
        self._write(path, self._anchored())

    def _anchored(self) -> PartyFile:
        folder = Path.cwd() if self._folder is None else self._folder
        return _with_frames(self.file.anchored(folder), self._frames)

    def _write(self, path: Path, file: PartyFile) -> None:
        try:
            with disk_full_is_error(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                for name, frame in self._frames.items():
                    frame.write(path.parent / _data_file(name))
                atomic.write(path, spec.dump(file))
        except OSError as error:
            raise SpecError(
                f"{path}: cannot be written: {error.strerror}. Give another path."
            ) from None

    def __repr__(self) -> str:
        told = (f"{name}={frame}" for name, frame in self._frames.items())
        return f"Party({', '.join([repr(self.name), *told])})"


def _data_file(name: str) -> str:
    return f"{name}.parquet"


def _with_frames(file: PartyFile, frames: Mapping[str, Frame]) -> PartyFile:
    datasets: dict[str, Dataset] = {
        name: frame.dataset(_data_file(name)) for name, frame in frames.items()
    }
    whole = replace(file, datasets={**file.datasets, **datasets})
    return spec.convert(whole, PartyFile, "party")  # names of data sets have a form too


def _check_own(path: Path, frames: Mapping[str, Frame]) -> None:
    # Refuse to replace a file that no party file of ours has written.
    there = {name for name in frames if (path.parent / _data_file(name)).exists()}
    ours = spec.load(path, PartyFile).datasets if there and path.exists() else {}
    for name in sorted(there):
        if name not in ours or ours[name].path != _data_file(name):
            raise SpecError(
                f"{path.parent / _data_file(name)}: is there already, and {path} does not name it, "
                "so nothing was written. Save the party elsewhere, or move that file away."
            )
