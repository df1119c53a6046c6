"""Keys of a job that choose its homomorphic encryption."""

from typing import Annotated, Literal

from msgspec import Meta

from isthmus.core.spec import Spec

Scheme = Literal["okamoto-uchiyama", "paillier"]

Engine = Literal["heu", "gmpy2"]


class Encryption(Spec, frozen=True):
    """The `[regression.encryption]` or `[boosting.encryption]` table of a job."""

    scheme: Annotated[
        Scheme,
        Meta(description="additive homomorphic encryption; the first is several times faster"),
    ] = "okamoto-uchiyama"
    engine: Annotated[
        Engine,
        Meta(description="library that computes it; HEU has no wheels for Python 3.12 and later"),
    ] = "heu"
    key_bits: Annotated[
        int,
        Meta(ge=2048, le=8192, description="size of the modulus; 2048 is about 112 bits strong"),
    ] = 3072
