"""Trains a table of FBGEMM on the ids of `rival_pandas`: `python -m benchmarks.rival_fbgemm`.

Prints a line of JSON: ids per CPU second of a forward and a fused backward pass, row-wise Adagrad.
"""

import json

import numpy as np
import torch
from fbgemm_gpu.split_embedding_configs import EmbOptimType
from fbgemm_gpu.split_table_batched_embeddings_ops_common import EmbeddingLocation
from fbgemm_gpu.split_table_batched_embeddings_ops_training import (
    ComputeDevice,
    SplitTableBatchedEmbeddingBagsCodegen,
)
from numpy.typing import NDArray

from benchmarks.rival_pandas import gradient, ids_per_s, zipf

ROWS, IDS, STEPS, DIMENSION = 1_000_000, 100_000, 12, 16


def main() -> dict[str, float]:
    torch.set_num_threads(1)
    table = SplitTableBatchedEmbeddingBagsCodegen(
        [(ROWS, DIMENSION, EmbeddingLocation.HOST, ComputeDevice.CPU)],
        optimizer=EmbOptimType.EXACT_ROWWISE_ADAGRAD,
        learning_rate=0.05,
        device=torch.device("cpu"),
    )
    change = torch.from_numpy(gradient(IDS))
    offsets = torch.arange(IDS + 1)

    def step(ids: NDArray[np.int64]) -> None:
        table(torch.from_numpy(ids), offsets).backward(change)

    return {"fbgemm": ids_per_s(step, zipf(ROWS, IDS, STEPS))}


if __name__ == "__main__":
    print(json.dumps(main()))
