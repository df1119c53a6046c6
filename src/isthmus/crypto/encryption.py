"""Keys of job and party files about homomorphic encryption: what crosses, and what computes it."""

from typing import Annotated, Literal

from msgspec import Meta

from isthmus.core.spec import Spec

Scheme = Literal["okamoto-uchiyama", "paillier"]
"""Schemes with a key of a size that the job chooses."""

Engine = Literal["auto", "kernel", "gmpy2"]
"""What a party may ask for."""

KeyBits = Annotated[int, Meta(ge=2048, le=8192)]

_DEFAULT_BITS = 3072


class Encryption(Spec, frozen=True):
    """The `[boosting.encryption]` table of a job: what the parties must agree on."""

    scheme: Annotated[
        Scheme,
        Meta(description="additive homomorphic encryption; the first is several times faster"),
    ] = "okamoto-uchiyama"
    key_bits: Annotated[
        KeyBits, Meta(description="size of the modulus; 2048 is about 112 bits strong")
    ] = _DEFAULT_BITS


class RegressionEncryption(Spec, frozen=True):
    """The `[regression.encryption]` table of a job: what the parties must agree on."""

    scheme: Annotated[
        Scheme | Literal["bfv"],
        Meta(description="homomorphic encryption of whole vectors (bfv), or of single numbers"),
    ] = "bfv"
    key_bits: Annotated[
        KeyBits | None,
        Meta(
            description="size of the modulus of okamoto-uchiyama or paillier; unset: 3072. bfv has "
            "parameters of its own"
        ),
    ] = None

    def __post_init__(self) -> None:
        """Refuse a key that would have no effect.

        Raises:
            ValueError: It would; msgspec makes it an error about the file.
        """
        if self.scheme == "bfv" and self.key_bits is not None:
            raise ValueError("`bfv` has parameters of its own: leave `key_bits` out")

    @property
    def of_numbers(self) -> Encryption:
        """Scheme and key size, where numbers are encrypted one by one.

        Raises:
            ValueError: The scheme encrypts vectors.
        """
        if self.scheme == "bfv":
            raise ValueError("bfv encrypts vectors")
        return Encryption(scheme=self.scheme, key_bits=self.key_bits or _DEFAULT_BITS)
