"""The program inside an enclave: `python -m isthmus.alignment.attested`."""

from isthmus.alignment.attested.enclave import enclave
from isthmus.alignment.attested.memory import check
from isthmus.alignment.attested.messages import EnclaveStart
from isthmus.tee.process import inside, limit_memory


def main() -> None:
    """Serve one alignment to the party at the other end of standard input and output."""
    with inside() as party:
        start = party.receive(EnclaveStart)
        limit_memory(start.terms.memory_mib)
        check(start)
        enclave(party, start)


if __name__ == "__main__":
    main()
