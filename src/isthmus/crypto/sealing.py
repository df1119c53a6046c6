"""An encrypted session between two programs: frames of one size, which only the other end can read.

X25519 (RFC 7748) gives both ends one secret, HKDF-SHA256 (RFC 5869) derives a key for each
direction from it, and AES-256-GCM encrypts. The nonce of a frame is its number, so a frame that was
changed, cut, repeated, left out or moved fails to decrypt. All frames have the same length: whoever
relays them learns their number and nothing else.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FRAME_BYTES = 65_536
"""Bytes of a frame, whatever is in it."""

PAYLOAD_BYTES = FRAME_BYTES - 16
"""Bytes of the content of a frame; AES-GCM adds 16."""

KEY_BYTES = 32
"""Bytes of a public key."""

_LABEL = b"isthmus sealing 1, frames for "
_NONCE_BYTES = 12

Octets = bytes | bytearray | memoryview


class SessionKey:
    """A new key pair of X25519, for one session: its private key never leaves this object."""

    def __init__(self) -> None:
        self._private: X25519PrivateKey | None = X25519PrivateKey.generate()
        self.public = self._private.public_key().public_bytes_raw()
        """The public key for the other end: `KEY_BYTES` bytes."""

    def session(self, theirs: bytes, context: bytes) -> "Session":
        """Start a session with the owner of another key pair.

        Args:
            theirs: The public key of the other end.
            context: Everything that both ends must agree on: ends with different contexts cannot
                decrypt each other's frames.

        Returns:
            Our end of the session.

        Raises:
            ValueError: `theirs` is not a public key, or is our own; or this key pair was used
                before: a second session would repeat the nonces of the first.
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
    """One end of an encrypted session; `SessionKey.session` makes it."""

    def __init__(self, sending: bytes, receiving: bytes) -> None:
        self._sending = AESGCM(sending)
        self._receiving = AESGCM(receiving)
        self._sent = 0
        self._opened = 0

    def seal(self, payload: Octets) -> bytes:
        """Encrypt the next frame for the other end.

        Args:
            payload: At most `PAYLOAD_BYTES`; padded with zeros.

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
        """Decrypt the next frame of the other end.

        Args:
            frame: Result of `seal` at the other end.

        Returns:
            `PAYLOAD_BYTES` bytes: the payload, padded with zeros.

        Raises:
            ValueError: It is not exactly the other end's next frame.
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
