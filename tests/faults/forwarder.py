"""A network between two parties that can be cut: connections through it are cut with it."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

_SIZE = 2**16

Spoil = Callable[[bytes], bytes]
"""Makes of bytes on their way what arrives."""


class Forwarder:
    """Carries connections from an address of its own to that of a listener.

    While it is dark, it swallows what comes, and who connects gets no answer: as a network does
    that was cut. What was swallowed does not come again: connections that it met stay dark.
    """

    def __init__(self, target: str, spoil: Spoil = bytes) -> None:
        self._spoil = spoil
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._lock = threading.Lock()
        self._pairs: list[_Pair] = []
        self._dark = False
        threading.Thread(target=self._accept, daemon=True).start()

    def darken(self) -> None:
        """Cut the network, without a word to anybody."""
        with self._lock:
            self._dark = True
            for pair in self._pairs:
                pair.dark = True

    def lighten(self) -> None:
        """Let new connections through again."""
        with self._lock:
            self._dark = False

    def reset(self) -> None:
        """End every connection, as a firewall does that was started again."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.reset()

    def close(self) -> None:
        """End."""
        self._server.close()
        self.reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._admit(self._server.accept()[0])

    def _admit(self, near: socket.socket) -> None:
        with self._lock:
            try:
                far = None if self._dark else socket.create_connection(self._target)
            except OSError:  # nobody listens
                near.close()
                return
            self._pairs.append(_Pair(near, far, self._spoil))


class _Pair:
    """A connection on both sides of the network."""

    def __init__(self, near: socket.socket, far: socket.socket | None, spoil: Spoil) -> None:
        self._spoil = spoil
        self._ends = [end for end in (near, far) if end is not None]
        self.dark = far is None
        if far is not None:
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def reset(self) -> None:
        """End both with a reset."""
        for end in self._ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_SIZE):
                if not self.dark:
                    sink.sendall(self._spoil(data))
        if not self.dark:
            for end in (source, sink):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
