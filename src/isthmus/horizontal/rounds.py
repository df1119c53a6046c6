"""The round protocol of a master and its children, whatever is trained and whatever carries it."""

import time
from dataclasses import dataclass

from isthmus.core.errors import ChannelError, JobError, PeerError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.course import Course, Round, Training
from isthmus.horizontal.lesson import Lesson, Prepare
from isthmus.horizontal.lines import Lines
from isthmus.horizontal.memory import ChildMemory, MasterMemory
from isthmus.horizontal.messages import (
    Confirmation,
    EncoderRequest,
    Instruction,
    Kept,
    Published,
    Reason,
    RoundStart,
    RoundUpdate,
    Turn,
)
from isthmus.horizontal.parameters import Layout, Parameters, digest, misfit
from isthmus.horizontal.roll import Roll
from isthmus.horizontal.spec import Rounds
from isthmus.transport.channel import Channel
from isthmus.transport.message import one_line


@dataclass(frozen=True)
class Trained:
    """What the master has when training is done."""

    parameters: Parameters
    model: str
    """SHA-256 of the parameters."""

    rounds: tuple[Round, ...]
    holders: tuple[str, ...]
    """Children that have said that they keep the parameters."""


@dataclass(frozen=True)
class Received:
    """What a child has when training is done."""

    parameters: Parameters
    model: str
    """SHA-256 of the parameters."""

    rounds: int
    """In how many it sent an update."""


def master(
    children: Lines, training: Training, spec: Rounds, telemetry: Telemetry, memory: MasterMemory
) -> Trained:
    """Train a shared encoder with all children.

    We learn the update of each child in each round, which tells of its samples; a child learns
    the fused parameters. See `messages.py`.

    Args:
        children: The lines to them; those that come later are admitted while this runs.
        training: What is trained, and the rule that fuses a round's updates.
        spec: What the job says.
        telemetry: Where progress goes.
        memory: The course of a run that was cut off, or nothing; new rounds are added.

    Returns:
        The final parameters and the course of training.

    Raises:
        JobError: No child asks for an encoder, or the fused parameters are not finite.
        ChannelError: Fewer children than the quorum were there in time.
    """
    course = memory.course or Course(training.initial)
    layout = Layout.of(training.initial)
    roll = Roll(children, training.encoder, layout, training.examine, telemetry)

    # 1. A child requests an encoder; all are instructed, and each confirms or declines.
    telemetry.progress("gather", note="waiting for children")
    ready = roll.gather(spec.quorum, _deadline(spec))
    if not roll.requested:
        raise JobError("no child asks for a shared encoder: at least one of them has to.")
    _check_quorum("before the first round", len(ready), roll.missing(ready), spec)

    # 2. Train: send parameters, take the updates that come in time, fuse them.
    while not course.done and len(course.rounds) < spec.count:
        number = len(course.rounds) + 1
        start = RoundStart(round=number, parameters=course.parameters)
        taken = roll.collect(start, spec.quorum, _deadline(spec))
        missing = roll.missing([it.child for it in taken])
        _check_quorum(f"in round {number}", len(taken), missing, spec)
        fused = training.fuse(course.parameters, taken, course.state)
        course = course.after(taken, fused, missing)
        memory.keep(course)
        telemetry.progress("train", number, spec.count, children=len(taken))

    # 3. Publish the result to every child, also to those that did not train.
    published = Published(parameters=course.parameters, model=digest(course.parameters))
    holders = roll.publish(published, _deadline(spec))
    return Trained(course.parameters, published.model, course.rounds, tuple(holders))


def child(
    master: Channel,
    wanted: str | None,
    prepare: Prepare,
    telemetry: Telemetry,
    memory: ChildMemory,
) -> Received:
    """Train a shared encoder on our samples, and get what all have made of it.

    We learn the parameters that all children together arrive at; the master learns how many
    samples we have, and how training on them moves the parameters in each round. See `messages.py`.

    Args:
        master: The line to it.
        wanted: The type of encoder that we ask for, or none where we only help.
        prepare: Finds our samples of a type.
        telemetry: Where progress goes.
        memory: The last update of a run that was cut off, or nothing.

    Returns:
        The final parameters.

    Raises:
        PeerError: The master sent something that the protocol does not allow, or sends us away.
    """
    # 1. Ask for an encoder, or only offer help.
    master.send(EncoderRequest(encoder=wanted))

    # 2. Find samples of the type that is trained; confirm with their number, or decline.
    encoder = master.receive(Instruction).encoder
    if wanted not in (None, encoder):
        raise PeerError(f"{master.peer!r} trains {encoder!r}, and we ask for {wanted!r}.")
    lesson = prepare(encoder)
    if isinstance(lesson, Lesson):
        lesson.state.update(memory.state)
        master.send(Confirmation(samples=lesson.samples))
    else:
        master.send(Confirmation(samples=0, declined=lesson))

    # 3. Train whenever it is our turn.
    rounds = 0
    while (turn := master.receive(Turn)).task != "publish":
        if turn.task == "leave":
            raise PeerError(f"{master.peer!r} goes on without us: {one_line(turn.reason)}")
        if turn.task == "train":
            master.send(_update(master, lesson, memory))
            rounds += 1
            telemetry.progress("train", rounds)

    # 4. Take the result.
    published = master.receive(Published)
    if digest(published.parameters) != published.model:
        raise PeerError(
            f"{master.peer!r} published parameters that do not have the digest it gave. Do not use "
            "them; compare `isthmus version` on both sides."
        )
    master.send(Kept(model=published.model))
    return Received(published.parameters, published.model, rounds)


def _update(master: Channel, lesson: Lesson | Reason, memory: ChildMemory) -> RoundUpdate:
    start = master.receive(RoundStart)
    if not isinstance(lesson, Lesson):
        raise PeerError(f"{master.peer!r} wants us to train after we have declined to.")
    flaw = misfit(start.parameters, lesson.layout)
    if flaw:
        raise PeerError(
            f"{master.peer!r} began round {start.round} with another encoder: {flaw}. Compare "
            "`isthmus version` on both sides."
        )
    return lesson.update(start, memory)


def _deadline(spec: Rounds) -> float:
    return time.monotonic() + spec.deadline


def _check_quorum(when: str, have: int, missing: dict[str, str], spec: Rounds) -> None:
    if have < spec.quorum:
        names = ", ".join(f"{child!r} ({why})" for child, why in missing.items())
        raise ChannelError(
            f"{when}, {have} of at least {spec.quorum} children were there within "
            f"{spec.deadline:g} s; missing: {names or 'nobody we know'}. Look after them, then run "
            "the same command again on all sides: it goes on where it stopped."
        )
