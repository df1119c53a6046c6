"""The master's part in the sum of a round: it sees updates under masks, and their sum."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice
from typing import Literal, Protocol

import numpy as np

from isthmus.core.errors import ChannelError, PeerError
from isthmus.crypto.agreement import KeyPair
from isthmus.crypto.secret_sharing import combine
from isthmus.horizontal.parameters import Layout, Parameters, Vector
from isthmus.horizontal.privacy.assembly import Assembly
from isthmus.horizontal.privacy.keyring import common_masks, digest, mask_key
from isthmus.horizontal.privacy.masking import Words, mask, to_mean
from isthmus.horizontal.privacy.messages import (
    MaskedUpdate,
    MaskKeys,
    Opening,
    Participants,
    SealedShares,
    Survivors,
)
from isthmus.horizontal.privacy.spec import SecureAggregation
from isthmus.transport.message import Message, MessageT

_TRIALS = 100  # of shares that are put together, when some may be false

Step = Literal["share", "mask", "open"]


class Exchange(Protocol):
    """Asks children and takes what they answer in time; who does not is no longer in the sum."""

    def __call__(
        self,
        step: Step,
        questions: Mapping[str, Message],
        answer: type[MessageT],
        examine: Callable[[str, MessageT], str],
    ) -> dict[str, MessageT]:
        """Ask.

        Args:
            step: What the children's turn is.
            questions: By child.
            answer: The type of each answer.
            examine: Says in one clause why a child's answer is refused, or nothing.

        Returns:
            Answers, by child.
        """
        ...


@dataclass(frozen=True)
class VeiledSum:
    """What the master has of the updates of a round."""

    mean: Vector
    """The weighted mean of the updates in it, shape (size,)."""

    weights: Mapping[str, float]
    """What each child counts for in it, sum 1; who is not named dropped out."""

    digests: Mapping[str, str]
    """SHA-256 of what came from each of these children: its update under masks."""


def veiled_sum(
    exchange: Exchange,
    offers: Mapping[str, MaskKeys],
    weights: Mapping[str, float],
    start: Parameters,
    spec: SecureAggregation,
    quorum: int,
) -> VeiledSum:
    """Get the weighted mean of updates that we do not see, from children that have trained.

    We learn that mean and what each child counts for; a child learns who takes part and with which
    weights. See `veil.py` for what the masks are.

    Args:
        exchange: Asks the children.
        offers: What each child has offered its update with; all of the same round.
        weights: What each child counts for, sum 1 at most.
        start: What children started the round from.
        spec: What the job says.
        quorum: Updates that the sum needs; with fewer it is not opened.

    Returns:
        The mean over all children that did not drop out on the way.

    Raises:
        ChannelError: Too many dropped out for what remains to tell nothing of single updates, or
            to be opened.
        PeerError: The secrets that children put together are not those of the masks.

    Source:
        Bonawitz et al. 2017 (CCS), "Practical secure aggregation"; Bell et al. 2020 (CCS), SecAgg+.
    """
    (number,) = {offer.round for offer in offers.values()}
    size = Layout.of(start).size

    # 1. Say who takes part; each child shares its secrets among its neighbours.
    keys = {child: offer.keys for child, offer in offers.items()}
    participants = Participants(round=number, keys=keys, weights=dict(weights))
    assembly = Assembly(participants, start, spec)
    _check(assembly, assembly.children)
    questions = dict.fromkeys(assembly.children, participants)
    shared = exchange("share", questions, SealedShares, partial(_flaw_of_shares, assembly))

    # 2. Hand each child the shares for it; each sends its update under masks.
    _check(assembly, shared)
    relayed = {child: _relayed(assembly, child, shared) for child in shared}
    masked = exchange("mask", relayed, MaskedUpdate, partial(_flaw_of_words, assembly, size))

    # 3. Say whose updates arrived; each opens their sum.
    gone = shared.keys() - masked.keys()
    _check(assembly, masked, gone, quorum)
    survivors = dict.fromkeys(masked, Survivors(round=number, children=sorted(masked)))
    openings = exchange("open", survivors, Opening, partial(_flaw_of_opening, relayed, masked))

    # 4. Take off the masks of those who are in it, and of those who dropped out.
    total = np.zeros(size, np.uint32)
    for child in sorted(masked):
        total += masked[child].values
        total -= mask(_seed(assembly, child, offers[child], openings), size)
    for child in gone:
        total += _left_behind(assembly, child, openings, masked, size)

    weight = sum(weights[child] for child in masked)
    return VeiledSum(
        mean=to_mean(total, weight, spec.largest_norm),
        weights={child: weights[child] / weight for child in sorted(masked)},
        digests={child: hashlib.sha256(masked[child].values.data).hexdigest() for child in masked},
    )


def _relayed(assembly: Assembly, child: str, shared: Mapping[str, SealedShares]) -> SealedShares:
    notes = {it: shared[it].sealed[child] for it in assembly.neighbours(child) if it in shared}
    return SealedShares(round=assembly.round, sealed=notes)


def _flaw_of_shares(assembly: Assembly, child: str, shares: SealedShares) -> str:
    if shares.round != assembly.round:
        return f"it sent shares of round {shares.round} where round {assembly.round} was due"
    if shares.sealed.keys() != set(assembly.neighbours(child)):
        return "it sent shares for other children than its neighbours"
    return ""


def _flaw_of_words(assembly: Assembly, size: int, _child: str, masked: MaskedUpdate) -> str:
    if masked.round != assembly.round:
        return f"it sent an update of round {masked.round} where round {assembly.round} was due"
    if masked.values.shape != (size,):
        return f"its update under masks has shape {masked.values.shape} where {(size,)} was due"
    return ""


def _flaw_of_opening(
    relayed: Mapping[str, SealedShares], present: Collection[str], child: str, opening: Opening
) -> str:
    held = {child, *relayed[child].sealed}
    if opening.round != relayed[child].round:
        return f"it opens round {opening.round} where round {relayed[child].round} was due"
    if opening.seeds.keys() != held & set(present) or opening.keys.keys() != held - set(present):
        return "it opens other masks than those that it was asked for"
    return ""


def _seed(
    assembly: Assembly, child: str, offer: MaskKeys, openings: Mapping[str, Opening]
) -> bytes:
    # What the own mask of the child is made of.
    shares = {it: its.seeds[child] for it, its in openings.items() if child in its.seeds}
    return _combined(assembly, child, shares, lambda secret: digest(secret) == offer.seed)


def _left_behind(
    assembly: Assembly,
    child: str,
    openings: Mapping[str, Opening],
    present: Collection[str],
    size: int,
) -> Words:
    # What takes off the masks that others have in common with a child that dropped out.
    shares = {it: its.keys[child] for it, its in openings.items() if child in its.keys}
    public = assembly.keys[child].masking
    secret = _combined(assembly, child, shares, lambda secret: KeyPair(secret).public == public)
    others = [it for it in assembly.neighbours(child) if it in present]
    keys = {other: mask_key(KeyPair(secret), assembly, other) for other in others}
    return common_masks(child, keys, size)


def _combined(
    assembly: Assembly, child: str, shares: Mapping[str, bytes], fits: Callable[[bytes], bool]
) -> bytes:
    # A secret of the child, from as many of its shares as that takes; some may be false.
    due, holders = assembly.threshold(child), assembly.holders(child)
    if len(shares) < due:
        raise _failure(assembly, f"{len(shares)} of the {due} who can open {child!r} answered")
    for some in islice(combinations(sorted(shares), due), _TRIALS):
        secret = combine({holders.index(it): shares[it] for it in some})
        if fits(secret):
            return secret
    raise PeerError(
        f"the shares of the masks of {child!r} do not fit: {child!r} or one of its neighbours has "
        "sent false ones, and the sum is lost. Ask what runs there; without it, train from the "
        "beginning."
    )


def _check(
    assembly: Assembly, present: Collection[str], gone: Collection[str] = (), quorum: int = 0
) -> None:
    if flaw := assembly.flaw(present, gone):
        raise _failure(assembly, flaw)
    if len(present) < quorum:
        raise _failure(assembly, f"{len(present)} of at least {quorum} updates are there")


def _failure(assembly: Assembly, why: str) -> ChannelError:
    return ChannelError(
        f"the updates of round {assembly.round} cannot be summed: {why}. Look after the children "
        "that are missing, then run the same command again on all sides, with the same children: "
        "it goes on where it stopped. If none is missing, agree on other bounds in the job."
    )
