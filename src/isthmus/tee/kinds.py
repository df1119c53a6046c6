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
    with _extra():
        from isthmus.tee import dcap, nitro  # noqa: PLC0415 - need an extra
    return snp.kind_of(document) or nitro.kind_of(document) or dcap.kind_of(document)


@contextmanager
def _extra() -> Generator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise SpecError(
            f"to read evidence of this kind, {error.name} has to be installed: "
            "`pip install 'isthmus[tee]'`."
        ) from None
