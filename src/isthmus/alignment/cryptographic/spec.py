"""The `[alignment]` table of a job for a cryptographic alignment."""

from typing import Annotated, Literal

from msgspec import Meta

from isthmus.core.spec import Spec

MAX_BATCH_ROWS = 2**18

METHOD = "cryptographic"
"""The value of `alignment.method` in a job."""

Protocol = Literal["diffie-hellman", "oblivious"]
"""How two parties find the rows that both hold."""

OBLIVIOUS_FROM = 2_000
"""Rows of the larger of two parties from which the oblivious protocol is the cheaper one."""

OBLIVIOUS_MOST = 2**24
"""Rows of a party that the oblivious protocol can take: its hashes of rows have 64 bits."""


class CryptographicAlignment(Spec, frozen=True, tag_field="method", tag=METHOD):
    """The `[alignment]` table of a job that compares identifiers under encryption."""

    minimum_size: Annotated[
        int,
        Meta(ge=1, description="fewest shared rows to go on with: few rows can be singled out"),
    ] = 100
    protocol: Annotated[
        Literal["auto", "diffie-hellman", "oblivious"],
        Meta(
            description="how two parties find the rows that both hold; auto: oblivious from "
            f"{OBLIVIOUS_FROM:,} rows of the larger one"
        ),
    ] = "auto"
    batch_rows: Annotated[
        int,
        Meta(
            ge=1,
            le=MAX_BATCH_ROWS,
            description="rows of each party blinded and sent at a time, by Diffie-Hellman",
        ),
    ] = 16_384

    @property
    def method(self) -> str:
        """The value of `alignment.method` in the job."""
        return METHOD

    def protocol_for(self, ours: int, theirs: int) -> Protocol:
        """Choose the protocol of two parties; both know the two numbers, and choose the same.

        Args:
            ours: Rows of one party.
            theirs: Rows of the other one.

        Returns:
            The protocol.
        """
        if self.protocol != "auto":
            return self.protocol
        fits = OBLIVIOUS_FROM <= max(ours, theirs) <= OBLIVIOUS_MOST
        return "oblivious" if fits else "diffie-hellman"
