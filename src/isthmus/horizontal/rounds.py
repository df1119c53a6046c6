"""The round protocol of a master and its children, whatever is trained and whatever carries it."""

from collections.abc import Mapping
from dataclasses import dataclass

from isthmus.core.errors import JobError, PeerError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal import answers
from isthmus.horizontal.course import Blind, Course, Fuse, Round, Summed, Training, Veiled
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
    Turn,
)
from isthmus.horizontal.parameters import Layout, Parameters, digest, misfit
from isthmus.horizontal.privacy.veil import veil
from isthmus.horizontal.privacy.veiled_sum import veiled_sum
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

    metrics: Mapping[str, float]
    """Of its training in the last of them."""


def master(
    children: Lines, training: Training, spec: Rounds, telemetry: Telemetry, memory: MasterMemory
) -> Trained:
    """Train a shared encoder with all children.

    We learn the update of each child in each round, which tells of its samples, or with secure
    aggregation the sum of a round only; a child learns the fused parameters. See `messages.py`.

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
    roll = Roll(children, training, spec, telemetry)

    # 1. A child requests an encoder; all are instructed, and each confirms or declines.
    telemetry.progress("gather", note="waiting for children")
    ready = roll.gather()
    if not roll.requested:
        raise JobError("no child asks for a shared encoder: at least one of them has to.")
    roll.check_quorum("before the first round", ready)

    # 2. Train: send parameters, take the updates that come in time, fuse them.
    while not course.done and len(course.rounds) < spec.count:
        number = len(course.rounds) + 1
        start = RoundStart(round=number, parameters=course.parameters)
        if training.blind:
            course = _blind_round(roll, start, course, training.blind)
        else:
            course = _round(roll, start, course, training.fuse)
        memory.keep(course)
        telemetry.progress("train", number, spec.count, children=len(course.rounds[-1].taken))

    # 3. Publish the result to every child, also to those that did not train.
    published = Published(parameters=course.parameters, model=digest(course.parameters))
    holders = roll.publish(published)
    return Trained(course.parameters, published.model, course.rounds, tuple(holders))


def _round(roll: Roll, start: RoundStart, course: Course, fuse: Fuse) -> Course:
    taken = roll.collect(start)
    missing = roll.check_quorum(f"in round {start.round}", [it.child for it in taken])
    fused = fuse(course.parameters, taken, course.state)
    return course.after(taken, fused, missing)


def _blind_round(roll: Roll, start: RoundStart, course: Course, blind: Blind) -> Course:
    """A round in which updates are under masks, which come off in their sum only."""
    offers = roll.offers(start)
    roll.check_quorum(f"in round {start.round}", offers)
    layout = Layout.of(course.parameters)
    samples = {child: roll.samples(child) for child in offers}
    weights = blind.weigh(samples, course.state)
    total = veiled_sum(roll.exchange, offers, weights, start.parameters, blind.spec, roll.quorum)
    missing = roll.check_quorum(f"in the sum of round {start.round}", total.weights)
    taken = [
        Veiled(child, samples[child], total.digests[child], offers[child].metrics)
        for child in total.weights
    ]
    summed = Summed(layout.to_parameters(total.mean), total.weights, taken)
    fused = blind.fuse(course.parameters, summed, course.state)
    return course.after(taken, fused, missing)


def child(
    master: Channel,
    wanted: str | None,
    prepare: Prepare,
    telemetry: Telemetry,
    memory: ChildMemory,
) -> Received:
    """Train a shared encoder on our samples, and get what all have made of it.

    We learn the parameters that all children together arrive at; the master learns how many
    samples we have, and how training on them moves the parameters in each round: with secure
    aggregation, of all children together. See `messages.py`.

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
        telemetry.progress("gather", note=f"we do not train: {lesson}")
        master.send(Confirmation(samples=0, declined=lesson))

    # 3. Train whenever it is our turn.
    turn = master.receive(Turn)
    while turn.task != "publish":
        if turn.task == "leave":
            raise PeerError(f"{master.peer!r} goes on without us: {one_line(turn.reason)}")
        if turn.task == "train":
            turn = _train(master, lesson, telemetry, memory)
        else:
            turn = master.receive(Turn)

    # 4. Take the result.
    published = master.receive(Published)
    if digest(published.parameters) != published.model:
        raise PeerError(
            f"{master.peer!r} published parameters that do not have the digest it gave. Do not use "
            "them; compare `isthmus version` on both sides."
        )
    master.send(Kept(model=published.model))
    metrics = memory.last.metrics if memory.last else {}
    return Received(published.parameters, published.model, memory.rounds, metrics)


def _train(
    master: Channel, lesson: Lesson | Reason, telemetry: Telemetry, memory: ChildMemory
) -> Turn:
    # Gives our update to a round, and the turn after it.
    start = master.receive(RoundStart)
    if not isinstance(lesson, Lesson):
        raise PeerError(f"{master.peer!r} wants us to train after we have declined to.")
    flaw = misfit(start.parameters, lesson.layout)
    if flaw:
        raise PeerError(
            f"{master.peer!r} began round {start.round} with another encoder: {flaw}. Compare "
            "`isthmus version` on both sides."
        )
    last = lesson.update(start, memory)
    telemetry.progress("train", memory.rounds)
    secure = lesson.privacy.secure_aggregation
    if secure is None:
        master.send(answers.written(last, lesson.privacy.compression))
        return master.receive(Turn)
    update = lesson.layout.to_vector(last.update)
    return veil(master, start, update, last.metrics, secure, memory.promise)
