"""The child's part in the sum of a round: its update leaves under masks."""

import hashlib
from collections.abc import Callable, Mapping

from isthmus.core.errors import PeerError
from isthmus.horizontal.messages import RoundStart, Turn
from isthmus.horizontal.parameters import Vector
from isthmus.horizontal.privacy.assembly import Assembly
from isthmus.horizontal.privacy.keyring import Keyring, Line, Shares, common_masks
from isthmus.horizontal.privacy.masking import to_words
from isthmus.horizontal.privacy.messages import (
    MaskedUpdate,
    Opening,
    Participants,
    SealedShares,
    Survivors,
)
from isthmus.horizontal.privacy.spec import SecureAggregation
from isthmus.transport.channel import Channel

Promise = Callable[[str], None]
"""Takes what identifies a sum and keeps it; raises where another one of the round was opened."""


def veil(
    master: Channel,
    start: RoundStart,
    update: Vector,
    metrics: Mapping[str, float],
    spec: SecureAggregation,
    promise: Promise,
) -> Turn:
    """Give our update to a sum in which the master does not see it.

    The master learns the weighted sum of all updates in it, and the metrics of each child. Two
    neighbours have a mask in common, which one adds and the other subtracts; each child adds one
    more of its own. When it is known whose updates arrived, the children give shares of the own
    masks of these, and of the common masks of those who dropped out: of no child both, so that no
    update by itself comes out from under its masks. Only children that the master let start from
    the same parameters can read each other's shares. What this rests on: docs/security.md.

    Args:
        master: The line to it.
        start: What the round began with.
        update: Shape (size,).
        metrics: Of training.
        spec: What the job says.
        promise: Keeps that we open this sum in this round and no other.

    Returns:
        The turn that follows, when we have done our part or are left out.

    Raises:
        PeerError: The master asks for something that would tell more than such a sum.

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
    assembly = _assembly(master, start, spec)
    name = _our_name(master, assembly, keyring)
    lines = _lines(master, assembly, name, keyring)
    shares = keyring.shares(assembly, name)
    sealed = {child: shares[child].sealed(line) for child, line in lines.items()}
    master.send(SealedShares(round=number, sealed=sealed))

    # 3. Take our neighbours' shares, and send our weighted update under masks.
    if (turn := master.receive(Turn)).task != "mask":
        return turn
    held = _unsealed(master, assembly.threshold(name), lines)
    words = to_words(update, assembly.weights[name], spec.largest_norm)
    words += keyring.own_mask(len(words))
    words += common_masks(name, {child: lines[child].mask for child in held}, len(words))
    master.send(MaskedUpdate(round=number, values=words))

    # 4. See whose updates arrived; open their sum, once.
    if (turn := master.receive(Turn)).task != "open":
        return turn
    present = _survivors(master, assembly, name, held)
    promise(_identity(assembly, present))
    held[name] = shares[name]
    master.send(_opening(number, held, present))
    return master.receive(Turn)


def _assembly(master: Channel, start: RoundStart, spec: SecureAggregation) -> Assembly:
    participants = master.receive(Participants)
    if participants.round != start.round:
        raise _refusal(
            master, f"sums round {participants.round}, and we are in round {start.round}"
        )
    assembly = Assembly(participants, start.parameters, spec)
    if flaw := assembly.flaw(assembly.children):
        raise _refusal(master, f"asks for a sum that would tell too much: {flaw}")
    return assembly


def _our_name(master: Channel, assembly: Assembly, keyring: Keyring) -> str:
    names = [child for child, keys in assembly.keys.items() if keys == keyring.public]
    if len(names) != 1:
        raise _refusal(master, "names participants of whom we are not exactly one")
    return names[0]


def _lines(master: Channel, assembly: Assembly, name: str, keyring: Keyring) -> dict[str, Line]:
    try:
        return keyring.lines(assembly, name)
    except ValueError:
        raise _refusal(master, "hands us public keys that are none") from None


def _unsealed(master: Channel, threshold: int, lines: Mapping[str, Line]) -> dict[str, Shares]:
    notes = master.receive(SealedShares).sealed
    if not notes.keys() <= lines.keys():
        raise _refusal(master, "hands us shares of children that are not our neighbours")
    if 1 + len(notes) < threshold:
        raise _refusal(master, "goes on with too few of our neighbours")
    try:
        return {child: Shares.unsealed(note, lines[child]) for child, note in notes.items()}
    except ValueError:
        raise _refusal(
            master,
            "hands us shares that were not sealed for us in this sum, or come from a child that it "
            "gave other parameters to start from",
        ) from None


def _survivors(
    master: Channel, assembly: Assembly, name: str, held: Mapping[str, Shares]
) -> set[str]:
    present = set(master.receive(Survivors).children)
    if name not in present:
        raise _refusal(master, "wants us to open a sum that we are not in")
    if flaw := assembly.flaw(present):
        raise _refusal(master, f"wants us to open a sum that would tell too much: {flaw}")
    if not present.intersection(assembly.neighbours(name)) <= held.keys():
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


def _identity(assembly: Assembly, present: set[str]) -> str:
    """SHA-256 of who is in a sum and counts for what: equal sums of equal updates tell no more."""
    weights = [(child, assembly.weights[child]) for child in sorted(present)]
    return hashlib.sha256(repr(weights).encode()).hexdigest()


def _refusal(master: Channel, what: str) -> PeerError:
    return PeerError(
        f"{master.peer!r} {what}. Nothing more of our update leaves; ask what runs there."
    )
