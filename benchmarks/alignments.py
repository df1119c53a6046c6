"""Our alignments, each party a process of this machine, with gRPC and mutual TLS between them."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psutil

from benchmarks import identifiers, lines
from benchmarks.cost import Cost, Run, peak_memory
from benchmarks.lines import Identities
from benchmarks.rivals import free_addresses
from isthmus.alignment.attested import terms as attested
from isthmus.alignment.attested.party import Trust, party
from isthmus.alignment.attested.spec import AttestedAlignment
from isthmus.alignment.cryptographic.receiver import receiver
from isthmus.alignment.cryptographic.rows import Terms
from isthmus.alignment.cryptographic.sender import sender
from isthmus.alignment.cryptographic.spec import CryptographicAlignment, Protocol
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import certificates
from isthmus.tee.evidence import Kind
from isthmus.tee.policy import EnclavePolicy
from isthmus.tee.process import enclave
from isthmus.tee.spec import Enclave

FIRST, OTHER = "first", "other"
"""The first party listens. It is the receiver, or identifiers meet in its enclave."""

ENCLAVE_MIB = 3_800
"""Memory that an enclave may have, by RLIMIT_AS: within 4 GB."""

_WAIT = 60.0

Play = Callable[[str, Path, Identities, str], Cost]
"""Of one party: its name, its file of identifiers, all identities, and the first one's address."""


def align_attested(files: Sequence[Path]) -> Run:
    """Let parties align their files inside simulated enclaves: each party is two processes."""
    return _together(_attested, files)


def align_cryptographic(files: Sequence[Path], protocol: Protocol) -> Run:
    """Let parties align their files without enclaves."""
    return _together(partial(_cryptographic, protocol), files)


def _together(play: Play, files: Sequence[Path]) -> Run:
    began = time.perf_counter()
    (address,) = free_addresses(1)
    parties = lines.identities((FIRST, OTHER))
    spawn = multiprocessing.get_context("spawn")  # a forked gRPC does not work
    with ProcessPoolExecutor(len(files), spawn) as processes:
        playing = [
            processes.submit(play, name, file, parties, address)
            for name, file in zip(parties, files, strict=True)
        ]
        costs = [future.result() for future in playing]
    return Run(costs, time.perf_counter() - began)


def _attested(us: str, file: Path, parties: Identities, address: str) -> Cost:
    wanted = AttestedAlignment(minimum_size=1, memory_mib=ENCLAVE_MIB)
    terms = attested.Terms(
        job="benchmark",
        dataset="rows",
        parties=(FIRST, OTHER),
        certificates={name: certificates.normal(it.certificate) for name, it in parties.items()},
        minimum_size=wanted.minimum_size,
        rows_step=wanted.rows_step,
        results=wanted.results,
        memory_mib=wanted.memory_mib,
    )
    policy = EnclavePolicy(allow_simulated=True)
    sign = partial(certificates.sign, parties[us].private_key)
    trust = Trust(Kind.SIMULATED, b"", policy, datetime.now(UTC), sign)
    with enclave(Enclave(), "isthmus.alignment.attested", _WAIT) as ours_inside:
        (inside,) = [child.pid for child in psutil.Process().children()]
        ours = identifiers.read(file)
        with lines.line(us, parties, address) as line:
            wall, cpu = time.perf_counter(), _cpu_seconds(inside)
            peers = {line.peer: line}
            found = party(us, peers, ours, terms, ours_inside, trust, Telemetry(), {})
            wall, cpu = time.perf_counter() - wall, _cpu_seconds(inside) - cpu
            assert found.index is not None
            enclave_memory = peak_memory(inside)
            memory = peak_memory() + enclave_memory
            return Cost(wall, cpu, memory, line.bytes_sent, len(found.index), enclave_memory)


def _cryptographic(
    protocol: Protocol, us: str, file: Path, parties: Identities, address: str
) -> Cost:
    ours = identifiers.read(file)
    spec = CryptographicAlignment(minimum_size=1, protocol=protocol)
    terms = Terms(spec, b"", dict.fromkeys(parties), (protocol,))
    with lines.line(us, parties, address) as line:
        wall, cpu = time.perf_counter(), _cpu_seconds()
        if us == FIRST:
            index = receiver([line], ours, terms, Telemetry())
        else:
            index = sender(line, ours, terms, Telemetry())
        wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
        return Cost(wall, cpu, peak_memory(), line.bytes_sent, len(index))


def _cpu_seconds(*others: int) -> float:
    seconds = time.process_time()
    for process in others:
        spent = psutil.Process(process).cpu_times()
        seconds += spent.user + spent.system
    return seconds
