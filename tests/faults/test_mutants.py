"""Messages that a bad line or a bad peer has changed: refused in a sentence, or as good as real."""

import importlib
import resource
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from itertools import islice
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
import pytest

from isthmus.core.errors import ChannelError, PeerError
from isthmus.jobs import handshake, registry
from isthmus.jobs.load import load_job
from isthmus.jobs.messages import Done
from isthmus.transport.framing import FramedChannel
from isthmus.transport.message import Message, decode, describe, encode, protections
from isthmus.transport.pipe import Pipe
from tests.faults.mutants import framed, mutants
from tests.faults.small_jobs import JOBS
from tests.thoroughness import LONG
from tests.transcripts import declared

MUTANTS = 25_000 if LONG else 5_000

MOST_MEMORY = 2**30
"""Bytes: what the libraries take, and some of the largest messages."""


def kinds() -> Iterator[type[Message]]:
    """Every type of message that crosses between parties, or between a party and its enclave."""
    for row in (*registry.FAMILIES, *registry.ROWS):
        for module in map(importlib.import_module, row.messages):
            yield from declared(module).values()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> list[Message]:
    """Messages of every type: as small jobs send them, and others like them."""
    found = [Done(), *planned(tmp_path_factory)]
    known = {type(message) for message in found}
    return found + [made_up(kind) for kind in dict.fromkeys(kinds()) if kind not in known]


def planned(folders: pytest.TempPathFactory) -> Iterator[Message]:
    """The samples in the forecasts of small jobs, and what their parties say first."""
    for small in JOBS.values():
        folder = folders.mktemp("job")
        small.make(folder)
        loaded = load_job(folder / "job.toml")
        if not loaded.job.parties or small.after:
            continue
        first, other, *_ = loaded.job.parties
        yield handshake.hello(loaded.job, first)
        for flows in loaded.peers.flows(loaded, other, loaded.peers.smallest(loaded)):
            yield from (flow.sample for flow in flows)


def made_up(kind: type[Any]) -> Any:
    """A message, or a part of one, of a type of which no small job sends any."""
    hints = get_type_hints(kind)
    required = kind.__struct_fields__[: len(kind.__struct_fields__) - len(kind.__struct_defaults__)]
    return kind(**{name: _value(hints[name]) for name in required})


def _value(hint: Any) -> Any:  # noqa: PLR0911 - a value for each kind of type
    plain = {int: 3, float: 0.5, bool: True, str: "text", bytes: b"bytes"}
    if hint in plain:
        return plain[hint]
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    if get_origin(hint) is np.ndarray:
        return np.arange(6, dtype=get_args(get_args(hint)[1])[0])
    if get_origin(hint) is dict:
        return {_value(get_args(hint)[0]): _value(get_args(hint)[1])}
    if get_origin(hint) in {list, tuple}:
        return get_origin(hint)([_value(get_args(hint)[0])] * 2)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return made_up(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    return datetime(2026, 11, 29, tzinfo=UTC) if hint is datetime else None


def received(kind: type[Message], frames: Sequence[bytes]) -> Message:
    """What a role gets where these frames arrive, and then nothing more."""
    incoming = Pipe()
    for frame in frames:
        incoming.put(frame)
    incoming.end()
    return FramedChannel("insurer", incoming, Pipe(), 5.0).receive(kind)


def test_mutants_are_refused_in_a_sentence_or_are_as_good_as_real(real: list[Message]) -> None:
    before = most_memory()
    frames = [framed(message) for message in real]
    each = MUTANTS // len(real) + 1
    tried = refused = 0
    for number, message in enumerate(real):
        kind = type(message)
        for way, changed in islice(mutants(frames[number], frames, seed=number), each):
            tried += 1
            try:
                found = received(kind, changed)
            except (PeerError, ChannelError) as error:
                refused += 1
                assert_is_a_sentence(str(error))
            else:
                assert type(found) is kind, way
                assert_is_valid(found)
    assert tried >= MUTANTS
    assert refused > 0.8 * tried
    assert most_memory() - before < MOST_MEMORY


def most_memory() -> int:
    """The most bytes that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_frames_that_were_not_changed_arrive(real: list[Message]) -> None:
    for message in real:
        assert encode(received(type(message), framed(message))) == encode(message)


def test_a_name_with_a_line_break_is_no_name() -> None:
    head = framed(Done())[0].replace(b"\xa4Done", b"\xa4Don\n")
    with pytest.raises(PeerError, match="bytes that announce no message"):
        received(Done, [head])


def assert_is_a_sentence(text: str) -> None:
    """One line that a person can read, and that no peer can make long."""
    assert text.isprintable()
    assert "insurer" in text
    assert len(text) < 1000


def assert_is_valid(message: Message) -> None:
    """It holds what its type says, and is the same after one more journey."""
    again = decode(encode(message), type(message), "insurer")
    assert encode(again) == encode(message)
    assert {value.name for value in describe(message)} == protections(type(message)).keys()
    for name in message.__struct_fields__:
        value: Any = getattr(message, name)
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable
            assert np.isfinite(value).all()
        elif isinstance(value, float):
            assert np.isfinite(value)
