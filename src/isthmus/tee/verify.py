"""Verification of evidence: is it genuine, and does our policy trust that enclave?"""

from datetime import datetime

from isthmus.core.errors import PolicyError
from isthmus.tee import snp
from isthmus.tee.code import code_digest
from isthmus.tee.evidence import SIMULATION, Claims, Evidence, Kind
from isthmus.tee.kinds import reader
from isthmus.tee.policy import EnclavePolicy

_WITHOUT_LEVELS = {Kind.NITRO, Kind.SIMULATED}  # their evidence has no level of firmware


def verify(evidence: Evidence, policy: EnclavePolicy, at_time: datetime) -> Claims:
    """Verify evidence, and check that our policy accepts it.

    Args:
        evidence: The evidence of the other enclave.
        policy: Our policy.
        at_time: When everything must be valid, with a time zone.

    Returns:
        The verified claims; the caller checks that `report_data` belongs to this session.

    Raises:
        PeerError: The evidence is not genuine, not valid at that time, or of an enclave that its
            host can debug.
        PolicyError: The evidence is genuine, but our policy does not accept it.
        SpecError: A root of our policy cannot be read, or a library is not installed.
    """
    if evidence.kind is Kind.SIMULATED and not policy.allow_simulated:
        raise PolicyError(
            f"{SIMULATION} Your party file does not accept it; where that is enough, as in a "
            "trial, set policy.enclaves.allow_simulated = true."
        )
    claims = reader(evidence.kind).verify(evidence, policy, at_time)
    _accept_code(claims, policy)
    _accept_signer(claims, policy)
    _accept_level(claims, policy)
    return claims


def _accept_code(claims: Claims, policy: EnclavePolicy) -> None:
    trusted = policy.measurements
    if claims.kind is Kind.SIMULATED and not trusted:
        trusted = ({"CODE": code_digest().hex()},)
    if not trusted:
        raise PolicyError(
            "your party file does not say which code to trust in enclaves: let `isthmus tee "
            "inspect` print a genuine one's registers, compare them with your own build, and put "
            "them into policy.enclaves.measurements."
        )
    fitting = [table for table in trusted if _fits(claims, table)]
    if not fitting:
        names = {name for table in trusted for name in table}
        shown = ", ".join(f"{name} {claims.registers.get(name, 'none')}" for name in sorted(names))
        raise PolicyError(  # the advice comes first: the end of an enclave's error may be cut off
            "the other enclave runs code that you do not trust: compare it with your own build; "
            "if you trust it, add it to policy.enclaves.measurements, and run the same version of "
            f"isthmus on both sides. It shows {shown}."
        )
    if claims.kind is not Kind.SNP:
        return
    levels = [snp.unpinned_level(claims, table) for table in fitting]
    if all(levels):
        raise PolicyError(
            f"the other enclave runs at VMPL {int(levels[0], 16)} of its machine, and what runs "
            "below that may read its memory: its party has to run it at VMPL 0; if you trust what "
            f'runs below too, add VMPL = "{levels[0]}" to that table of '
            "policy.enclaves.measurements."
        )


def _fits(claims: Claims, table: dict[str, str]) -> bool:
    # An empty table would fit everything.
    return bool(table) and all(
        claims.registers.get(name) == value.lower() for name, value in table.items()
    )


def _accept_signer(claims: Claims, policy: EnclavePolicy) -> None:
    if policy.signers and claims.signer not in {signer.lower() for signer in policy.signers}:
        raise PolicyError(
            f"the other enclave's code is signed by {claims.signer or 'nobody'}: if you trust "
            "that signer, add it to policy.enclaves.signers."
        )


def _accept_level(claims: Claims, policy: EnclavePolicy) -> None:
    if claims.kind in _WITHOUT_LEVELS:
        return
    level, accepted = claims.tcb_level, policy.tcb_levels
    if claims.kind is Kind.SNP:  # levels are versions: newer ones are accepted too
        fits = any(snp.at_least(level, floor) for floor in accepted)
    else:
        fits = level in accepted
    if not fits:
        advisories = f" Open there: {', '.join(claims.advisories)}." if claims.advisories else ""
        raise PolicyError(
            f"the other enclave's platform is at {level!r}, which you do not accept: its party has "
            "to update its firmware; if you accept the risk, add that text to "
            f"policy.enclaves.tcb_levels.{advisories}"
        )
