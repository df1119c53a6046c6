"""Index of the modules that read each kind of evidence; optional libraries load when needed."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from isthmus.core import extras
from isthmus.core.extras import MissingExtraError
from isthmus.tee import simulated, snp
from isthmus.tee.chain import Period
from isthmus.tee.evidence import Claims, Evidence, Kind
from isthmus.tee.policy import EnclavePolicy


class Reader(NamedTuple):
    """The functions for one kind of evidence."""

    verify: Callable[[Evidence, EnclavePolicy, datetime], Claims]
    """Verifies that the maker's hardware made it, and that the enclave is not in debug mode."""

    describe: Callable[[bytes], Claims]
    """Returns the contents of a document, without verifying them."""

    periods: Callable[[Evidence], list[Period]]
    """Returns the validity of all that the evidence relies on; empty if it cannot be read."""


def reader(kind: Kind) -> Reader:
    """Returns the functions for a kind of evidence.

    Args:
        kind: The kind.

    Returns:
        The functions.

    Raises:
        MissingExtraError: The library for it is not installed.
    """
    match kind:
        case Kind.SGX | Kind.TDX:
            with extras.advised(_READING):
                from isthmus.tee import dcap  # noqa: PLC0415 - needs an extra
            verify = dcap.verify_sgx if kind is Kind.SGX else dcap.verify_tdx
            return Reader(verify, dcap.describe, dcap.periods)
        case Kind.SNP:
            return Reader(snp.verify_snp, snp.describe, snp.periods)
        case Kind.NITRO:
            with extras.advised(_READING):
                from isthmus.tee import nitro  # noqa: PLC0415 - needs an extra
            return Reader(nitro.verify_nitro, nitro.describe, nitro.periods)
        case Kind.SIMULATED:
            return Reader(simulated.verify_simulated, simulated.describe, simulated.periods)


def kind_of(document: bytes) -> Kind | None:
    """Guess the kind of a document from its format, without verifying it.

    Args:
        document: Any bytes.

    Returns:
        The kind; None if no format fits.

    Raises:
        MissingExtraError: The library to tell is not installed.
        ModuleNotFoundError: A module that no extra brings is not there.
    """
    kind, missing = snp.kind_of(document), list[str]()
    for find in (_nitro_kind_of, _dcap_kind_of):
        if kind is None:
            try:
                kind = find(document)
            except ModuleNotFoundError as error:  # the other library may know the document
                if extras.extra_of(error.name or "") is None:
                    raise
                missing.append(str(error.name))
    if kind is None and missing:
        raise MissingExtraError(extras.advice(_READING, *missing))
    return kind


def _nitro_kind_of(document: bytes) -> Kind | None:
    from isthmus.tee import nitro  # noqa: PLC0415 - needs an extra

    return nitro.kind_of(document)


def _dcap_kind_of(document: bytes) -> Kind | None:
    from isthmus.tee import dcap  # noqa: PLC0415 - needs an extra

    return dcap.kind_of(document)


_READING = "reading evidence of this kind"
