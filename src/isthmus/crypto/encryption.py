"""What a job may tune in an encryption."""

from typing import Annotated

from msgspec import Meta

from isthmus.core.spec import Spec
from isthmus.crypto.keys import Engine
from isthmus.crypto.scheme import Scheme


class Encryption(Spec, frozen=True):
    """The `[regression.encryption]` or `[boosting.encryption]` table of a job."""

    scheme: Annotated[
        Scheme,
        Meta(description="additive homomorphic encryption; the first is several times faster"),
    ] = "okamoto-uchiyama"
    engine: Annotated[
        Engine,
        Meta(description="library that computes it; gmpy2 knows Paillier only"),
    ] = "heu"
    key_bits: Annotated[
        int,
        Meta(ge=1024, le=8192, description="size of the modulus; 2048 is about 112 bits strong"),
    ] = 3072
