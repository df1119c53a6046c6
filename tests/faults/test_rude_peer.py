"""A peer with a valid certificate says absurd things before the first message, or nothing."""

import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager
from types import FrameType

import pytest

from isthmus.core.errors import ChannelError
from isthmus.transport.connections import listening
from isthmus.transport.connections.settings import (
    METHOD,
    OPTIONS,
    RECEIVED,
    SERVICE,
    TOKEN,
    grpc,
    received,
)
from isthmus.transport.grpc import Identity, dial, listen
from tests.faults.parties import ANY_PORT, Note, quietly

MANY = 100

ABSURD = ["9" * 5000, "-1", "1e3", "", "\u0663"]  # the last one is a three, in Arabic


class TestCounts:
    @pytest.mark.parametrize("count", ABSURD)
    def test_that_make_no_sense_count_as_none(self, count: str) -> None:
        assert received([(TOKEN, "line"), (RECEIVED, count)]) == ("line", None)

    def test_of_64_bits_are_taken(self) -> None:
        assert received([(RECEIVED, str(2**64 - 1))]) == ("", 2**64 - 1)


class Host:
    """A peer that listens and answers each connection as a test wants."""

    def __init__(self, answer: Callable[[grpc.ServicerContext], None]) -> None:
        self.leaves = threading.Event()
        self._answer = answer

    def serve(self, _: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        self._answer(context)
        self.leaves.wait()
        yield b""


@contextmanager
def hosted(
    identity: Identity, peer: Identity, answer: Callable[[grpc.ServicerContext], None]
) -> Generator[str]:
    """The address at which a peer answers so."""
    host = Host(answer)
    stream: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(host.serve)
    handler = grpc.method_handlers_generic_handler(SERVICE, {METHOD: stream})
    ours = [(identity.private_key, identity.certificate)]
    credentials = grpc.ssl_server_credentials(ours, peer.certificate, require_client_auth=True)
    server = grpc.server(futures.ThreadPoolExecutor(4), [handler], options=OPTIONS)
    port = server.add_secure_port(ANY_PORT, credentials)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        host.leaves.set()
        server.stop(grace=None).wait()


def says_nothing(_: grpc.ServicerContext) -> None:
    pass


def has_absurdly_much(context: grpc.ServicerContext) -> None:
    context.send_initial_metadata(((RECEIVED, "9" * 5000),))


def comes_and_goes(context: grpc.ServicerContext) -> None:
    context.send_initial_metadata(((RECEIVED, "0"),))
    context.abort(grpc.StatusCode.UNAVAILABLE, "for a moment")


class TestPeerThatListens:
    @pytest.mark.parametrize("answer", [says_nothing, has_absurdly_much])
    def test_and_takes_no_line_is_waited_for_and_named(
        self,
        clinic: Identity,
        insurer: Identity,
        answer: Callable[[grpc.ServicerContext], None],
    ) -> None:
        with (
            hosted(clinic, insurer, answer) as address,
            pytest.raises(ChannelError, match=r"'clinic' did not answer at .* within 1 s"),
        ):
            dial(insurer, address, "clinic", clinic.certificate, 1.0, quietly)

    def test_and_comes_and_goes_is_not_waited_for_forever(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        with hosted(clinic, insurer, comes_and_goes) as address:
            line = dial(insurer, address, "clinic", clinic.certificate, 20, quietly, patience=0.5)
            with pytest.raises(ChannelError, match=r"waited 0\.5 s for Note from 'clinic'"):
                line.receive(Note)
            line.abort()


class TestPeerThatDials:
    def test_many_times_leaves_no_thread_behind_for_each(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        with (
            ExitStack() as opened,
            listen(clinic, ANY_PORT, {"insurer": insurer.certificate}) as listener,
        ):
            _knock(listener.address, clinic, insurer, opened)
            assert _until(lambda: _listening() < MANY / 10)
            opened.close()
            target = (insurer, listener.address, "clinic", clinic.certificate)
            with dial(*target, 20, quietly) as line:
                line.send(Note(number=1))
                with listener.accept("insurer", 20, quietly) as to_insurer:
                    assert to_insurer.receive(Note).number == 1


def _knock(address: str, clinic: Identity, insurer: Identity, opened: ExitStack) -> None:
    """Open many connections of one line over one channel, and send nothing."""
    credentials = grpc.ssl_channel_credentials(
        clinic.certificate, insurer.private_key, insurer.certificate
    )
    name = ("grpc.ssl_target_name_override", clinic.name)
    channel = grpc.secure_channel(address, credentials, [*OPTIONS, name])
    opened.callback(channel.close)
    stream: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
        f"/{SERVICE}/{METHOD}"
    )
    leaves = threading.Event()
    opened.callback(leaves.set)
    for _ in range(MANY):
        stream(_nothing_until(leaves), metadata=((TOKEN, "line"),)).initial_metadata()


def _nothing_until(leaves: threading.Event) -> Iterator[bytes]:
    leaves.wait()
    yield from ()


def _listening() -> int:
    """Threads of this process that serve a connection."""
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - there is no other way
    return sum(map(_serves, frames.values()))


def _serves(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_filename != listening.__file__:
        frame = frame.f_back
    return frame is not None


def _until(is_so: Callable[[], bool]) -> bool:
    for _ in range(200):
        if is_so():
            return True
        time.sleep(0.1)
    return False
