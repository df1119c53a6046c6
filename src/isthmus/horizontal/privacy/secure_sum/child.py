"""The child's role in a secure sum: it sends its update under masks."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from isthmus.core.errors import PeerError
from isthmus.horizontal.messages import RoundStart, Turn
from isthmus.horizontal.parameters import digest
from isthmus.horizontal.privacy.messages import (
    MaskedUpdate,
    Opening,
    Participants,
    SealedShares,
    Survivors,
)
from isthmus.horizontal.privacy.secure_sum.cohort import Cohort
from isthmus.horizontal.privacy.secure_sum.identity import Identity
from isthmus.horizontal.privacy.secure_sum.keyring import Keyring, PairKeys, Shares, common_masks
from isthmus.horizontal.privacy.secure_sum.masking import Words
from isthmus.horizontal.privacy.spec import SecureAggregation
from isthmus.transport.channel import Channel

Commit = Callable[[str], None]
"""Stores the identity of the sum to open; raises if another one of the round was opened before."""


@dataclass(frozen=True)
class Part:
    """Our part of a sum."""

    words: Callable[[Cohort, str], Words]
    """From the cohort of the sum and our name to what we add."""

    metrics: Mapping[str, float]
    """Of training."""

    commit: Commit


def send_masked_update(
    master: Channel, start: RoundStart, part: Part, spec: SecureAggregation, identity: Identity
) -> Turn:
    """Add our update to a weighted sum, without showing it to the master.

    The master learns the weighted sum of all updates in it, and the metrics of each child. Two
    neighbours share a mask, which one adds and the other subtracts; each child adds one more mask
    of its own. Once it is known whose updates arrived, the children send shares of the own masks
    of these children, and of the keys of those who dropped out. They never send both of one child,
    so no single update can be unmasked. Only children that started the round from the same
    parameters can read each other's shares. Every key is signed by a child of the job, and so is
    the whole sum: a master cannot play children itself. Assumptions: docs/security.md.

    Args:
        master: The line to the master.
        start: The message that started the round.
        part: What we add to the sum.
        spec: What the job says.
        identity: Who we are, and by what we know the others.

    Returns:
        The next turn, after our part is done or the sum goes on without us.

    Raises:
        PeerError: The master asks for something that would reveal more than such a sum.

    Source:
        Bonawitz et al. 2017 (CCS), "Practical secure aggregation", with signed keys and thresholds
        above one half; neighbours: Bell et al. 2020 (CCS), SecAgg+.
    """
    # 1. Make keys for this sum, and send their public halves, signed.
    number, keyring, base = start.round, Keyring(), digest(start.parameters)
    master.send(keyring.introduce(number, base, part.metrics, identity))

    # 2. See who takes part, and that all are children of the job; sign for this sum, and share our
    #    secrets among our neighbours, each sealed for one of them.
    if (turn := master.receive(Turn)).task != "share":
        return turn
    participants = _participants(master, number, keyring, base, identity)
    cohort, name = _cohort(master, participants, start, spec), identity.party
    pairs = _pair_keys(master, cohort, name, keyring)
    shares = keyring.shares(cohort, name)
    sealed = {child: shares[child].sealed(pair) for child, pair in pairs.items()}
    signatures = {name: identity.sign_sum(cohort.context)}
    master.send(SealedShares(round=number, sealed=sealed, signatures=signatures))

    # 3. See who has signed, take our neighbours' shares, and send our weighted update under masks.
    if (turn := master.receive(Turn)).task != "mask":
        return turn
    relayed = master.receive(SealedShares)
    signed = _signed(master, relayed, participants, cohort, identity)
    held = _unsealed(master, relayed.sealed, cohort.threshold(name), pairs)
    words = part.words(cohort, name)
    words += keyring.own_mask(len(words))
    words += common_masks(name, {child: pairs[child].mask for child in held}, len(words))
    master.send(MaskedUpdate(round=number, values=words))

    # 4. See whose updates arrived; open their sum, once.
    if (turn := master.receive(Turn)).task != "open":
        return turn
    present = _survivors(master, cohort, name, held, signed)
    part.commit(_identity(cohort, present))
    held[name] = shares[name]
    master.send(_opening(number, held, present))
    return master.receive(Turn)


def _participants(
    master: Channel, number: int, keyring: Keyring, base: str, identity: Identity
) -> Participants:
    found = master.receive(Participants)
    if found.round != number:
        raise _refusal(master, f"sums round {found.round}, and we are in round {number}")
    if found.keys.get(identity.party) != keyring.public:
        raise _refusal(master, "asks for a sum that does not have our keys in it")
    for child, keys in sorted(found.keys.items()):
        if child not in identity.fingerprints:
            raise _refusal(master, f"has {child!r} take part, who is no child of the job")
        certificate, signature = found.certificates.get(child), found.signatures.get(child)
        signed = (
            certificate is not None
            and signature is not None
            and identity.has_signed_keys(child, certificate, signature, number, base, keys)
        )
        if not signed:
            raise _refusal(
                master,
                f"hands us keys of {child!r} that are not signed, for this round of this job, with "
                f"the certificate whose fingerprint we have of {child!r}",
            )
    return found


def _signed(
    master: Channel,
    relayed: SealedShares,
    participants: Participants,
    cohort: Cohort,
    identity: Identity,
) -> set[str]:
    for child, signature in sorted(relayed.signatures.items()):
        certificate = participants.certificates.get(child)
        if certificate is None or not identity.has_signed_sum(
            child, certificate, signature, cohort.context
        ):
            raise _refusal(master, f"hands us a signature of {child!r} that is not for this sum")
    signed = {identity.party, *relayed.signatures}
    if flaw := cohort.flaw(signed):
        raise _refusal(master, f"goes on with a sum that would tell too much: {flaw}")
    return signed


def _cohort(
    master: Channel, participants: Participants, start: RoundStart, spec: SecureAggregation
) -> Cohort:
    cohort = Cohort(participants, start.parameters, spec)
    if flaw := cohort.flaw(cohort.children):
        raise _refusal(master, f"asks for a sum that would tell too much: {flaw}")
    return cohort


def _pair_keys(master: Channel, cohort: Cohort, name: str, keyring: Keyring) -> dict[str, PairKeys]:
    try:
        return keyring.pair_keys(cohort, name)
    except ValueError:
        raise _refusal(master, "hands us public keys that are none") from None


def _unsealed(
    master: Channel, notes: Mapping[str, bytes], threshold: int, pairs: Mapping[str, PairKeys]
) -> dict[str, Shares]:
    if not notes.keys() <= pairs.keys():
        raise _refusal(master, "hands us shares of children that are not our neighbours")
    if 1 + len(notes) < threshold:
        raise _refusal(master, "goes on with too few of our neighbours")
    try:
        return {child: Shares.unsealed(note, pairs[child]) for child, note in notes.items()}
    except ValueError:
        raise _refusal(
            master,
            "hands us shares that were not sealed for us in this sum, or come from a child that it "
            "gave other parameters to start from",
        ) from None


def _survivors(
    master: Channel, cohort: Cohort, name: str, held: Mapping[str, Shares], signed: set[str]
) -> set[str]:
    present = set(master.receive(Survivors).children)
    if name not in present:
        raise _refusal(master, "wants us to open a sum that we are not in")
    if flaw := cohort.flaw(present):
        raise _refusal(master, f"wants us to open a sum that would tell too much: {flaw}")
    if unsigned := sorted(present - signed):
        raise _refusal(master, f"wants us to open a sum that {unsigned[0]!r} has not signed for")
    if not present.intersection(cohort.neighbours(name)) <= held.keys():
        # We have no mask in common with those: they are in another sum.
        raise _refusal(
            master, "wants us to open a sum with neighbours whose shares it kept from us"
        )
    return present


def _opening(number: int, held: dict[str, Shares], present: set[str]) -> Opening:
    return Opening(
        round=number,
        seeds={child: its.seed for child, its in held.items() if child in present},
        keys={child: its.key for child, its in held.items() if child not in present},
    )


def _identity(cohort: Cohort, present: set[str]) -> str:
    """Returns SHA-256 of children and weights of a sum: to open an equal sum reveals no more."""
    weights = [(child, cohort.weights[child]) for child in sorted(present)]
    return hashlib.sha256(repr(weights).encode()).hexdigest()


def _refusal(master: Channel, what: str) -> PeerError:
    return PeerError(
        f"{master.peer!r} {what}. Nothing more of our update leaves; ask what runs there."
    )
