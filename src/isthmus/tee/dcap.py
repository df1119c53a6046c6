"""Quotes of Intel SGX and TDX, verified by dcap-qvl: the only file that imports it.

A quote is signed by an attestation key. The machine's quoting enclave certifies that key, the
machine's certificate (PCK) certifies that enclave, and Intel issues the certificate. The
endorsements of a quote are its collateral, as JSON of dcap-qvl: dated statements about this model
of machine that Intel signed. They hold firmware levels (TCB info), quoting enclaves (QE identity)
and revocation lists.
"""

# pyright: reportMissingTypeStubs=false
# dcap-qvl has types, but no py.typed.

import re
import struct
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from textwrap import shorten
from typing import Annotated

import dcap_qvl
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from dcap_qvl import Quote, QuoteCollateralV3, SgxEnclaveReport, TeeType

from isthmus.core.errors import PeerError
from isthmus.tee import chain
from isthmus.tee.chain import Period
from isthmus.tee.evidence import Claims, Evidence, Kind
from isthmus.tee.policy import EnclavePolicy

_KINDS: dict[tuple[int, int], Kind] = {  # by type and version
    (TeeType.SGX, 3): Kind.SGX,
    (TeeType.TDX, 4): Kind.TDX,
    (TeeType.TDX, 5): Kind.TDX,
}
_PRODUCT_AND_VERSION = 48 + 256  # offset of ISVPRODID and ISVSVN in a version 3 quote
_SGX_DEBUG = 0x02  # a bit of the first byte of ATTRIBUTES; TDX: any bit of the first byte
_ABOUT_TIME = re.compile("expired|future|NotValidYet", re.IGNORECASE)
_TIME = "%Y-%m-%d at %H:%M UTC"

_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Dates(msgspec.Struct, rename="camel"):
    issue_date: _Moment
    next_update: _Moment


def verify_sgx(evidence: Evidence, policy: EnclavePolicy, at_time: datetime) -> Claims:
    """Verify a quote of an SGX enclave.

    Args:
        evidence: The quote and its collateral.
        policy: Its `roots` are trusted in addition to Intel's.
        at_time: When everything must be valid.

    Returns:
        Registers MRENCLAVE, MRSIGNER, ISVPRODID and ISVSVN; the worst level of platform and
        quoting enclave.

    Raises:
        PeerError: The quote is not genuine, not valid at that time, or of a debug enclave.
        SpecError: A root of the policy cannot be read.
    """
    return _verify(Kind.SGX, evidence, policy, at_time)


def verify_tdx(evidence: Evidence, policy: EnclavePolicy, at_time: datetime) -> Claims:
    """Verify a quote of a TDX virtual machine.

    Args:
        evidence: The quote and its collateral.
        policy: Its `roots` are trusted in addition to Intel's.
        at_time: When everything must be valid.

    Returns:
        Registers MRTD, RTMR0 to RTMR3, MRCONFIGID, MROWNER and MROWNERCONFIG; the worst level of
        platform, TDX module and quoting enclave. The code of a virtual machine has no signer.

    Raises:
        PeerError: The quote is not genuine, not valid at that time, or of a debug machine.
        SpecError: A root of the policy cannot be read.
    """
    return _verify(Kind.TDX, evidence, policy, at_time)


def kind_of(document: bytes) -> Kind | None:
    """Returns the kind that a quote states, or None if it is not a quote; verifies nothing."""
    quote = _parse(document)
    return None if quote is None else _kind(quote)


def describe(document: bytes) -> Claims:
    """Read a quote without verifying anything: anyone could have written it.

    Args:
        document: The quote.

    Returns:
        Its registers and report data; no level, which only the collateral gives.

    Raises:
        PeerError: It is not a quote.
    """
    quote = _parse(document)
    kind = None if quote is None else _kind(quote)
    if quote is None or kind is None:
        raise PeerError(
            "this is not a quote of Intel SGX (version 3) or TDX (version 4 or 5): its party has "
            "to give what its enclave's hardware made."
        )
    return _contents(kind, quote, document)


def periods(evidence: Evidence) -> list[Period]:
    """Returns the validity of a quote's collateral and certificates; empty if unreadable."""
    quote = _parse(evidence.document)
    try:
        collateral = _collateral(evidence.endorsements, evidence.kind.upper())
    except PeerError:
        return []
    return _periods(quote, collateral) if quote else []


def _verify(kind: Kind, evidence: Evidence, policy: EnclavePolicy, at_time: datetime) -> Claims:
    name = kind.upper()
    quote = _parse(evidence.document)
    if quote is None or _kind(quote) is not kind:
        raise PeerError(
            f"this is not an Intel {name} quote of a version that we know: its party has to give "
            "what its enclave's hardware made, and name its kind in `enclave.kind`."
        )
    if _can_be_debugged(quote):
        raise PeerError(
            f"Intel {name} quote: its enclave runs in debug mode, so its host may read its memory: "
            "its party has to start it without."
        )
    collateral = _collateral(evidence.endorsements, name)
    root = _root_of_policy(collateral, policy)
    try:
        with _panics_as_errors():
            report = _call(evidence.document, collateral, root, at_time)
    except ValueError as error:
        raise PeerError(_refusal(error, name, quote, collateral, at_time)) from None
    claims = _contents(kind, quote, evidence.document)
    return msgspec.structs.replace(
        claims, tcb_level=report.status, advisories=tuple(report.advisory_ids)
    )


def _call(
    document: bytes, collateral: QuoteCollateralV3, root: bytes | None, at_time: datetime
) -> dcap_qvl.VerifiedReport:
    seconds = max(0, int(at_time.timestamp()))  # the library has no time before 1970
    if root is None:
        return dcap_qvl.verify(document, collateral, seconds)
    return dcap_qvl.verify_with_root_ca(document, collateral, root, seconds)


@contextmanager
def _panics_as_errors() -> Generator[None]:
    """Turn a panic of dcap-qvl, which is a `BaseException`, into a ValueError.

    Yields:
        Nothing.

    Raises:
        ValueError: The block panicked. The library raises a ValueError for all other failures.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError("it breaks the verifier") from None


def _parse(document: bytes) -> Quote | None:
    try:
        with _panics_as_errors():
            return dcap_qvl.parse_quote(document)
    except ValueError:
        return None


def _kind(quote: Quote) -> Kind | None:
    return _KINDS.get((quote.header.tee_type, quote.header.version))


def _can_be_debugged(quote: Quote) -> bool:
    report = quote.report
    if isinstance(report, SgxEnclaveReport):
        return bool(report.attributes[0] & _SGX_DEBUG)
    return report.td_attributes[0] != 0


def _contents(kind: Kind, quote: Quote, document: bytes) -> Claims:
    report = quote.report
    if isinstance(report, SgxEnclaveReport):
        product, version = struct.unpack_from("<HH", document, _PRODUCT_AND_VERSION)
        signer = report.mr_signer.hex()
        registers = {
            "MRENCLAVE": report.mr_enclave.hex(),
            "MRSIGNER": signer,
            "ISVPRODID": f"{product:04x}",
            "ISVSVN": f"{version:04x}",
        }
    else:
        signer = ""
        registers = {
            "MRTD": report.mr_td.hex(),
            "RTMR0": report.rt_mr0.hex(),
            "RTMR1": report.rt_mr1.hex(),
            "RTMR2": report.rt_mr2.hex(),
            "RTMR3": report.rt_mr3.hex(),
            "MRCONFIGID": report.mr_config_id.hex(),
            "MROWNER": report.mr_owner.hex(),
            "MROWNERCONFIG": report.mr_owner_config.hex(),
        }
    return Claims(kind, registers, signer, report.report_data, tcb_level="")


def _collateral(endorsements: bytes, name: str) -> QuoteCollateralV3:
    try:
        with _panics_as_errors():
            return QuoteCollateralV3.from_json(endorsements.decode())
    except ValueError:
        raise PeerError(
            f"Intel {name} quote: its endorsements are not collateral as JSON: its party has to "
            "fetch it from Intel's service into the file that `enclave.endorsements` names."
        ) from None


def _root_of_policy(collateral: QuoteCollateralV3, policy: EnclavePolicy) -> bytes | None:
    """Returns the root of the collateral, in DER, if the policy names it; None for Intel's root."""
    trusted = chain.fingerprints(policy.roots)
    end = chain.read(collateral.tcb_info_issuer_chain.encode())[-1:] if trusted else []
    named = [root for root in end if chain.fingerprint(root) in trusted]
    return named[0].public_bytes(Encoding.DER) if named else None


def _refusal(
    error: ValueError, name: str, quote: Quote, collateral: QuoteCollateralV3, at_time: datetime
) -> str:
    reason = _in_one_line(error)
    dated = _periods(quote, collateral) if _ABOUT_TIME.search(reason) else []
    expired = sorted({(until, what) for what, _, until in dated if until <= at_time})
    if expired:
        return (
            f"Intel {name} quote: its endorsements have expired, {_listed(expired)}: its party has "
            "to fetch them anew into the file that `enclave.endorsements` names."
        )
    early = sorted({(since, what) for what, since, _ in dated if since > at_time})
    if early:
        return (
            f"Intel {name} quote: its endorsements are not valid yet, {_listed(early)}, and here "
            f"it is {at_time:{_TIME}}: is this machine's clock right?"
        )
    return (
        f"Intel {name} quote: it does not verify with its endorsements ({reason}): do not trust "
        "this enclave, or ask its party for fresh endorsements that belong to its machine."
    )


def _in_one_line(error: ValueError) -> str:
    """Returns the error of dcap-qvl as one short line: a peer may have chosen parts of it."""
    text = str(error).removeprefix("Verification failed: ").replace("Caused by:", "because")
    return shorten("".join(c if c.isprintable() else " " for c in text), 160)


def _listed(dated: list[tuple[datetime, str]]) -> str:
    return ", ".join(f"{what} on {moment:{_TIME}}" for moment, what in dated)


def _periods(quote: Quote, collateral: QuoteCollateralV3) -> list[Period]:
    """Returns the validity of all dated parts; empty if one of them cannot be read."""
    try:
        found = *_statements(collateral), *_revocations(collateral), *_chains(quote, collateral)
    except (ValueError, msgspec.MsgspecError, RecursionError, PeerError):
        return []
    return [*dict.fromkeys(found)]  # the chains share certificates


def _statements(collateral: QuoteCollateralV3) -> Iterator[Period]:
    for what, text in (("TCB info", collateral.tcb_info), ("QE identity", collateral.qe_identity)):
        dates = msgspec.json.decode(text, type=_Dates)
        yield what, dates.issue_date, dates.next_update


def _revocations(collateral: QuoteCollateralV3) -> Iterator[Period]:
    for what, der in (("root CRL", collateral.root_ca_crl), ("PCK CRL", collateral.pck_crl)):
        crl = x509.load_der_x509_crl(der)
        if crl.next_update_utc is not None:
            yield what, crl.last_update_utc, crl.next_update_utc


def _chains(quote: Quote, collateral: QuoteCollateralV3) -> Iterator[Period]:
    chains = [
        quote.cert_chain_pem_bytes() or b"",
        collateral.tcb_info_issuer_chain.encode(),
        collateral.qe_identity_issuer_chain.encode(),
    ]
    for pem in chains:
        yield from chain.periods(chain.read(pem)[:-1])  # without the root, which needs no date
