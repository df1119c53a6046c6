"""Statements that children sign in a sum under masks, though all of them come through the master.

1. The public keys of a sum, with the job, the round and the parameters that the round starts from.
2. The whole sum, with the keys of all who take part. They are new for every sum, so that no
   signature for another sum, round or run fits this one.
"""

from isthmus.crypto import identity
from isthmus.horizontal.privacy.messages import Keys

_KEYS, _SUM = "isthmus: keys of masks, 2", "isthmus: sum under masks, 2"


class Identity(identity.Identity):
    """Who we are among the children of a job, and by what we know the others."""

    def sign_keys(self, number: int, start: str, keys: Keys) -> bytes:
        """Sign our public keys of one sum.

        Args:
            number: Of the round.
            start: SHA-256 of the parameters that the round starts from.
            keys: The keys.

        Returns:
            `SIGNATURE_BYTES` bytes.
        """
        return self.sign(_KEYS, self.party, number, start, keys)

    def sign_sum(self, context: bytes) -> bytes:
        """Sign that we take part in a sum; `Cohort.context` says in which."""
        return self.sign(_SUM, self.party, context)

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
        return self.has_signed(child, certificate, signature, _KEYS, child, number, start, keys)

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
        return self.has_signed(child, certificate, signature, _SUM, child, context)
