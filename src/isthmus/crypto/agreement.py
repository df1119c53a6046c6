"""Key agreement between two parties, and encryption of one short note under an agreed key.

X25519 (RFC 7748) gives both parties one secret; HKDF-SHA256 (RFC 5869) derives a key for each
purpose from it.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
"""Bytes of a public key, of a secret key, and of a key that two parties share."""

_LABEL = b"isthmus agreement 1, "
_NONCE = bytes(12)  # constant, as a key encrypts one note only


class KeyPair:
    """A key pair of X25519."""

    def __init__(self, secret: bytes) -> None:
        """Make a key pair from a secret: whoever is given the secret can make it again.

        Args:
            secret: `KEY_BYTES` random bytes.
        """
        self._private = X25519PrivateKey.from_private_bytes(secret)
        self.public = self._private.public_key().public_bytes_raw()

    def shared(self, theirs: bytes, context: bytes, purpose: str) -> bytes:
        """Derive the key that we share with the owner of another key pair, for one purpose.

        Args:
            theirs: The public key of the other.
            context: Everything that both must agree on: another context gives another key.
            purpose: What the key is for.

        Returns:
            `KEY_BYTES` bytes.

        Raises:
            ValueError: `theirs` is not a public key.
        """
        secret = self._private.exchange(X25519PublicKey.from_public_bytes(theirs))
        info = _LABEL + purpose.encode()
        return HKDF(SHA256(), length=KEY_BYTES, salt=context, info=info).derive(secret)


def seal(key: bytes, note: bytes) -> bytes:
    """Encrypt a note with AES-256-GCM, under a key that never encrypts another note."""
    return AESGCM(key).encrypt(_NONCE, note, None)


def unseal(key: bytes, sealed: bytes) -> bytes:
    """Decrypt a note.

    Args:
        key: The key that it was encrypted with.
        sealed: The result of `seal`.

    Returns:
        The note.

    Raises:
        ValueError: The note was encrypted with another key, or changed.
    """
    try:
        return AESGCM(key).decrypt(_NONCE, sealed, None)
    except InvalidTag:
        raise ValueError("a note was not sealed with this key, or changed on its way") from None
