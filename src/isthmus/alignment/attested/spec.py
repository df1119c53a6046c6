"""The `[alignment]` table of a job for an attested alignment."""

from typing import Annotated, Literal

from msgspec import Meta

from isthmus.core.spec import Spec

METHOD = "attested"
"""The value of `alignment.method` in a job."""

MOST_PARTIES = 5

Share = Literal["rows", "size", "nothing"]
"""Result for a party: which of its rows are shared, their number, or nothing."""


class AttestedAlignment(Spec, frozen=True, tag_field="method", tag=METHOD):
    """The `[alignment]` table of a job that compares identifiers inside enclaves only."""

    minimum_size: Annotated[
        int,
        Meta(ge=1, description="fewest shared rows to go on with: few rows can be singled out"),
    ] = 100
    results: Annotated[
        dict[str, Share],
        Meta(description="what each party gets: rows, size or nothing; rows where it is not named"),
    ] = {}
    rows_step: Annotated[
        int,
        Meta(ge=1, le=2**24, description="numbers of rows are told rounded up to a multiple of it"),
    ] = 1_024
    memory_mib: Annotated[
        int, Meta(ge=256, le=2**20, description="most memory of each enclave, in MiB")
    ] = 2_048

    @property
    def method(self) -> str:
        """The value of `alignment.method` in the job."""
        return METHOD

    def gives_rows(self, party: str) -> bool:
        """Returns whether a party learns which of its rows are shared."""
        return self.results.get(party, "rows") == "rows"
