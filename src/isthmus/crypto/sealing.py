"""A sealed line between two programs: frames of one size, which only the other end can read.

X25519 (RFC 7748) gives both ends one secret, HKDF-SHA256 (RFC 5869) makes a key for each direction
of it, and AES-256-GCM seals. The nonce of a frame is its number, so that a frame that was changed,
cut, repeated, left out or moved does not open. Every frame is as long as every other: who carries
them learns their number and nothing else.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FRAME_BYTES = 65_536
"""Bytes of a frame, whatever is in it."""

PAYLOAD_BYTES = FRAME_BYTES - 16
"""Bytes that a frame carries; AES-GCM adds 16."""

KEY_BYTES = 32
"""Bytes of a public key."""

_LABEL = b"isthmus sealing 1, frames for "
_NONCE_BYTES = 12

Octets = bytes | bytearray | memoryview


class SessionKey:
    """A fresh key of X25519, for one session: its secret half never leaves, and is used once."""

    def __init__(self) -> None:
        self._private: X25519PrivateKey | None = X25519PrivateKey.generate()
        self.public = self._private.public_key().public_bytes_raw()
        """What the other end needs: `KEY_BYTES` bytes."""

    def session(self, theirs: bytes, context: bytes) -> "Session":
        """Open the line to the holder of another key.

        Args:
            theirs: The public key of the other end.
            context: All that both ends must agree on; ends with other contexts cannot read each
                other.

        Returns:
            Our end of the line.

        Raises:
            ValueError: That is not a public key, or it is our own, or this pair was used before:
                a second session would repeat the nonces of the first.
        """
        if self._private is None:
            raise ValueError("a key pair opens one session only")
        if theirs == self.public:
            raise ValueError("the other end shows our own key")
        secret = self._private.exchange(X25519PublicKey.from_public_bytes(theirs))
        self._private = None
        return Session(
            sending=_key(secret, context, reader=theirs),
            receiving=_key(secret, context, reader=self.public),
        )


class Session:
    """One end of a sealed line; `SessionKey.session` makes it."""

    def __init__(self, sending: bytes, receiving: bytes) -> None:
        self._sending = AESGCM(sending)
        self._receiving = AESGCM(receiving)
        self._sent = 0
        self._opened = 0

    def seal(self, payload: Octets) -> bytes:
        """Make the next frame for the other end.

        Args:
            payload: At most `PAYLOAD_BYTES`; zeros fill it up.

        Returns:
            `FRAME_BYTES` bytes.

        Raises:
            ValueError: The payload is too long.
        """
        if len(payload) > PAYLOAD_BYTES:
            raise ValueError(f"{len(payload)} bytes do not fit a frame of {PAYLOAD_BYTES}")
        padded = bytes(payload).ljust(PAYLOAD_BYTES, b"\0")
        frame = self._sending.encrypt(_nonce(self._sent), padded, None)
        self._sent += 1
        return frame

    def open(self, frame: Octets) -> bytes:
        """Read the next frame of the other end.

        Args:
            frame: What its `seal` returned.

        Returns:
            `PAYLOAD_BYTES` bytes: the payload, and the zeros that filled it up.

        Raises:
            ValueError: It is not the other end's next frame, bit by bit.
        """
        if len(frame) != FRAME_BYTES:
            raise ValueError(f"a frame has {FRAME_BYTES} bytes, not {len(frame)}")
        try:
            payload = self._receiving.decrypt(_nonce(self._opened), frame, None)
        except InvalidTag:
            raise ValueError(
                f"frame {self._opened} is not what the other end sealed: it was changed, repeated, "
                "left out or moved on its way"
            ) from None
        self._opened += 1
        return payload


def _key(secret: bytes, context: bytes, reader: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=context, info=_LABEL + reader).derive(secret)


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES)
