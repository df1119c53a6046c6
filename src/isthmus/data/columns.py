"""The columns of a data set that its table in the party file chooses, by purpose."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from isthmus.data.problems import Problems
from isthmus.data.spec import Dataset

_WILDCARDS = frozenset("*?[")


@dataclass(frozen=True)
class Columns:
    """The columns of a data set that are used, by purpose."""

    identifiers: tuple[str, ...]
    label: str | None
    features: tuple[str, ...]
    categorical: frozenset[str]
    """The features that are categorical."""

    weight: str | None = None
    exposure: str | None = None
    offset: str | None = None

    @property
    def names(self) -> list[str]:
        """All columns to read."""
        single = (self.label, self.weight, self.exposure, self.offset)
        alone = (name for name in single if name is not None)
        return [*self.identifiers, *self.features, *alone]


def chosen(dataset: Dataset, names: Sequence[str], where: str) -> Columns:
    """Find the columns that a data set names.

    Args:
        dataset: Its table in the party file.
        names: Names of all columns that there are.
        where: The file or database, for the errors.

    Returns:
        The columns, features in the order of the dataset's patterns, then of the file.

    Raises:
        DataError: There are no such columns, or one has two purposes.
    """
    problems = Problems(where)
    for key, wanted in (
        ("identifiers", dataset.identifiers),
        *((key, [name]) for key, name in dataset.single.items()),
        ("types", dataset.types),
    ):
        for name in wanted:
            _require(name, names, key, problems)
    keys = [*dataset.identifiers, *dataset.single.values()]
    if len(set(keys)) < len(keys):
        problems.add(
            "`identifiers`, `label`, `weight`, `exposure` and `offset` must be different columns."
        )
    features = _features(dataset, names, set(keys), problems)
    categorical = _categorical(dataset, features, problems)
    _check_named("monotone", dataset.monotone, set(features) - categorical, "amounts", problems)
    _check_named("edges", dataset.edges, set(features) - categorical, "amounts", problems)
    _check_named("order", dataset.order, categorical, "categories", problems)
    problems.refuse()
    identifiers = tuple(dataset.identifiers)
    return Columns(
        identifiers,
        dataset.label,
        features,
        categorical,
        dataset.weight,
        dataset.exposure,
        dataset.offset,
    )


def _check_named(
    key: str, named: Iterable[str], known: Set[str], hold: str, problems: Problems
) -> None:
    for name in named:
        if name not in known:
            problems.add(
                f"`{key}` names {name!r}, which is not one of the chosen `columns` that hold "
                f"{hold}. Correct it."
            )


def _require(name: str, names: Sequence[str], key: str, problems: Problems) -> None:
    if name in names:
        return
    if len(names) == 1:
        advice = "There is one column only; in a file, does `delimiter` say what parts its cells?"
    elif close := get_close_matches(name, names):
        advice = f"Did you mean {' or '.join(repr(match) for match in close)}?"
    else:
        advice = f"Is the first line of its {len(names)} columns a line of names?"
    problems.add(f"`{key}` names {name!r}, which is not a column. {advice}")


def _features(
    dataset: Dataset, names: Sequence[str], keys: set[str], problems: Problems
) -> tuple[str, ...]:
    found: dict[str, None] = {}  # an ordered set
    for pattern in dataset.columns:
        matches = [name for name in names if name not in keys and fnmatchcase(name, pattern)]
        if pattern in keys:
            problems.add(
                f"{pattern!r} is an identifier, the label, the weight, the exposure or the offset, "
                "and cannot be a feature too. Take it out of `columns`."
            )
        elif pattern in names:
            matches = [pattern]
        elif not matches and not _WILDCARDS & set(pattern):
            _require(pattern, names, "columns", problems)
        elif not matches:
            problems.add(f"the pattern {pattern!r} in `columns` matches no column. Correct it.")
        found |= dict.fromkeys(matches)
    return tuple(found)


def _categorical(dataset: Dataset, features: tuple[str, ...], problems: Problems) -> frozenset[str]:
    found = set[str]()
    for pattern in dataset.categorical:
        matches = {name for name in features if name == pattern or fnmatchcase(name, pattern)}
        if not matches:
            problems.add(
                f"`categorical` names {pattern!r}, which is none of the chosen `columns`. Correct "
                "it."
            )
        found |= matches
    return frozenset(found)
