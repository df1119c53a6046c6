"""The terms of an alignment, which all its enclaves must be given alike."""

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta

from isthmus.alignment.attested.spec import MOST_PARTIES, Share

Positive = Annotated[int, Meta(ge=1)]


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every party gives the terms to its own enclave; evidence proves that all got the same."""

    job: str
    """Digest of the job."""

    dataset: str
    """Name of the data set: a job may align several."""

    parties: Annotated[tuple[str, ...], Meta(min_length=2, max_length=MOST_PARTIES)]
    """All parties; the enclave of the first one compares identifiers."""

    certificates: dict[str, bytes]
    """Certificate of each party as PEM, whose key signs what is the party's own enclave."""

    minimum_size: Positive
    """Fewest shared rows: with fewer, no party gets a result."""

    rows_step: Positive
    """Numbers of rows are rounded up to a multiple of this before others are told."""

    results: dict[str, Share]
    """Result for each party; "rows" for parties that are not named."""

    memory_mib: Positive
    """Most memory of each enclave, in MiB."""

    @property
    def first(self) -> str:
        """The party whose enclave compares identifiers."""
        return self.parties[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The parties whose enclaves send identifiers to the first."""
        return self.parties[1:]

    def share(self, party: str) -> Share:
        """Returns the kind of result that a party gets."""
        return self.results.get(party, "rows")

    def digest(self) -> bytes:
        """Returns the SHA-256 of the terms: equal terms have equal digests."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).digest()
