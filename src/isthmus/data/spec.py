"""Tables of a party file that describe its data, and the normalisation of identifiers."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from msgspec import Meta
from msgspec.structs import replace

from isthmus.core.errors import SpecError
from isthmus.core.spec import Spec

Normalisation = Literal["trim", "lower", "nfkc"]
"""`trim` removes spaces around an identifier, `lower` makes it lower case, `nfkc` replaces
characters that look alike, such as full-width digits, by one of them (Unicode NFKC)."""

LARGEST = 1e100
"""The largest magnitude of a cell: sums of squares over all rows stay finite."""

Finite = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]

_DATABASES = ("postgresql", "postgres", "sqlite", "duckdb")

SampleType = Literal["tabular", "image", "text"]


class Query(Spec, frozen=True):
    """The `[datasets.NAME.sql]` table: a query whose rows are the data set."""

    database: Annotated[
        str,
        Meta(
            description="postgresql://USER@HOST/NAME, sqlite:FILE, duckdb:FILE, or duckdb: alone "
            "to query files; never a password",
        ),
    ]
    query: Annotated[str, Meta(description="a SELECT; it cannot change the database")]
    password_file: Annotated[
        str | None,
        Meta(description="file whose first line is the password, mode 0600; for PostgreSQL"),
    ] = None
    password_variable: Annotated[
        str | None,
        Meta(description="environment variable that holds the password; for PostgreSQL"),
    ] = None

    def __post_init__(self) -> None:
        """Refuse a database of an unknown kind, a password among the keys, and idle keys.

        Raises:
            ValueError: There is one; its text repeats none of them.
        """
        kind, colon, rest = self.database.partition(":")
        if not colon or kind not in _DATABASES or (kind == "sqlite" and not rest):
            raise ValueError(f"`database` begins with {', '.join(_DATABASES)} and a colon")
        if self.on_network and _has_password(self.database):
            raise ValueError(
                "`database` holds a password, and party files are copied and shown: put it into a "
                "file or an environment variable, and name that in `password_file` or "
                "`password_variable`"
            )
        named = [self.password_file, self.password_variable]
        if None not in named or (not self.on_network and named != [None, None]):
            raise ValueError(
                "a password is for PostgreSQL, and from one place: `password_file` or "
                "`password_variable`"
            )

    @property
    def where(self) -> str:
        """The database, for errors."""
        return self.database.removesuffix(":")

    @property
    def on_network(self) -> bool:
        """Whether a server answers, not a file."""
        return self.database.startswith("postgres")

    def anchored(self, folder: Path) -> Self:
        """Returns the same with absolute paths, given the folder that they are relative to."""
        kind, _, file = self.database.partition(":")
        whole = f"{kind}:{(folder / file).resolve()}"
        local = file and not self.on_network
        return replace(
            self,
            database=whole if local else self.database,
            password_file=self.password_file and str((folder / self.password_file).resolve()),
        )


def _has_password(url: str) -> bool:
    return ":" in url.partition("://")[2].partition("/")[0].rpartition("@")[0] or bool(
        re.search(r"[?&]password=", url)
    )


class Dataset(Spec, frozen=True):
    """The `[datasets.NAME]` table of a party file: where rows come from, and how to read them."""

    path: Annotated[
        str | None,
        Meta(
            description="a .csv, .csv.gz, .parquet, .arrow or .feather file, a folder of these, or "
            "a pattern such as part-*.csv, relative to the folder of this file; for [multitask] "
            "also .jsonl, or - for JSON lines on standard input"
        ),
    ] = None
    sql: Annotated[Query | None, Meta(description="a query of a database, in place of `path`")] = (
        None
    )
    identifiers: Annotated[
        tuple[str, ...],
        Meta(
            description="columns that together name a row, in the order that the parties agreed "
            "on; none where a job aligns no rows"
        ),
    ] = ()
    type: Annotated[
        SampleType,
        Meta(
            description="what a row is, for a network: numbers, the pixels of an image (line by "
            "line from the top, channels of a pixel together), or a text; further columns are its "
            "translations, and each is named after its language"
        ),
    ] = "tabular"
    label: Annotated[
        str | None,
        Meta(description="column to predict; the active party has one, and a child may have one"),
    ] = None
    weight: Annotated[
        str | None,
        Meta(
            description="column of what each row counts for, at the active party, for [boosting] "
            "and [regression]"
        ),
    ] = None
    exposure: Annotated[
        str | None,
        Meta(
            description="column of what a count or an amount is in proportion to, above 0, such as "
            "time under observation; at the active party of a [regression] with a family poisson, "
            "gamma or tweedie"
        ),
    ] = None
    offset: Annotated[
        str | None,
        Meta(
            description="column that is added to the predictor as it is; at the active party of a "
            "[regression]"
        ),
    ] = None
    monotone: Annotated[
        dict[str, Literal["increasing", "decreasing"]],
        Meta(
            description="columns of the active party with which a prediction must not fall, or "
            "not rise; [boosting] can use it, [regression] cannot"
        ),
    ] = {}
    edges: Annotated[
        dict[str, Annotated[tuple[Finite, ...], Meta(min_length=1, max_length=100)]],
        Meta(
            description="where the bins of columns of numbers end, ascending, in place of "
            "quantiles; for jobs with [preparation.woe]"
        ),
    ] = {}
    order: Annotated[
        dict[str, Annotated[tuple[str, ...], Meta(min_length=2)]],
        Meta(
            description="categories of columns from the lowest to the highest; for jobs with "
            '`preparation.encode.categories = "ordinal"`'
        ),
    ] = {}
    columns: Annotated[
        tuple[str, ...],
        Meta(
            description="feature columns by name or by pattern such as h*; "
            "* is all but identifiers and label"
        ),
    ] = ("*",)
    categorical: Annotated[
        tuple[str, ...],
        Meta(
            description="feature columns, by name or by pattern, whose values are names and not "
            "amounts; [boosting] can use them, [regression] cannot"
        ),
    ] = ()
    missing: Annotated[
        Literal["error", "mean", "keep"] | Finite,
        Meta(
            description="what becomes of empty cells of feature columns: an error, the mean of the "
            "column, this number, or keep them, which [boosting] can use"
        ),
    ] = "error"
    duplicates: Annotated[
        Literal["error", "first"],
        Meta(
            description="what becomes of rows whose identifier occurred before: an error, or only "
            "the first row of each identifier is kept"
        ),
    ] = "error"
    missing_values: Annotated[
        tuple[str, ...], Meta(description="texts that mean an empty cell")
    ] = ("", "NA", "NaN", "null")
    types: Annotated[
        dict[str, Literal["integer", "number", "text"]],
        Meta(
            description="columns to read as another type: integer makes the identifiers 007 and 7 "
            "equal, text takes identifiers such as 7.0 as they are written"
        ),
    ] = {}
    decimal: Annotated[
        Literal[".", ","] | None,
        Meta(description="the decimal point of numbers in text; a comma where they look like 3,14"),
    ] = None
    delimiter: Annotated[
        str,
        Meta(
            pattern=r"^[\t -!#-~]$",
            max_length=1,
            description="an ASCII character that parts the cells of CSV, not a quote",
        ),
    ] = ","

    def __post_init__(self) -> None:
        """Refuse a data set that says twice, or not at all, where its rows are, or what they hold.

        Raises:
            ValueError: It does.
        """
        if (self.path is None) == (self.sql is None):
            raise ValueError("rows come from a `path` or from a table `sql`: give one of the two")
        for name, ends in self.edges.items():
            if any(low >= high for low, high in pairwise(ends)):
                raise ValueError(f"`edges` of column {name!r} do not ascend")
        for name, names in self.order.items():
            if len(set(names)) < len(names):
                raise ValueError(f"`order` of column {name!r} names a category twice")

    @property
    def signs(self) -> dict[str, int]:
        """Sign of each monotone column: 1 if predictions must not fall with it, -1 if not rise."""
        return {name: 1 if way == "increasing" else -1 for name, way in self.monotone.items()}

    @property
    def single(self) -> dict[str, str]:
        """Columns that have a purpose each and are no features, by the key that names them."""
        named = {key: getattr(self, key) for key in ("label", "weight", "exposure", "offset")}
        return {key: name for key, name in named.items() if name is not None}

    def refuse_monotone(self, key: str, whose: str) -> None:
        """Refuse monotone columns where no model can respect them.

        Args:
            key: Path of this table in the party file, for the error.
            whose: The party that may have monotone columns, for the error.

        Raises:
            SpecError: There are monotone columns.
        """
        if self.monotone:
            raise SpecError(
                f"`{key}.monotone` is for columns of {whose}, and nothing would come of it here: "
                "remove it."
            )

    def refuse_single(self, purposes: Sequence[str], key: str, whose: str) -> None:
        """Refuse columns with a purpose that would have no effect.

        Args:
            purposes: Some of the keys of `single`.
            key: Path of this table in the party file, for the error.
            whose: Where these columns belong, for the error.

        Raises:
            SpecError: There is such a column.
        """
        for purpose in purposes:
            if purpose in self.single:
                raise SpecError(
                    f"`{key}.{purpose}` is for {whose}, and nothing would come of it here: remove "
                    "it."
                )

    def anchored(self, folder: Path) -> Self:
        """Returns the same with absolute paths, given the folder that they are relative to."""
        if self.sql is not None:
            return replace(self, sql=self.sql.anchored(folder))
        return replace(self, path=str(self.resolve(folder).resolve()))

    def resolve(self, folder: Path) -> Path:
        """Find the files.

        Args:
            folder: The folder of the party file.

        Returns:
            The path of the file, of the folder, or the pattern.

        Raises:
            SpecError: Rows come from a database, and files alone can be read here.
        """
        if self.path is None:
            raise SpecError(
                "rows of a query come in no certain order, and this job goes on where it was cut "
                "off: export them as Parquet, and give its `path` in place of `sql`."
            )
        return folder / self.path

    def where(self, folder: Path) -> str:
        """Returns the path or the database, for errors."""
        return str(self.resolve(folder)) if self.sql is None else self.sql.where

    def origin(self, folder: Path) -> str:
        """Returns what tells this source of rows from others."""
        if self.sql is None:
            return str(self.resolve(folder).resolve())
        query = self.sql.anchored(folder)
        return f"{query.database} {query.query}"
