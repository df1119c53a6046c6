"""The grid file of a search: which values to try for which keys of a job, and how often."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from isthmus.core import spec
from isthmus.core.errors import SpecError
from isthmus.jobs.job import Fold, Job

MOST_RUNS = 1_000
"""More repetitions than anybody waits for: a list that is too long is a mistake."""

_FOLDS = frozenset({0, *range(2, 101)})

FOLDS = "folds"
"""The one key of a grid file that is no key of a job."""


class Grid(msgspec.Struct, frozen=True):
    """What a search tries."""

    values: dict[str, list[Any]]  # by dotted key of the job
    folds: int = 0  # parts of the rows to train on; 0: score the test rows of the job

    @property
    def choices(self) -> list[dict[str, Any]]:
        """Every combination of values, by dotted key."""
        return [
            dict(zip(self.values, chosen, strict=True))
            for chosen in itertools.product(*self.values.values())
        ]

    @property
    def parts(self) -> list[Fold | None]:
        """What each repetition scores."""
        if not self.folds:
            return [None]
        return [Fold(part=part, of=self.folds) for part in range(1, self.folds + 1)]


def load(path: Path) -> Grid:
    """Read a grid file.

    Args:
        path: A TOML file with lists of values in place of the values of a job.

    Returns:
        The grid.

    Raises:
        SpecError: The file is missing, or is no grid.
    """
    return grid(spec.read(path, "a grid file"), str(path))


def grid(said: Mapping[str, Any], where: str = "grid") -> Grid:
    """Check what a grid file says.

    Args:
        said: Lists of values by key, in nested tables or by dotted key; and `folds`.
        where: The file, for errors.

    Returns:
        The grid.

    Raises:
        SpecError: It is no grid.
    """
    values = dict(_leaves("", {key: inner for key, inner in said.items() if key != FOLDS}))
    folds = said.get(FOLDS, 0)
    if not isinstance(folds, int) or isinstance(folds, bool) or folds not in _FOLDS:
        raise SpecError(
            f"{where}: `folds` is the number of parts of the training rows, from 2 to 100; without "
            "it, each choice is trained once and scored on the test rows."
        )
    if not values:
        raise SpecError(
            f"{where}: names no values to try. Write a list for a key of the job, for example "
            "`boosting.depth = [3, 4]`."
        )
    for key, tried in values.items():
        if not isinstance(tried, list) or not tried:
            raise SpecError(
                f"{where}: `{key}` is no list of values to try. Write it in brackets, for example "
                f"`{key} = [{_example(tried)}]`."
            )
    found = Grid({key: list(cast(Sequence[Any], tried)) for key, tried in values.items()}, folds)
    runs = len(found.choices) * len(found.parts)
    if runs > MOST_RUNS:
        raise SpecError(
            f"{where}: asks for {runs:,} trainings, and a search makes {MOST_RUNS:,} at most. Try "
            "fewer values."
        )
    return found


def varied(job: Job, tables: Sequence[str], choice: Mapping[str, Any], fold: Fold | None) -> Job:
    """Returns a job with other values.

    Args:
        job: The job.
        tables: Those that a search may change: that of its system, and others that it has.
        choice: Values by dotted key.
        fold: What to score; None: the test rows of the job.

    Returns:
        The job.

    Raises:
        SpecError: A key is not one of them, or a value does not fit.
    """
    said: dict[str, Any] = msgspec.to_builtins(job)
    for key, value in choice.items():
        first, *others = key.split(".")
        if first not in tables or not others:
            named = " and ".join(f"[{table}]" for table in tables)
            raise SpecError(
                f"`{key}` cannot be searched: all repetitions share one alignment and one "
                f"consent, so only keys of {named} vary, for example "
                f"`{tables[0]}.{_first(job, tables[0])}`."
            )
        _set(said[first], others, value)
    if fold is not None:
        said["data"]["fold"] = msgspec.to_builtins(fold)
    return spec.convert(said, Job, "job")


def _set(table: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *tables, last = path
    for name in tables:
        inner = table.get(name)
        below = cast(dict[str, Any], inner) if isinstance(inner, dict) else dict[str, Any]()
        table[name] = below
        table = below
    table[last] = value


def _first(job: Job, table: str) -> str:
    names: tuple[str, ...] = job.tables[table].__struct_fields__
    return names[0]


def _leaves(path: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        tables = cast(Mapping[str, Any], value)
        return [
            leaf
            for key, inner in tables.items()
            for leaf in _leaves(f"{path}.{key}" if path else key, inner)
        ]
    return [(path, value)]


def _example(tried: Any) -> str:
    return msgspec.json.encode(tried).decode() if isinstance(tried, str | int | float) else "1, 2"
