"""An AWS of our own: a root, and a security module that signs documents as that of Nitro does."""

from typing import Any

import cbor2

from isthmus.tee.evidence import Evidence, Kind
from tests.unit.tee.authority import authority

REPORT_DATA = b"\x22" * 64
IMAGE, SIGNER = b"\x11" * 48, b"\x33" * 48  # PCR0 and PCR8

_ES384 = cbor2.dumps({1: -35})


class Aws:
    """One root and all below it, with one security module."""

    def __init__(self) -> None:
        self.root = authority("aws.ours", issues=1)
        self.region = authority("region.ours", self.root, issues=0)
        self.module = authority("module.ours", self.region)

    def evidence(self, **changed: Any) -> Evidence:
        """A document with `changed` fields."""
        return Evidence(Kind.NITRO, self.sign(cbor2.dumps(self.fields() | changed)))

    def fields(self) -> dict[str, Any]:
        """What the payload of a document holds."""
        return {
            "module_id": "i-1234-enc5678",
            "digest": "SHA384",
            "timestamp": 1_768_478_400_000,
            "pcrs": {0: IMAGE, 1: b"\x12" * 48, 2: b"\x13" * 48, 8: SIGNER},
            "certificate": self.module.der,
            "cabundle": [self.root.der, self.region.der],
            "public_key": None,
            "user_data": REPORT_DATA,
            "nonce": None,
        }

    def sign(self, payload: bytes, protected: bytes = _ES384) -> bytes:
        """COSE_Sign1 without a tag, as the security module makes it."""
        signed = cbor2.dumps(["Signature1", protected, b"", payload])
        halves = (half.to_bytes(48) for half in self.module.sign(signed))
        return cbor2.dumps([protected, {}, payload, b"".join(halves)])
