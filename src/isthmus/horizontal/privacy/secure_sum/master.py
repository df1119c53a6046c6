"""The master's role in a secure sum: it sees updates under masks, and their sum."""

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
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.privacy.messages import (
    MaskedUpdate,
    MaskKeys,
    Opening,
    Participants,
    SealedShares,
    Survivors,
)
from isthmus.horizontal.privacy.secure_sum.cohort import Cohort
from isthmus.horizontal.privacy.secure_sum.keyring import common_masks, digest, mask_key
from isthmus.horizontal.privacy.secure_sum.masking import Words, mask
from isthmus.horizontal.privacy.spec import SecureAggregation
from isthmus.transport.message import Message, MessageT

_TRIALS = 100  # combinations of shares to try, when some may be false

Step = Literal["share", "mask", "open"]


class Exchange(Protocol):
    """Sends one step to children and collects the answers that arrive in time."""

    def __call__(
        self,
        step: Step,
        questions: Mapping[str, Message],
        answer: type[MessageT],
        examine: Callable[[str, MessageT], str],
    ) -> dict[str, MessageT]:
        """Do one step; a child that does not answer in time is no longer in the sum.

        Args:
            step: The step, as children are told it.
            questions: What to send, by child.
            answer: The type of each answer.
            examine: Returns in one clause why a child's answer is refused, or an empty string.

        Returns:
            Answers, by child.
        """
        ...


@dataclass(frozen=True)
class Terms:
    """What is known of a sum before anybody takes part."""

    start: Parameters
    """The parameters that children started the round from."""

    size: int
    """Numbers in it."""

    spec: SecureAggregation
    quorum: int
    """Least number of children in it; with fewer it is not opened."""


@dataclass(frozen=True)
class UnmaskedSum:
    """The sum of a round after the masks are removed."""

    total: Words
    """The sum, shape (size,)."""

    asked: int
    """Number of children that were to be in it."""

    weight: float
    """What the children in it count for together, of all that were to be."""

    weights: Mapping[str, float]
    """Weight of each child in it; they sum to 1. A child that is not named dropped out."""

    digests: Mapping[str, str]
    """SHA-256 of the masked update of each of these children."""


def secure_sum(
    exchange: Exchange,
    offers: Mapping[str, MaskKeys],
    weights: Mapping[str, float],
    terms: Terms,
) -> UnmaskedSum:
    """Compute the sum of what children send without seeing any of it.

    We learn that sum and the weight of each child; a child learns who takes part and with which
    weights. See `child.py` for what the masks are.

    Args:
        exchange: Sends a step to children and collects their answers.
        offers: The keys that each child offered its update with; all of the same round.
        weights: Weight of each child; they sum to 1 at most.
        terms: Of the sum.

    Returns:
        The sum over all children that did not drop out on the way.

    Raises:
        ChannelError: So many dropped out that the sum would reveal single updates, or cannot be
            opened.
        PeerError: The shares of children do not recover the secrets of the masks.

    Source:
        Bonawitz et al. 2017 (CCS), "Practical secure aggregation"; Bell et al. 2020 (CCS), SecAgg+.
    """
    (number,) = {offer.round for offer in offers.values()}
    size = terms.size

    # 1. Say who takes part; each child verifies the others, and shares its secrets among its
    #    neighbours.
    participants = Participants(
        round=number,
        keys={child: it.keys for child, it in offers.items()},
        certificates={child: it.certificate for child, it in offers.items()},
        signatures={child: it.signature for child, it in offers.items()},
        weights=dict(weights),
    )
    cohort = Cohort(participants, terms.start, terms.spec)
    _check(cohort, cohort.children)
    questions = dict.fromkeys(cohort.children, participants)
    shared = exchange("share", questions, SealedShares, partial(_flaw_of_shares, cohort))

    # 2. Hand each child the shares for it, and who has signed; each sends its update under masks.
    _check(cohort, shared)
    relayed = {child: _relayed(cohort, child, shared) for child in shared}
    masked = exchange("mask", relayed, MaskedUpdate, partial(_flaw_of_words, cohort, size))

    # 3. Say whose updates arrived; each opens their sum.
    gone = shared.keys() - masked.keys()
    _check(cohort, masked, gone, terms.quorum)
    survivors = dict.fromkeys(masked, Survivors(round=number, children=sorted(masked)))
    openings = exchange("open", survivors, Opening, partial(_flaw_of_opening, relayed, masked))

    # 4. Take off the masks of those who are in it, and of those who dropped out.
    total = np.zeros(size, np.uint32)
    for child in sorted(masked):
        total += masked[child].values
        total -= mask(_seed(cohort, child, offers[child], openings), size)
    for child in gone:
        total += _left_behind(cohort, child, openings, masked, size)

    weight = sum(weights[child] for child in masked)
    return UnmaskedSum(
        total=total,
        asked=len(cohort.children),
        weight=weight,
        weights={child: weights[child] / weight for child in sorted(masked)},
        digests={child: hashlib.sha256(masked[child].values.data).hexdigest() for child in masked},
    )


def _relayed(cohort: Cohort, child: str, shared: Mapping[str, SealedShares]) -> SealedShares:
    notes = {it: shared[it].sealed[child] for it in cohort.neighbours(child) if it in shared}
    signatures = {it: shares.signatures[it] for it, shares in shared.items()}
    return SealedShares(round=cohort.round, sealed=notes, signatures=signatures)


def _flaw_of_shares(cohort: Cohort, child: str, shares: SealedShares) -> str:
    if shares.round != cohort.round:
        return f"it sent shares of round {shares.round} where round {cohort.round} was due"
    if shares.sealed.keys() != set(cohort.neighbours(child)):
        return "it sent shares for other children than its neighbours"
    if shares.signatures.keys() != {child}:
        return "it sent signatures of others than itself"
    return ""


def _flaw_of_words(cohort: Cohort, size: int, _child: str, masked: MaskedUpdate) -> str:
    if masked.round != cohort.round:
        return f"it sent an update of round {masked.round} where round {cohort.round} was due"
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


def _seed(cohort: Cohort, child: str, offer: MaskKeys, openings: Mapping[str, Opening]) -> bytes:
    # The seed of the child's own mask.
    shares = {it: its.seeds[child] for it, its in openings.items() if child in its.seeds}
    return _combined(cohort, child, shares, lambda secret: digest(secret) == offer.seed)


def _left_behind(
    cohort: Cohort,
    child: str,
    openings: Mapping[str, Opening],
    present: Collection[str],
    size: int,
) -> Words:
    # What removes the masks that others share with a child that dropped out.
    shares = {it: its.keys[child] for it, its in openings.items() if child in its.keys}
    public = cohort.keys[child].masking
    secret = _combined(cohort, child, shares, lambda secret: KeyPair(secret).public == public)
    others = [it for it in cohort.neighbours(child) if it in present]
    keys = {other: mask_key(KeyPair(secret), cohort, other) for other in others}
    return common_masks(child, keys, size)


def _combined(
    cohort: Cohort, child: str, shares: Mapping[str, bytes], fits: Callable[[bytes], bool]
) -> bytes:
    # Recovers a secret of the child from its shares; some of them may be false.
    due, holders = cohort.threshold(child), cohort.holders(child)
    if len(shares) < due:
        raise _failure(cohort, f"{len(shares)} of the {due} who can open {child!r} answered")
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
    cohort: Cohort, present: Collection[str], gone: Collection[str] = (), quorum: int = 0
) -> None:
    if flaw := cohort.flaw(present, gone):
        raise _failure(cohort, flaw)
    if len(present) < quorum:
        raise _failure(cohort, f"{len(present)} of at least {quorum} updates are there")


def _failure(cohort: Cohort, why: str) -> ChannelError:
    return ChannelError(
        f"the updates of round {cohort.round} cannot be summed: {why}. Look after the children "
        "that are missing, then run the same command again on all sides, with the same children: "
        "it goes on where it stopped. If none is missing, agree on other bounds in the job."
    )
