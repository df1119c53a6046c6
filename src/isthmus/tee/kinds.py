"""The index: which module knows which kind of evidence; libraries are loaded when needed."""

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
    """What can be done with one kind of evidence."""

    verify: Callable[[Evidence, EnclavePolicy, datetime], Claims]
    """Whether its maker's hardware made it, and no debugger can look into the enclave."""

    describe: Callable[[bytes], Claims]
    """What a document says, whoever made it."""

    periods: Callable[[Evidence], list[Period]]
    """When each dated thing that vouches for it is valid; nothing where none can be read."""


def reader(kind: Kind) -> Reader:
    """Who knows a kind of evidence.

    Args:
        kind: The kind.

    Returns:
        Its functions.

    Raises:
        SpecError: The library for it is not installed.
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
    """Which hardware may have made a document, by its form.

    Args:
        document: Whatever somebody calls evidence.

    Returns:
        The kind; None where it has the form of none.

    Raises:
        SpecError: The library to tell is not installed.
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
    """The library of the extra `tee` that is not there; another error than that is raised again."""
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
"""Libraries of the extra `tee`, by the names under which they are imported."""
