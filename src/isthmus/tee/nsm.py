"""The security module of an AWS Nitro enclave, `/dev/nsm`.

A request and its answer are CBOR, in buffers of one ioctl call (Linux, `uapi/linux/nsm.h`). The
Python library for it depends on one under the GPL, and we need only one call. Tested with a
simulated device, and never on such hardware.
"""

import ctypes
import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from isthmus.core import extras
from isthmus.core.errors import SpecError

_RAW = 0xC020_0A00  # _IOWR(0x0A, 0, struct nsm_raw)
_ANSWER_BYTES = 0x3000  # the device writes no more


class Buffer(ctypes.Structure):
    """`struct nsm_iovec`."""

    _fields_ = [("address", ctypes.c_uint64), ("size", ctypes.c_uint64)]


class Exchange(ctypes.Structure):
    """`struct nsm_raw`: the device sets the size of the answer."""

    _fields_ = [("request", Buffer), ("answer", Buffer)]


Call = Callable[[int, int, Exchange], object]


def attest(report_data: bytes, device: Path, call: Call = fcntl.ioctl) -> bytes:
    """Ask the module for an attestation document.

    Args:
        report_data: The bytes that it must hold as its user data.
        device: Path of the device.
        call: The system call.

    Returns:
        The document: COSE, signed by the module.

    Raises:
        OSError: There is no such device, or it cannot be used.
        SpecError: The module refuses.
        MissingExtraError: `cbor2` is not installed.
    """
    with extras.advised("the image of a Nitro enclave"):
        import cbor2  # noqa: PLC0415 - an extra
    request = {"Attestation": {"user_data": report_data, "nonce": None, "public_key": None}}
    answer = cast(object, cbor2.loads(_exchange(cbor2.dumps(request), device, call)))
    match answer:
        case {"Attestation": {"document": bytes(document)}}:
            return document
        case {"Error": str(error)}:
            raise SpecError(f"the Nitro security module refuses to attest: {error}.")
        case _:
            raise SpecError("the Nitro security module answers something else than a document.")


def _exchange(request: bytes, device: Path, call: Call) -> bytes:
    sent = ctypes.create_string_buffer(request, len(request))
    got = ctypes.create_string_buffer(_ANSWER_BYTES)
    exchange = Exchange(_buffer(sent), _buffer(got))
    with device.open("rb") as opened:
        call(opened.fileno(), _RAW, exchange)
    return got.raw[: exchange.answer.size]


def _buffer(memory: ctypes.Array[Any]) -> Buffer:
    return Buffer(ctypes.addressof(memory), ctypes.sizeof(memory))
