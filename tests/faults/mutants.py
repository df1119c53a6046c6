"""Frames of real messages, and what a bad line or a bad peer can make of them."""

import random
from collections.abc import Callable, Iterator, Sequence

import msgspec

from isthmus.transport.framing import CHUNK, Head
from isthmus.transport.message import Message, encode

Frames = list[bytes]


def framed(message: Message) -> Frames:
    """The frames of a message, as a line carries them."""
    encoded = encode(message)
    head = msgspec.msgpack.encode(Head(type(message).__name__, len(encoded)))
    return [head, *(encoded[at : at + CHUNK] for at in range(0, len(encoded), CHUNK))]


def mutants(frames: Frames, others: Sequence[Frames], seed: int) -> Iterator[tuple[str, Frames]]:
    """Change frames in all ways in turn, without an end.

    Args:
        frames: Of one message.
        others: Of other messages, parts of which are put in.
        seed: Of what is drawn.

    Yields:
        Name of the way, and the changed frames.
    """
    chance = random.Random(seed)
    while True:
        for way in _WAYS:
            changed = list(frames)
            way(changed, chance.choice(others), chance)
            if changed != frames:
                yield way.__name__.strip("_"), changed


def _flip_a_bit(frames: Frames, _: Frames, chance: random.Random) -> None:
    at = chance.randrange(len(frames))
    if frames[at]:
        frame = bytearray(frames[at])
        frame[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
        frames[at] = bytes(frame)


def _turn_bytes(frames: Frames, _: Frames, chance: random.Random) -> None:
    at = chance.randrange(len(frames))
    frame = bytearray(frames[at])
    start = chance.randrange(len(frame) + 1)
    for position in range(start, min(len(frame), start + chance.randrange(1, 9))):
        frame[position] = chance.randrange(256)
    frames[at] = bytes(frame)


def _cut_a_frame(frames: Frames, _: Frames, chance: random.Random) -> None:
    at = chance.randrange(len(frames))
    frames[at] = frames[at][: chance.randrange(len(frames[at]) + 1)]


def _cut_the_line(frames: Frames, _: Frames, chance: random.Random) -> None:
    del frames[chance.randrange(len(frames)) :]


def _repeat_a_frame(frames: Frames, _: Frames, chance: random.Random) -> None:
    at = chance.randrange(len(frames))
    frames.insert(at, frames[at])


def _reorder_frames(frames: Frames, _: Frames, chance: random.Random) -> None:
    chance.shuffle(frames)


def _put_in_another_frame(frames: Frames, other: Frames, chance: random.Random) -> None:
    frames.insert(chance.randrange(len(frames) + 1), chance.choice(other))


def _replace_a_frame(frames: Frames, other: Frames, chance: random.Random) -> None:
    frames[chance.randrange(len(frames))] = chance.choice(other)


def _put_in_bytes(frames: Frames, _: Frames, chance: random.Random) -> None:
    at = chance.randrange(len(frames))
    where = chance.randrange(len(frames[at]) + 1)
    frames[at] = frames[at][:where] + chance.randbytes(chance.randrange(1, 9)) + frames[at][where:]


def _change_bytes_under_a_right_head(frames: Frames, _: Frames, chance: random.Random) -> None:
    """The hardest: a peer that frames what it has changed as it should be."""
    body = bytearray(b"".join(frames[1:]))
    for _time in range(chance.randrange(1, 4)):
        if body and chance.random() < 0.5:
            body[chance.randrange(len(body))] = chance.choice(_MARKS)
        else:
            where = chance.randrange(len(body) + 1)
            body[where : where + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
    head = msgspec.msgpack.decode(frames[0])
    head[-1] = len(body)
    chunks = [bytes(body[at : at + CHUNK]) for at in range(0, len(body), CHUNK)]
    frames[:] = [msgspec.msgpack.encode(head), *chunks]


_MARKS = (0x00, 0x7F, 0x80, 0x90, 0xA0, 0xC0, 0xC1, 0xC4, 0xC7, 0xCB, 0xCF, 0xD3, 0xDB, 0xDD, 0xDF)
"""First bytes of values of every kind: nothing, numbers, texts, lists and maps of any length."""

_WAYS: tuple[Callable[[Frames, Frames, random.Random], None], ...] = (
    *(_flip_a_bit, _turn_bytes, _cut_a_frame, _cut_the_line, _repeat_a_frame, _reorder_frames),
    *(_put_in_another_frame, _replace_a_frame, _put_in_bytes, _change_bytes_under_a_right_head),
    *(_change_bytes_under_a_right_head, _change_bytes_under_a_right_head),
)
