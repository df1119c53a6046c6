"""The enclave of this party: how it is started, and the kind of its evidence."""

from typing import Annotated

from msgspec import Meta

from isthmus.core.spec import Spec
from isthmus.tee.evidence import Kind


class Enclave(Spec, frozen=True):
    """The `[enclave]` table of a party file."""

    kind: Annotated[Kind, Meta(description="what the enclave is")] = Kind.SIMULATED
    command: Annotated[
        tuple[str, ...],
        Meta(
            description="program whose standard input and output lead into the enclave; "
            "empty: the enclave program as a process of this Python"
        ),
    ] = ()
    endorsements: Annotated[
        str | None,
        Meta(
            description="file that goes with our evidence: collateral as JSON (sgx, tdx), "
            "certificates as PEM (snp)"
        ),
    ] = None
