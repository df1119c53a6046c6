"""The `[alignment]` table of a job for a cryptographic alignment."""

from typing import Annotated

from msgspec import Meta

from isthmus.core.spec import Spec

MAX_BATCH_ROWS = 2**18

METHOD = "cryptographic"
"""The value of `alignment.method` in a job."""


class CryptographicAlignment(Spec, frozen=True, tag_field="method", tag=METHOD):
    """The `[alignment]` table of a job that compares identifiers by Diffie-Hellman."""

    minimum_size: Annotated[
        int,
        Meta(ge=1, description="fewest shared rows to go on with: few rows can be singled out"),
    ] = 100
    batch_rows: Annotated[
        int,
        Meta(ge=1, le=MAX_BATCH_ROWS, description="rows of each party blinded and sent at a time"),
    ] = 16_384

    @property
    def method(self) -> str:
        """The value of `alignment.method` in the job."""
        return METHOD
