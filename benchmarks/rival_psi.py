"""One party of an intersection by RR22 of SecretFlow's spu, which needs nothing of ours.

`python rival_psi.py FILE RANK ADDRESS ADDRESS` leaves what it took in cost.json. (And a trace of
2 kB in /tmp, which spu cannot be told to leave out.)
"""

import json
import os
import re
import resource
import socket
import struct
import sys
import time
from pathlib import Path

from spu import psi
from spu.libspu import link

ACKNOWLEDGED = 120
"""Where Linux's `struct tcp_info` has `tcpi_bytes_acked`."""


def main(file: str, rank: int, addresses: list[str]) -> None:
    parties = link.Desc()
    for party, address in enumerate(addresses):
        parties.add_party(str(party), address)
    line = link.create_brpc(parties, rank)
    ours, shared = (Path.cwd() / name for name in ("ours.csv", "shared.csv"))
    ours.symlink_to(file)  # spu remembers beside a file what it counted in it
    task = psi.PsiExecuteConfig(
        psi.PsiProtocolConfig(psi.PsiProtocol.PROTOCOL_RR22, broadcast_result=True),
        psi.InputParams(path=str(ours), selected_keys=["id"], keys_unique=True),
        psi.OutputParams(path=str(shared)),
    )

    line.barrier()
    wall, cpu = time.perf_counter(), cpu_seconds()
    report = psi.psi_execute(task, line)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu

    cost = {"wall": wall, "cpu": cpu, "memory": peak_memory(), "sent": bytes_sent()}
    cost["shared"] = report.intersection_count
    Path("cost.json").write_text(json.dumps(cost))
    line.stop_link()


def cpu_seconds() -> float:
    """Of this process and of the `sort` programs that it starts."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def peak_memory() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def bytes_sent() -> int:
    """What went over the TCP connections that are still open: spu itself does not tell."""
    total = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        if descriptor.is_symlink() and str(descriptor.readlink()).startswith("socket:"):
            with socket.socket(fileno=os.dup(int(descriptor.name))) as connection:
                total += acknowledged(connection)
    return total


def acknowledged(connection: socket.socket) -> int:
    if connection.family != socket.AF_INET:
        return 0
    facts = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    (count,) = struct.unpack_from("Q", facts, ACKNOWLEDGED)
    return int(count)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
