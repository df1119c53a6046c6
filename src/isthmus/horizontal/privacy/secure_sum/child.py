"""The child's role in a secure sum: it sends its update under masks."""

import hashlib
from collections.abc import Callable, Mapping

from isthmus.core.errors import PeerError
from isthmus.horizontal.messages import RoundStart, Turn
from isthmus.horizontal.privacy.messages import (
    MaskedUpdate,
    Opening,
    Participants,
    SealedShares,
    Survivors,
)
from isthmus.horizontal.privacy.secure_sum.cohort import Cohort
from isthmus.horizontal.privacy.secure_sum.keyring import Keyring, PairKeys, Shares, common_masks
from isthmus.horizontal.privacy.secure_sum.masking import Words
from isthmus.horizontal.privacy.spec import SecureAggregation
from isthmus.transport.channel import Channel

Commit = Callable[[str], None]
"""Stores the identity of the sum to open; raises if another one of the round was opened before."""


def send_masked_update(
    master: Channel,
    start: RoundStart,
    make_words: Callable[[Cohort, str], Words],
    metrics: Mapping[str, float],
    spec: SecureAggregation,
    commit: Commit,
) -> Turn:
    """Add our update to a weighted sum, without showing it to the master.

    The master learns the weighted sum of all updates in it, and the metrics of each child. Two
    neighbours share a mask, which one adds and the other subtracts; each child adds one more mask
    of its own. Once it is known whose updates arrived, the children send shares of the own masks
    of these children, and of the keys of those who dropped out. They never send both of one child,
    so no single update can be unmasked. Only children that started the round from the same
    parameters can read each other's shares. Assumptions: docs/security.md.

    Args:
        master: The line to the master.
        start: The message that started the round.
        make_words: Makes our part of the sum from who takes part and our name in it.
        metrics: Of training.
        spec: What the job says.
        commit: Stores that we open this sum in this round and no other.

    Returns:
        The next turn, after our part is done or the sum goes on without us.

    Raises:
        PeerError: The master asks for something that would reveal more than such a sum.

    Source:
        Bonawitz et al. 2017 (CCS), "Practical secure aggregation", for parties that are honest but
        curious, with thresholds above one half; neighbours: Bell et al. 2020 (CCS), SecAgg+.
    """
    # 1. Make keys for this sum, and send their public halves.
    number, keyring = start.round, Keyring()
    master.send(keyring.introduce(number, metrics))

    # 2. See who takes part; share our secrets among our neighbours, each sealed for one of them.
    if (turn := master.receive(Turn)).task != "share":
        return turn
    cohort = _cohort(master, start, spec)
    name = _our_name(master, cohort, keyring)
    pairs = _pair_keys(master, cohort, name, keyring)
    shares = keyring.shares(cohort, name)
    sealed = {child: shares[child].sealed(pair) for child, pair in pairs.items()}
    master.send(SealedShares(round=number, sealed=sealed))

    # 3. Take our neighbours' shares, and send our weighted update under masks.
    if (turn := master.receive(Turn)).task != "mask":
        return turn
    held = _unsealed(master, cohort.threshold(name), pairs)
    words = make_words(cohort, name)
    words += keyring.own_mask(len(words))
    words += common_masks(name, {child: pairs[child].mask for child in held}, len(words))
    master.send(MaskedUpdate(round=number, values=words))

    # 4. See whose updates arrived; open their sum, once.
    if (turn := master.receive(Turn)).task != "open":
        return turn
    present = _survivors(master, cohort, name, held)
    commit(_identity(cohort, present))
    held[name] = shares[name]
    master.send(_opening(number, held, present))
    return master.receive(Turn)


def _cohort(master: Channel, start: RoundStart, spec: SecureAggregation) -> Cohort:
    participants = master.receive(Participants)
    if participants.round != start.round:
        raise _refusal(
            master, f"sums round {participants.round}, and we are in round {start.round}"
        )
    cohort = Cohort(participants, start.parameters, spec)
    if flaw := cohort.flaw(cohort.children):
        raise _refusal(master, f"asks for a sum that would tell too much: {flaw}")
    return cohort


def _our_name(master: Channel, cohort: Cohort, keyring: Keyring) -> str:
    names = [child for child, keys in cohort.keys.items() if keys == keyring.public]
    if len(names) != 1:
        raise _refusal(master, "names participants of whom we are not exactly one")
    return names[0]


def _pair_keys(master: Channel, cohort: Cohort, name: str, keyring: Keyring) -> dict[str, PairKeys]:
    try:
        return keyring.pair_keys(cohort, name)
    except ValueError:
        raise _refusal(master, "hands us public keys that are none") from None


def _unsealed(master: Channel, threshold: int, pairs: Mapping[str, PairKeys]) -> dict[str, Shares]:
    notes = master.receive(SealedShares).sealed
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


def _survivors(master: Channel, cohort: Cohort, name: str, held: Mapping[str, Shares]) -> set[str]:
    present = set(master.receive(Survivors).children)
    if name not in present:
        raise _refusal(master, "wants us to open a sum that we are not in")
    if flaw := cohort.flaw(present):
        raise _refusal(master, f"wants us to open a sum that would tell too much: {flaw}")
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
