"""The `network` table of a job, from which every party builds the same network."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from isthmus.core.spec import Spec

Size = Annotated[int, Meta(ge=1, le=65_536, description="numbers of an embedding")]
Layers = Annotated[int, Meta(ge=1, le=48)]
Bound = Annotated[float, Meta(ge=-1e30, le=1e30)]
Range = tuple[Bound, Bound]

NARROWEST = 1e-30
"""Width of a range at least: single precision takes one far below for nothing."""

Heads = Annotated[
    int, Meta(ge=1, le=256, description="of attention, each over its share of `size` numbers")
]


class NetworkSpec(Spec, frozen=True, tag_field="type"):
    """Base class of the types of network: each turns a sample into an embedding."""

    tables: ClassVar[tuple[str, ...]] = ()
    """Parameters of the encoder with a row for each piece of a text."""

    size: Size = 64


class Tabular(NetworkSpec, frozen=True, kw_only=True, tag="tabular"):
    """Rows of numbers, scaled by public ranges or, at each party, by its own samples."""

    columns: Annotated[
        tuple[str, ...],
        Meta(
            min_length=1,
            max_length=100_000,
            description="names of the columns that go in, in this order at every party",
        ),
    ]
    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65_536)], ...],
        Meta(max_length=16, description="units of each hidden layer"),
    ] = (64,)
    ranges: Annotated[
        dict[str, Range],
        Meta(
            description="public least and largest value of each of the columns: values beyond them "
            "are cut off, and columns are scaled by them. None: each party scales its columns to "
            "mean 0 and deviation 1 of its own samples"
        ),
    ] = {}

    def __post_init__(self) -> None:
        """Refuse ranges that do not fit the columns.

        Raises:
            ValueError: One is missing, of another column, or empty.
        """
        if not self.ranges:
            return
        wrong = sorted(self.ranges.keys() ^ set(self.columns))
        if wrong:
            raise ValueError(
                "`ranges` has to name every column of `columns` and no other, or to be left out: "
                f"{wrong[0]!r} is in one of them only"
            )
        for name, (least, most) in self.ranges.items():
            if not least < most:
                raise ValueError(f"the range of {name!r} is empty: write the smaller number first")
            if most - least < NARROWEST:
                raise ValueError(f"the range of {name!r} is narrower than {NARROWEST:g}")


Side = Annotated[int, Meta(ge=1, le=4096)]


class Image(NetworkSpec, frozen=True, kw_only=True, tag="image"):
    """Images: a row holds pixels line by line from the top, channels of a pixel together."""

    height: Annotated[Side, Meta(description="lines of pixels")]
    width: Annotated[Side, Meta(description="pixels of a line")]
    channels: Annotated[int, Meta(ge=1, le=64, description="numbers of a pixel")] = 1
    largest: Annotated[float, Meta(gt=0, le=1e9, description="number of a white pixel")] = 255.0
    kind: Annotated[
        Literal["cnn", "vit"], Meta(description="convolutions, or attention between patches")
    ] = "cnn"
    layers: Annotated[Layers, Meta(description="convolutions, or layers of a transformer")] = 2
    filters: Annotated[
        int,
        Meta(
            ge=4, le=4096, description="of the first convolution; each next one has twice as many"
        ),
    ] = 16
    heads: Heads = 4
    patch: Annotated[
        int,
        Meta(ge=1, le=256, description="pixels of a side of a square that is masked or attended"),
    ] = 4

    def __post_init__(self) -> None:
        """Refuse a network that cannot be built.

        Raises:
            ValueError: The image is too small for its layers, or `heads` does not divide `size`.
        """
        if self.kind == "vit":
            _check_heads(self.size, self.heads)
        elif min(self.height, self.width) < 2**self.layers:
            raise ValueError(
                f"each convolution halves the image: {self.height} x {self.width} pixels are too "
                f"few for {self.layers} `layers`"
            )


class Text(NetworkSpec, frozen=True, kw_only=True, tag="text"):
    """Texts, read as bytes of UTF-8: there is no vocabulary to agree on."""

    tables: ClassVar[tuple[str, ...]] = ("bytes.weight",)

    length: Annotated[
        int, Meta(ge=8, le=8192, description="bytes that are read of a text; the rest is cut off")
    ] = 128
    layers: Annotated[Layers, Meta(description="layers of the transformer")] = 2
    heads: Heads = 4

    def __post_init__(self) -> None:
        """Refuse a network that cannot be built.

        Raises:
            ValueError: `heads` does not divide `size`.
        """
        _check_heads(self.size, self.heads)


Network = Tabular | Image | Text
"""All types of network: the key `type` of the table says which."""


def type_of(network: NetworkSpec) -> str:
    """Returns the type of a network, as in the job."""
    return str(type(network).__struct_config__.tag)


def _check_heads(size: int, heads: int) -> None:
    if size % heads:
        raise ValueError(f"`size` {size} is not a multiple of `heads` {heads}")
