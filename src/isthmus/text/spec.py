"""The `encoder` table of a job: what turns a text into a vector."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from msgspec import Meta
from msgspec.structs import replace

from isthmus.core.spec import Spec, anchored

Language = Annotated[
    str,
    Meta(
        pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z",
        description="the tag of a language, such as en or zh-Hant (BCP 47)",
    ),
]

EncoderType = Literal["static", "tiny", "small", "base", "bytes"]

_SIZES: Mapping[EncoderType, int] = {"base": 768}
_LAYERS: Mapping[EncoderType, int] = {"small": 6, "base": 12}


class Encoder(Spec, frozen=True):
    """What turns a text into a vector."""

    type: Annotated[
        EncoderType,
        Meta(
            description="static: a weighted mean of the vectors of a text's pieces; tiny, small, "
            "base: ModernBERT of 1 to 2, 6 or 12 layers; bytes: a transformer over bytes"
        ),
    ] = "static"
    size: Annotated[
        Annotated[int, Meta(ge=8, le=4096)] | None,
        Meta(description="numbers of a vector; none: 256, and 768 of base"),
    ] = None
    layers: Annotated[
        Annotated[int, Meta(ge=1, le=48)] | None,
        Meta(description="layers of a transformer; none: 1 of tiny, 6 of small, 12 of base"),
    ] = None
    vocabulary: Annotated[
        int, Meta(ge=512, le=1_000_000, description="most pieces of the tokenizer")
    ] = 16_384
    tokenizer: Annotated[
        str | None,
        Meta(description="a tokenizer.json to use instead of training one on the corpora"),
    ] = None
    length: Annotated[
        int, Meta(ge=8, le=8192, description="pieces that are read of a text; the rest is cut off")
    ] = 128
    begin: Annotated[
        Literal["drawn", "static"],
        Meta(
            description="first vectors of the pieces of a transformer: drawn, or those of a static "
            "encoder that is trained before it"
        ),
    ] = "drawn"
    continued: Annotated[
        str | None,
        Meta(description="a Hugging Face folder whose encoder and tokenizer are trained on"),
    ] = None
    precision: Annotated[
        Literal["float32", "bfloat16"],
        Meta(
            description="of most of what a transformer computes in training: bfloat16 is faster "
            "where the processor has it, and many times slower where it has not"
        ),
    ] = "float32"
    recompute: Annotated[
        bool,
        Meta(
            description="compute layers again for the gradient in training: less memory, more time"
        ),
    ] = False

    @property
    def vector_size(self) -> int:
        """Numbers of a vector."""
        return self.size or _SIZES.get(self.type, 256)

    @property
    def depth(self) -> int:
        """Layers of the transformer; 0 of a static encoder."""
        return 0 if self.type == "static" else self.layers or _LAYERS.get(self.type, 1)

    def anchored(self, folder: Path) -> Self:
        """Returns the table with absolute paths; they are relative to the folder so far."""
        moved = {key: anchored(getattr(self, key), folder) for key in ("tokenizer", "continued")}
        return replace(self, **moved)
