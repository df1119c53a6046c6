"""One party of SecretFlow's SGB, which needs nothing of ours: boosted trees under HEU.

`python rival_sgb.py SETTINGS PARTY ADDRESS ADDRESS FILE FILE` leaves what it took in cost.json.
SETTINGS is the table [boosting] of a job in JSON; the first party has the labels. This is the
production mode of SecretFlow without Ray: a party is one process. The line is brpc, which listens
on its address alone; with gRPC, SecretFlow would listen on all.
"""

import json
import os
import resource
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import secretflow as sf
from numpy.typing import NDArray
from secretflow.data import FedNdarray, PartitionWay
from secretflow.ml.boost.sgb_v import Sgb
from sklearn.metrics import roc_auc_score
from spu import spu_pb2

PARTIES = ("active", "passive")

SCHEMES = {"okamoto-uchiyama": "ou", "paillier": "zpaillier"}

PATIENCE = 3_600_000
"""Milliseconds that one party waits for the other; by itself it would give up after 30 s."""

ACKNOWLEDGED = 120
"""Where Linux's `struct tcp_info` has `tcpi_bytes_acked`."""


def main(settings: dict[str, Any], us: int, addresses: list[str], files: list[str]) -> None:
    parties = {name: {"address": at} for name, at in zip(PARTIES, addresses, strict=True)}
    sf.init(
        cluster_config={"parties": parties, "self_party": PARTIES[us]},
        ray_mode=False,
        cross_silo_comm_backend="brpc_link",
        cross_silo_comm_options={"recv_timeout_ms": PATIENCE, "http_timeout_ms": PATIENCE},
        logging_level="warning",
    )
    active, passive = (sf.PYU(name) for name in PARTIES)
    owned = list(zip((active, passive), files, strict=True))
    encryption = sf.HEU(cipher(settings["encryption"]), spu_pb2.FM128)
    marks = [mark()]
    model = Sgb(encryption).train(
        parameters(settings),
        joint(owned, "x"),
        joint(owned[:1], "y"),
        dump_function=lambda *_: marks.append(mark()),
    )
    predicted = model.predict(joint(owned, "x_test"), active).partitions[active]
    label = joint(owned[:1], "y_test").partitions[active]
    auc = sf.reveal(active(roc_auc_score)(label, predicted))
    Path("cost.json").write_text(json.dumps({"marks": marks, "auc": auc}))
    sf.shutdown()


def cipher(asked: dict[str, Any]) -> dict[str, Any]:
    """Who has the key, who computes under it, and which it is."""
    active, passive = PARTIES
    return {
        "sk_keeper": {"party": active},
        "evaluators": [{"party": passive}],
        "mode": "PHEU",
        "he_parameters": {
            "schema": SCHEMES[asked["scheme"]],
            "key_pair": {"generate": {"bit_size": asked["key_bits"]}},
        },
    }


def parameters(settings: dict[str, Any]) -> dict[str, Any]:
    """What SGB calls what was asked for; all else as it comes."""
    asked = {
        "num_boost_round": settings["trees"],
        "max_depth": settings["depth"],
        "sketch_eps": 1 / settings["bins"],
        "learning_rate": settings["learning_rate"],
        "reg_lambda": settings["l2"],
        "gamma": settings["minimum_gain"],
        "objective": "logistic",
        "first_tree_with_label_holder_feature": False,
    }
    if settings["sampling"] == "goss":
        asked["enable_goss"] = True
        asked["top_rate"] = settings["top_share"]
        asked["bottom_rate"] = settings["other_share"]
    return asked


def joint(owned: list[tuple[Any, str]], name: str) -> Any:
    """Columns where they are: each party reads its own file."""
    return FedNdarray(
        partitions={party: party(read)(file, name) for party, file in owned},
        partition_way=PartitionWay.VERTICAL,
    )


def read(file: str, name: str) -> NDArray[np.float64]:
    array: NDArray[np.float64] = np.load(file)[name]
    return array.reshape(len(array), -1)


def mark() -> dict[str, float]:
    """Where training is now: the time, and what was spent until then."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    cpu = spent.ru_utime + spent.ru_stime
    return {"time": time.perf_counter(), "cpu": cpu, "sent": bytes_sent()}


def bytes_sent() -> int:
    """What went over the TCP connections that are open."""
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
    main(json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3:5], sys.argv[5:7])
