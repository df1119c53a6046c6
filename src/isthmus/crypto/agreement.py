"""What two parties share after they have seen each other's public keys: secrets, and sealed notes.

X25519 (RFC 7748) gives both one secret, and HKDF-SHA256 (RFC 5869) a key for each purpose of it.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
"""Bytes of a public key, of a secret one, and of a key that two parties share."""

_LABEL = b"isthmus agreement 1, "
_ONCE = bytes(12)  # nonce: a key that seals one note needs no other


class KeyPair:
    """A key of X25519; made of a secret, so that who is given the secret can make it again."""

    def __init__(self, secret: bytes) -> None:
        """Make the key pair of a secret.

        Args:
            secret: `KEY_BYTES` random bytes.
        """
        self._private = X25519PrivateKey.from_private_bytes(secret)
        self.public = self._private.public_key().public_bytes_raw()

    def shared(self, theirs: bytes, context: bytes, purpose: str) -> bytes:
        """The key that we share with the holder of another key, for one purpose.

        Args:
            theirs: The other public key.
            context: All that both must agree on; in other contexts they share other keys.
            purpose: What the key is for.

        Returns:
            `KEY_BYTES` bytes.

        Raises:
            ValueError: That is not a public key.
        """
        secret = self._private.exchange(X25519PublicKey.from_public_bytes(theirs))
        info = _LABEL + purpose.encode()
        return HKDF(SHA256(), length=KEY_BYTES, salt=context, info=info).derive(secret)


def seal(key: bytes, note: bytes) -> bytes:
    """Seal a note with AES-256-GCM under a key that never seals another one."""
    return AESGCM(key).encrypt(_ONCE, note, None)


def unseal(key: bytes, sealed: bytes) -> bytes:
    """Open a sealed note.

    Args:
        key: What it was sealed with.
        sealed: What `seal` returned.

    Returns:
        The note.

    Raises:
        ValueError: It was not sealed with this key, bit by bit.
    """
    try:
        return AESGCM(key).decrypt(_ONCE, sealed, None)
    except InvalidTag:
        raise ValueError("a note was not sealed with this key, or changed on its way") from None
