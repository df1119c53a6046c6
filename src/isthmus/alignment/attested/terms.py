"""What the enclaves of one alignment must agree on before they trust each other."""

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta

from isthmus.alignment.attested.spec import MOST_PARTIES, Share

Positive = Annotated[int, Meta(ge=1)]


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every party tells its own enclave; evidence binds them, so that all were told the same."""

    job: str
    """Digest of the job."""

    dataset: str
    """Name of the data set: a job may align several."""

    parties: Annotated[tuple[str, ...], Meta(min_length=2, max_length=MOST_PARTIES)]
    """All parties; identifiers meet in the enclave of the first one."""

    minimum_size: Positive
    """Fewest shared rows that anybody is told of."""

    rows_step: Positive
    """Numbers of rows are told rounded up to a multiple of it."""

    results: dict[str, Share]
    """What each party gets; rows where it is not named."""

    memory_mib: Positive
    """Most memory of each enclave, in MiB."""

    @property
    def first(self) -> str:
        """The party in whose enclave identifiers meet."""
        return self.parties[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The parties whose enclaves send theirs."""
        return self.parties[1:]

    def share(self, party: str) -> Share:
        """What a party gets."""
        return self.results.get(party, "rows")

    def digest(self) -> bytes:
        """SHA-256 of the terms: equal terms have equal digests."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).digest()
