"""Who is who among the children of a job under masks, in tests."""

import threading
from collections.abc import Iterable

from isthmus.crypto import certificates
from isthmus.horizontal.privacy.secure_sum.identity import Identity

CHILDREN = (*"abcdefghxyz", "bb", "cccc", "ada", "bo", "cy", "eve", "mallory", "ours", "zoe", "aa")
JOB = "0" * 64


_LOCK = threading.Lock()  # children are threads
_KEYS = dict[str, tuple[bytes, bytes]]()


def keys_of(child: str) -> tuple[bytes, bytes]:
    """Certificate and private key of a child, PEM; always the same."""
    with _LOCK:
        if child not in _KEYS:
            key = certificates.make_key()
            _KEYS[child] = certificates.self_signed(child, key), key
        return _KEYS[child]


def identity(child: str, others: Iterable[str] = CHILDREN, job: str = JOB) -> Identity:
    """A child that knows all others."""
    known = {it: certificates.fingerprint(keys_of(it)[0]) for it in {child, *others}}
    return Identity.of(child, job, *keys_of(child), known)
