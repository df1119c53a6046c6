"""Index of the modules that read each kind of evidence; optional libraries load when needed."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from isthmus.core.errors import SpecError
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
        SpecError: The library for this kind is not installed.
    """
    match kind:
        case Kind.SGX | Kind.TDX:
            with _extra():
                from isthmus.tee import dcap  # noqa: PLC0415 - needs an extra
            verify = dcap.verify_sgx if kind is Kind.SGX else dcap.verify_tdx
            return Reader(verify, dcap.describe, dcap.periods)
        case Kind.SNP:
            return Reader(snp.verify_snp, snp.describe, snp.periods)
        case Kind.NITRO:
            with _extra():
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
        SpecError: No format fits, and a library that knows others is not installed.
    """
    kind, missing = snp.kind_of(document), list[str]()
    for find in (_nitro_kind_of, _dcap_kind_of):
        if kind is None:
            try:
                kind = find(document)
            except ModuleNotFoundError as error:  # the other library may know the document
                missing += _of_the_extra(error)
    if kind is None and missing:
        raise SpecError(_has_to_be_installed(missing))
    return kind


def _nitro_kind_of(document: bytes) -> Kind | None:
    from isthmus.tee import nitro  # noqa: PLC0415 - needs an extra

    return nitro.kind_of(document)


def _dcap_kind_of(document: bytes) -> Kind | None:
    from isthmus.tee import dcap  # noqa: PLC0415 - needs an extra

    return dcap.kind_of(document)


@contextmanager
def _extra() -> Generator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise SpecError(_has_to_be_installed(_of_the_extra(error))) from None


def _of_the_extra(error: ModuleNotFoundError) -> list[str]:
    """Returns the missing library if the extra `tee` has it; else raises the error again."""
    if error.name not in _LIBRARIES:
        raise error
    return [error.name]


def _has_to_be_installed(missing: list[str]) -> str:
    have = "has" if len(missing) == 1 else "have"
    return (
        f"to read evidence of this kind, {' and '.join(missing)} {have} to be installed: "
        "`pip install 'isthmus[tee]'`."
    )


_LIBRARIES = frozenset({"cbor2", "dcap_qvl"})
"""Modules of the extra `tee`."""
