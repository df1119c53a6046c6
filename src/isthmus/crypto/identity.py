"""By what parties know each other's keys, though all that they say comes through one of them.

A party signs with the key of its certificate, whose fingerprint the others have had since before
the run: from the job, or from their party files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import msgspec

from isthmus.core.errors import SpecError
from isthmus.crypto import certificates
from isthmus.crypto.certificates import SIGNATURE_BYTES

CERTIFICATE_BYTES = 2048
"""Bytes of each certificate: PEM, filled up with empty lines, so that a forecast knows its size."""


@dataclass(frozen=True)
class Identity:
    """Who we are among the parties of a job, and by what we know the others."""

    party: str
    job: str
    """Digest of the job."""

    certificate: bytes
    """PEM, filled up with empty lines to `CERTIFICATE_BYTES`."""

    private_key: bytes = field(repr=False)
    """PEM."""

    fingerprints: Mapping[str, str]
    """SHA-256, in hex, of the certificate of every party that sums with us."""

    @classmethod
    def of(
        cls,
        party: str,
        job: str,
        certificate: bytes,
        private_key: bytes,
        fingerprints: Mapping[str, str],
    ) -> Self:
        """Find out whether a certificate serves, and fill it up.

        Args:
            party: Our name.
            job: Digest of the job.
            certificate: Ours, PEM.
            private_key: That of the certificate, PEM.
            fingerprints: Of the certificate of every party that sums with us.

        Returns:
            Who we are.

        Raises:
            SpecError: The certificate is too long, or its key makes signatures of another length.
        """
        plain = certificates.normal(certificate)
        if len(plain) > CERTIFICATE_BYTES:
            raise SpecError(
                f"the certificate has {len(plain):,} bytes in PEM, and where parties sum something "
                f"under masks it may have {CERTIFICATE_BYTES:,}: make one with `isthmus keys`."
            )
        found = cls(
            party, job, plain.ljust(CERTIFICATE_BYTES, b"\n"), private_key, dict(fingerprints)
        )
        if len(found.sign(b"")) != SIGNATURE_BYTES:
            raise SpecError(
                "the certificate is for a key on another curve than P-256, and where parties sum "
                "something under masks it has to be that one: make one with `isthmus keys`."
            )
        return found

    def sign(self, *statement: object) -> bytes:
        """Returns our signature under a statement about this job, `SIGNATURE_BYTES` bytes."""
        return certificates.sign(self.private_key, self._encoded(statement))

    def has_signed(
        self, party: str, certificate: bytes, signature: bytes, *statement: object
    ) -> bool:
        """Whether another party has signed a statement about this job.

        Args:
            party: Its name.
            certificate: What is said to be its certificate, PEM.
            signature: What is said to be its signature.
            *statement: What it is said to have signed.

        Returns:
            True if certificate and signature are those of the party that we know.
        """
        try:
            known = certificates.fingerprint(certificate) == self.fingerprints.get(party)
            return known and certificates.verify(certificate, signature, self._encoded(statement))
        except SpecError:  # it is no certificate of ours
            return False

    def _encoded(self, statement: tuple[object, ...]) -> bytes:
        return msgspec.msgpack.encode((self.job, statement))
