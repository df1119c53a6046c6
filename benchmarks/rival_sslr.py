"""One party of SecretFlow's SS-LR, which needs nothing of ours: regression on secret shares.

`python rival_sslr.py SETTINGS PARTY ADDRESS ADDRESS ADDRESS ADDRESS FILE FILE` leaves what it took
in cost.json. SETTINGS is a JSON object of `SSRegression.fit`'s arguments; the first party has the
labels. Two addresses are SecretFlow's own, two are SPU's. The protocol is semi2k, whose random
triples come from a dealer whom both trust: here the first party plays it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import secretflow as sf
from secretflow.ml.linear.ss_sgd import SSRegression
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).parents[1]))  # it runs isolated

from benchmarks.rival_sgb import PARTIES, PATIENCE, joint, mark


def main(settings: dict[str, Any], us: int, addresses: list[str], files: list[str]) -> None:
    parties = {name: {"address": at} for name, at in zip(PARTIES, addresses[:2], strict=True)}
    sf.init(
        cluster_config={"parties": parties, "self_party": PARTIES[us]},
        ray_mode=False,
        cross_silo_comm_backend="brpc_link",
        cross_silo_comm_options={"recv_timeout_ms": PATIENCE, "http_timeout_ms": PATIENCE},
        logging_level="warning",
    )
    active, passive = (sf.PYU(name) for name in PARTIES)
    owned = list(zip((active, passive), files, strict=True))
    model = SSRegression(sf.SPU(cluster(addresses[2:]), {"recv_timeout_ms": PATIENCE}))
    marks = [mark()]
    model.fit(
        joint(owned, "x"),
        joint(owned[:1], "y"),
        reg_type="logistic",
        penalty="l2",
        epoch_callback=lambda *_: marks.append(mark()),
        **settings,
    )
    predicted = model.predict(joint(owned, "x_test"), to_pyu=active).partitions[active]
    label = joint(owned[:1], "y_test").partitions[active]
    auc = sf.reveal(active(roc_auc_score)(label, predicted))
    Path("cost.json").write_text(json.dumps({"marks": marks, "auc": auc}))
    sf.shutdown()


def cluster(addresses: list[str]) -> dict[str, Any]:
    """The device of secret shares."""
    nodes = [
        {"party": name, "address": at, "listen_addr": at}
        for name, at in zip(PARTIES, addresses, strict=True)
    ]
    return {"nodes": nodes, "runtime_config": {"protocol": "SEMI2K", "field": "FM64"}}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3:7], sys.argv[7:9])
