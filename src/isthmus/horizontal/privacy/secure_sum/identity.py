"""By what children of a job know each other's keys, though all of them come through the master.

A child signs with the key of its certificate, whose fingerprint the others have had since before
the run: from the job, or from their party files.

1. The public keys of a sum, with the job, the round and the parameters that the round starts from.
2. The whole sum, with the keys of all who take part. They are new for every sum, so that no
   signature for another sum, round or run fits this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from isthmus.core.errors import SpecError
from isthmus.crypto import certificates
from isthmus.horizontal.privacy.messages import CERTIFICATE_BYTES, SIGNATURE_BYTES, Keys

_KEYS, _SUM = "isthmus: keys of masks, 1", "isthmus: sum under masks, 1"


@dataclass(frozen=True)
class Identity:
    """Who we are among the children of a job, and by what we know the others."""

    party: str
    job: str
    """Digest of the job."""

    certificate: bytes
    """PEM, filled up with empty lines to `CERTIFICATE_BYTES`."""

    private_key: bytes = field(repr=False)
    """PEM."""

    fingerprints: Mapping[str, str]
    """SHA-256, in hex, of the certificate of every child of the job."""

    @classmethod
    def of(
        cls,
        party: str,
        job: str,
        certificate: bytes,
        private_key: bytes,
        fingerprints: Mapping[str, str],
    ) -> "Identity":
        """Find out whether a certificate serves, and fill it up.

        Args:
            party: Our name.
            job: Digest of the job.
            certificate: Ours, PEM.
            private_key: That of the certificate, PEM.
            fingerprints: Of the certificate of every child of the job.

        Returns:
            Who we are.

        Raises:
            SpecError: The certificate is too long, or its key makes signatures of another length.
        """
        plain = certificates.normal(certificate)
        if len(plain) > CERTIFICATE_BYTES:
            raise SpecError(
                f"the certificate has {len(plain):,} bytes in PEM, and where updates are summed "
                f"under masks it may have {CERTIFICATE_BYTES:,}: make one with `isthmus keys`."
            )
        found = cls(
            party, job, plain.ljust(CERTIFICATE_BYTES, b"\n"), private_key, dict(fingerprints)
        )
        if len(found._sign(b"")) != SIGNATURE_BYTES:
            raise SpecError(
                "the certificate is for a key on another curve than P-256, and where updates are "
                "summed under masks it has to be that one: make one with `isthmus keys`."
            )
        return found

    def sign_keys(self, number: int, start: str, keys: Keys) -> bytes:
        """Sign our public keys of one sum.

        Args:
            number: Of the round.
            start: SHA-256 of the parameters that the round starts from.
            keys: The keys.

        Returns:
            `SIGNATURE_BYTES` bytes.
        """
        return self._sign(_statement(_KEYS, self.job, self.party, number, start, keys))

    def sign_sum(self, context: bytes) -> bytes:
        """Sign that we take part in a sum; `Cohort.context` says in which."""
        return self._sign(_statement(_SUM, self.job, self.party, context))

    def has_signed_keys(
        self, child: str, certificate: bytes, signature: bytes, number: int, start: str, keys: Keys
    ) -> bool:
        """Whether another child has signed its public keys of a sum.

        Args:
            child: Its name.
            certificate: What is said to be its certificate, PEM.
            signature: What is said to be its signature.
            number: Of the round.
            start: SHA-256 of the parameters that the round starts from.
            keys: What are said to be its keys.

        Returns:
            True if certificate and signature are those of the child of the job.
        """
        statement = _statement(_KEYS, self.job, child, number, start, keys)
        return self._has_signed(child, certificate, signature, statement)

    def has_signed_sum(
        self, child: str, certificate: bytes, signature: bytes, context: bytes
    ) -> bool:
        """Whether another child has signed that it takes part in a sum.

        Args:
            child: Its name.
            certificate: What is said to be its certificate, PEM.
            signature: What is said to be its signature.
            context: Of the sum.

        Returns:
            True if certificate and signature are those of the child of the job.
        """
        statement = _statement(_SUM, self.job, child, context)
        return self._has_signed(child, certificate, signature, statement)

    def _sign(self, statement: bytes) -> bytes:
        return certificates.sign(self.private_key, statement)

    def _has_signed(
        self, child: str, certificate: bytes, signature: bytes, statement: bytes
    ) -> bool:
        try:
            known = certificates.fingerprint(certificate) == self.fingerprints.get(child)
            return known and certificates.verify(certificate, signature, statement)
        except SpecError:  # it is no certificate of ours
            return False


def _statement(*parts: object) -> bytes:
    return msgspec.msgpack.encode(parts)
