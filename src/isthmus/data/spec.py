"""Tables of a party file that describe its data, and the normalisation of identifiers."""

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

SampleType = Literal["tabular", "image", "text"]


class Dataset(Spec, frozen=True):
    """The `[datasets.NAME]` table of a party file: one file of rows, and how to read it."""

    path: Annotated[
        str,
        Meta(
            description="a .csv, .csv.gz or .parquet file, relative to the folder of this file; "
            "for [multitask] also .arrow, .feather or .jsonl, a folder of files, or - for JSON "
            "lines on standard input"
        ),
    ]
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
            description="column of what each row counts for, at the active party; [boosting] can "
            "use it, [regression] cannot"
        ),
    ] = None
    monotone: Annotated[
        dict[str, Literal["increasing", "decreasing"]],
        Meta(
            description="columns of the active party with which a prediction must not fall, or "
            "not rise; [boosting] can use it, [regression] cannot"
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
        tuple[str, ...], Meta(description="texts that mean an empty cell in CSV")
    ] = ("", "NA", "NaN", "null")
    types: Annotated[
        dict[str, Literal["integer", "number"]],
        Meta(
            description="columns to read as another type: integer makes the identifiers 007 and 7 "
            "equal, number reads a text column of a Parquet file"
        ),
    ] = {}
    delimiter: Annotated[
        str,
        Meta(
            pattern=r"^[\t -!#-~]$",
            max_length=1,
            description="what parts the cells of CSV: an ASCII character, not a quote",
        ),
    ] = ","

    @property
    def signs(self) -> dict[str, int]:
        """Sign of each monotone column: 1 if predictions must not fall with it, -1 if not rise."""
        return {name: 1 if way == "increasing" else -1 for name, way in self.monotone.items()}

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

    def anchored(self, folder: Path) -> Self:
        """Returns the same with an absolute path, given the folder that it is relative to."""
        return replace(self, path=str(self.resolve(folder).resolve()))

    def resolve(self, folder: Path) -> Path:
        """Returns the path of the file, given the folder of the party file."""
        return folder / self.path
