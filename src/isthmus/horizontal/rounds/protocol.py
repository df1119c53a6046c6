"""The round protocol of a master and its children, whatever is trained and whatever carries it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from isthmus.core.errors import JobError, PeerError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.messages import (
    Confirmation,
    EncoderRequest,
    Instruction,
    Kept,
    Published,
    Reason,
    RoundStart,
    Turn,
)
from isthmus.horizontal.parameters import Layout, Parameters, digest, misfit
from isthmus.horizontal.privacy.secure_sum.child import Part, send_masked_update
from isthmus.horizontal.privacy.secure_sum.identity import Identity
from isthmus.horizontal.privacy.secure_sum.master import Terms, secure_sum
from isthmus.horizontal.privacy.secure_sum.weighted import weighted_mean, weighted_words
from isthmus.horizontal.rounds import updates
from isthmus.horizontal.rounds.children import Children
from isthmus.horizontal.rounds.inbox import Inbox
from isthmus.horizontal.rounds.local_training import LocalTrainer, MakeTrainer
from isthmus.horizontal.rounds.memory import ChildMemory, MasterMemory
from isthmus.horizontal.rounds.training import (
    Fuse,
    MaskedContribution,
    Round,
    SecureRule,
    SecureSum,
    Training,
    TrainingState,
)
from isthmus.horizontal.rounds.vocabulary import (
    agree,
    count_words,
    name_words,
    take_vocabulary,
)
from isthmus.horizontal.spec import Rounds
from isthmus.horizontal.tables import Tables
from isthmus.transport.channel import Channel
from isthmus.transport.message import one_line

OFFER = 15.0
"""Seconds in which children that are away when training ends can come for the result: they may
have less."""


@dataclass(frozen=True)
class Trained:
    """The result of training at the master."""

    parameters: Parameters
    model: str
    """SHA-256 of the parameters."""

    rounds: tuple[Round, ...]
    holders: tuple[str, ...]
    """Children that have confirmed that they have the parameters."""

    vocabulary: bytes = b""
    """The file `tokenizer.json`, where all agreed on one."""


@dataclass(frozen=True)
class Received:
    """The result of training at a child."""

    parameters: Parameters
    model: str
    """SHA-256 of the parameters."""

    rounds: int
    """Number of rounds in which it sent an update."""

    metrics: Mapping[str, float]
    """Of its training in the last of these rounds."""

    vocabulary: bytes = b""
    """The file `tokenizer.json`, where all agreed on one."""


def master(
    inbox: Inbox,
    training: Training,
    spec: Rounds,
    telemetry: Telemetry,
    memory: MasterMemory,
    *,
    wait: float | None = None,
) -> Trained:
    """Train a shared encoder with all children.

    We learn the update of each child in each round, which tells of its samples, or with secure
    aggregation the sum of a round only; a child learns the fused parameters. See `messages.py`.

    Args:
        inbox: The lines to the children; later ones may be added while this runs.
        training: What is trained, and the rule that fuses a round's updates.
        spec: What the job says.
        telemetry: Where progress goes.
        memory: The state of a run that was interrupted, or nothing; new rounds are added.
        wait: Seconds in which children come; None: those of a round.

    Returns:
        The final parameters and the record of the rounds.

    Raises:
        JobError: No child asks for an encoder, or the fused parameters are not finite.
        ChannelError: Fewer children than the quorum were there in time.
    """
    wait = spec.deadline if wait is None else wait
    children = Children(inbox, training, spec, telemetry, memory)
    over = memory.state is not None and memory.state.is_over(spec.count)

    # 1. A child requests an encoder; all are instructed, and each confirms or declines.
    if over:
        children.requested = True  # by one that may have finished since
    else:
        telemetry.progress("gather", note="waiting for children")
        ready = children.gather(wait)
        if not children.requested and children.came:
            raise JobError("no child asks for a shared encoder: at least one of them has to.")
        children.check_quorum("before the first round", ready, wait)

    # 2. Agree on a vocabulary, where the job asks for one of all children's words.
    if training.joint is not None:
        training = agree(children, training.joint, memory)

    # 3. Train: send parameters, take the updates that come in time, fuse them.
    state = memory.state or TrainingState(training.initial)
    while not state.is_over(spec.count):
        number = len(state.rounds) + 1
        start = RoundStart(round=number, parameters=state.parameters)
        if training.secure_rule:
            state = _secure_round(children, start, state, training.secure_rule)
        else:
            state = _round(children, start, state, training.fuse)
        state = state.noting(inbox.second_processes())
        memory.keep(state)
        telemetry.progress("train", number, spec.count, children=len(state.rounds[-1].taken))

    # 4. Publish the result to every child, also to those that did not train or have gone.
    published = Published(parameters=state.parameters, model=digest(state.parameters))
    if over:
        telemetry.progress("publish", note="waiting for children that have not got the result")
    holders = children.publish(published, wait if over else min(wait, OFFER))
    return Trained(
        state.parameters, published.model, state.rounds, tuple(holders), memory.vocabulary
    )


def _round(
    children: Children, start: RoundStart, state: TrainingState, fuse: Fuse
) -> TrainingState:
    taken = children.collect(start)
    missing = children.check_quorum(f"in round {start.round}", [it.child for it in taken])
    fused = fuse(state.parameters, taken, state.rule_state)
    return state.after(taken, fused, missing)


def _secure_round(
    children: Children, start: RoundStart, state: TrainingState, secure_rule: SecureRule
) -> TrainingState:
    """A round with secure aggregation: the masks on updates cancel in their sum only."""
    offers = children.offers(start)
    children.check_quorum(f"in round {start.round}", offers)
    layout = Layout.of(state.parameters)
    tables = Tables(layout, secure_rule.tables)
    samples = {child: children.samples(child) for child in offers}
    weights = secure_rule.weigh(samples, state.rule_state)
    total = secure_sum(
        children.exchange,
        offers,
        weights,
        Terms(start.parameters, layout.size + tables.rows, secure_rule.spec, children.quorum),
    )
    mean = weighted_mean(total, tables, secure_rule.spec.largest_norm)
    missing = children.check_quorum(f"in the sum of round {start.round}", total.weights)
    taken = [
        MaskedContribution(child, samples[child], total.digests[child], offers[child].metrics)
        for child in total.weights
    ]
    summed = SecureSum(layout.to_parameters(mean), total.weights, taken)
    fused = secure_rule.fuse(state.parameters, summed, state.rule_state)
    return state.after(taken, fused, missing)


def child(  # noqa: PLR0913 - the caller knows all of these, and nobody else does
    master: Channel,
    wanted: str | None,
    make_trainer: MakeTrainer,
    telemetry: Telemetry,
    memory: ChildMemory,
    identity: Identity | None = None,
    *,
    store: Callable[[Received], None] = lambda _: None,
) -> Received:
    """Train a shared encoder on our samples, and receive the result of all children.

    We learn the parameters that all children together arrive at; the master learns how many
    samples we have, and how training on them moves the parameters in each round: with secure
    aggregation, of all children together. See `messages.py`.

    Args:
        master: The line to it.
        wanted: The type of encoder that we ask for, or none where we only help.
        make_trainer: Makes the trainer of an encoder on our samples, or says why there is none.
        telemetry: Where progress goes.
        memory: The last update of a run that was interrupted, or nothing.
        identity: Who we are to the other children, and they to us; sums under masks need it.
        store: Keeps the result: the master is told that we have it after that.

    Returns:
        The final parameters.

    Raises:
        PeerError: The master sent something that the protocol does not allow, or sends us away.
        ValueError: There is no identity, and the job has a sum under masks.
    """
    # 1. Ask for an encoder, or only offer help.
    master.send(EncoderRequest(encoder=wanted))

    # 2. Find samples of the type that is trained; confirm with their number, or decline.
    instruction = master.receive(Instruction)
    encoder = instruction.encoder
    if wanted not in (None, encoder):
        raise PeerError(f"{master.peer!r} trains {encoder!r}, and we ask for {wanted!r}.")
    trainer = make_trainer(encoder)
    if isinstance(trainer, LocalTrainer):
        _check_vocabulary(master, instruction, trainer)
        trainer.state.update(memory.state)
        master.send(Confirmation(samples=trainer.samples))
    else:
        telemetry.progress("gather", note=f"we do not train: {trainer}")
        master.send(Confirmation(samples=0, declined=trainer))

    # 3. Train whenever it is our turn, at first agree on a vocabulary where the job asks for one.
    vocabulary = _play(master, trainer, telemetry, memory, identity)

    # 4. Take the result.
    published = master.receive(Published)
    if digest(published.parameters) != published.model:
        raise PeerError(
            f"{master.peer!r} published parameters that do not have the digest it gave. Do not use "
            "them; compare `isthmus version` on both sides."
        )
    metrics = memory.last.metrics if memory.last else {}
    model, rounds = published.model, memory.rounds
    received = Received(published.parameters, model, rounds, metrics, vocabulary)
    store(received)
    master.send(Kept(model=model))
    return received


def _play(
    master: Channel,
    trainer: LocalTrainer | Reason,
    telemetry: Telemetry,
    memory: ChildMemory,
    identity: Identity | None,
) -> bytes:
    # Takes turns until the result is published; returns the vocabulary, where all agreed on one.
    vocabulary, turn = b"", master.receive(Turn)
    while turn.task != "publish":
        if turn.task == "leave":
            raise PeerError(f"{master.peer!r} goes on without us: {one_line(turn.reason)}")
        if turn.task == "train":
            turn = _train(master, trainer, telemetry, memory, identity)
        elif turn.task == "vocabulary":
            vocabulary, trainer = take_vocabulary(master, trainer)
            turn = master.receive(Turn)
        else:
            turn = _prepare(master, turn, trainer, memory, identity)
    return vocabulary


def _prepare(
    master: Channel,
    turn: Turn,
    trainer: LocalTrainer | Reason,
    memory: ChildMemory,
    identity: Identity | None,
) -> Turn:
    counter = trainer.counter if isinstance(trainer, LocalTrainer) else None
    if counter is not None and turn.task == "count":
        return count_words(master, counter, memory, _known(identity))
    if counter is not None and turn.task == "name":
        return name_words(master, counter, memory)
    return master.receive(Turn)


def _check_vocabulary(master: Channel, told: Instruction, ours: LocalTrainer) -> None:
    if ours.counter is None and ours.vocabulary != told.vocabulary:
        theirs, here = (it[:12] or "none" for it in (told.vocabulary, ours.vocabulary))
        raise PeerError(
            f"{master.peer!r} trains with the vocabulary {theirs}, and ours is {here} (these are "
            "the beginnings of digests): get the same tokenizer.json."
        )


def _known(identity: Identity | None) -> Identity:
    if identity is None:
        raise ValueError("children know each other's keys by their certificates: give an identity")
    return identity


def _train(
    master: Channel,
    trainer: LocalTrainer | Reason,
    telemetry: Telemetry,
    memory: ChildMemory,
    identity: Identity | None,
) -> Turn:
    # Sends our update of a round; returns the turn after it.
    start = master.receive(RoundStart)
    if not isinstance(trainer, LocalTrainer):
        raise PeerError(f"{master.peer!r} wants us to train after we have declined to.")
    flaw = misfit(start.parameters, trainer.layout)
    if flaw:
        raise PeerError(
            f"{master.peer!r} began round {start.round} with another encoder: {flaw}. Compare "
            "`isthmus version` on both sides."
        )
    last = trainer.update(start, memory)
    telemetry.progress("train", memory.rounds)
    secure, tables = trainer.privacy.secure_aggregation, Tables(trainer.layout, trainer.tables)
    if secure is None:
        master.send(updates.to_message(last, trainer.privacy.compression, tables))
        return master.receive(Turn)
    update = trainer.layout.to_vector(last.update)
    if (norm := float(np.linalg.norm(update))) > secure.largest_norm:
        share = secure.largest_norm / norm
        note = f"our update is scaled down to {share:.0%}: its norm is {norm:.4g}, `largest_norm` "
        telemetry.progress("train", memory.rounds, note=f"{note}{secure.largest_norm:g}")
    words = weighted_words(update, tables, secure.largest_norm)
    part = Part(words, last.metrics, memory.commit)
    return send_masked_update(master, start, part, secure, _known(identity))
