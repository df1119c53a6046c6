"""A party's own rules about which enclaves of others it trusts."""

from typing import Annotated

from msgspec import Meta

from isthmus.core.spec import Spec


class EnclavePolicy(Spec, frozen=True):
    """The `[policy.enclaves]` table of a party file."""

    allow_simulated: Annotated[
        bool, Meta(description="accept enclaves that are ordinary processes and protect nothing")
    ] = False
    measurements: Annotated[
        tuple[dict[str, str], ...],
        Meta(
            description="code to trust: registers and their values in hex, as "
            "`isthmus tee inspect` prints them; one of the tables must fit, all of its registers "
            "must be equal"
        ),
    ] = ()
    signers: Annotated[
        tuple[str, ...],
        Meta(description="in hex; where it is not empty, one of them must have signed the code"),
    ] = ()
    tcb_levels: Annotated[
        tuple[str, ...],
        Meta(
            description="states of a platform's firmware to accept, in the words of its maker; "
            "where these are versions (AMD), newer ones are accepted too"
        ),
    ] = ("UpToDate",)
    roots: Annotated[
        tuple[str, ...],
        Meta(description="certificates to trust beside those of Intel, AMD and AWS, as PEM text"),
    ] = ()
