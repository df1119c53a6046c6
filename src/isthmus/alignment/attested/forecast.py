"""Forecast of the messages of an attested alignment."""

from isthmus.alignment.attested import messages
from isthmus.alignment.attested.buckets import bucket_count, frame_count, padded
from isthmus.alignment.attested.spec import AttestedAlignment
from isthmus.crypto.certificates import SIGNATURE_BYTES
from isthmus.crypto.sealing import FRAME_BYTES
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.tee.evidence import Evidence, Kind

_EVIDENCE_BYTES = 1_536
"""Evidence of a simulated enclave; that of a real one has 4 to 20 KiB."""


def forecast(
    spec: AttestedAlignment, sizes: Sizes, first: str = "active", other: str = "passive"
) -> list[Flow]:
    """Forecast the messages between the first party of an alignment and one other.

    Args:
        spec: The `[alignment]` table, with `results` by role.
        sizes: Rows of both parties.
        first: The first party's role in the job.
        other: The other party's role in the job.

    Returns:
        The flows of both parties.
    """
    rows = {role: padded(sizes.rows[role], spec.rows_step) for role in (first, other)}
    frame = bytes(FRAME_BYTES)
    evidence = Evidence(kind=Kind.SIMULATED, document=bytes(_EVIDENCE_BYTES))
    signature = bytes(SIGNATURE_BYTES)
    challenge = messages.Challenge(nonce=bytes(32), key=bytes(32), signature=signature)
    flows = list[Flow]()
    for role in (first, other):
        flows += [
            Flow(role, messages.PaddedRowCount(rows=rows[role]), 1),
            Flow(role, challenge, 1),
            Flow(role, messages.EnclaveEvidence(evidence=evidence), 1),
        ]
    flows += [
        Flow(other, messages.SealedSeed(frame=frame), 1),
        Flow(first, messages.SealedKey(frame=frame), 1),
        Flow(other, messages.SealedIdentifiers(frame=frame), bucket_count(rows[other])),
        Flow(first, messages.SealedVerdict(frame=frame), 1),
    ]
    if spec.results.get(other, "rows") == "rows":
        positions = messages.SealedPositions(frame=frame)
        flows.append(Flow(first, positions, frame_count(rows[other])))
    return flows
