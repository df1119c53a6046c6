"""Measures how fast this machine encrypts and adds, before anybody waits for a run."""

import time
from dataclasses import dataclass

import numpy as np

from isthmus.crypto import keys
from isthmus.crypto.encryption import Encryption, Engine

_ENCRYPTED = 64
_VALUE = 1 << 72  # about as long as those of a job
_COLUMNS = 8
_BUCKETS = 32


@dataclass(frozen=True)
class Speed:
    """Seconds on this machine, with all cores that the engine takes."""

    encryption: float
    """Of one number."""

    addition: float
    """Of one ciphertext, where many are added by bucket."""


def measure(encryption: Encryption, engine: Engine) -> Speed:
    """Encrypt a few numbers and add them up, with a key of the size that a job names.

    Nobody can decrypt them: to make a private key would take longer than all of this, and the speed
    depends on the size alone.

    Args:
        encryption: The scheme and the size.
        engine: The engine that the party file asks for.

    Returns:
        What they took.

    Raises:
        SpecError: This machine cannot compute the encryption.
    """
    key = keys.make_unusable(encryption.scheme, engine, encryption.key_bits)
    key.encrypt([_VALUE] * 8)  # the first ones also make tables
    started = time.perf_counter()
    ciphertexts = key.encrypt([_VALUE] * _ENCRYPTED)
    encrypted = time.perf_counter()
    rows = np.arange(_ENCRYPTED)[:, None] + np.arange(_COLUMNS)
    ciphertexts.bucket_sums((rows % _BUCKETS).astype(np.int8), _BUCKETS)
    added = time.perf_counter()
    return Speed(
        encryption=(encrypted - started) / _ENCRYPTED,
        addition=(added - encrypted) / (_ENCRYPTED * _COLUMNS),
    )
