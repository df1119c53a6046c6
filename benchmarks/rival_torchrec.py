"""Trains the model of `tiers_run` with TorchRec on the processor: row-wise Adagrad in FBGEMM.

`python -m benchmarks.rival_torchrec FOLDER`, as `rival_torch`. FBGEMM's rows have a multiple of
four numbers: three of the 20 are idle.
"""

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from benchmarks import rival_torch
from benchmarks.rival_torch import FIELDS, FIRST, ROWS_RATE, Table

configs: Any = import_module("torchrec.modules.embedding_configs")
modules: Any = import_module("torchrec.modules.fused_embedding_modules")
optim: Any = import_module("torchrec.optim")
sparse: Any = import_module("torchrec.sparse.jagged_tensor")

WIDTH = 20
NAMES = [f"c{field:02}" for field in range(FIELDS)]


def fused(_kind: str, rows: int) -> Table:
    """A table that all fields share, whose backward pass updates it."""
    table = modules.FusedEmbeddingBagCollection(
        tables=[
            configs.EmbeddingBagConfig(
                name="rows",
                embedding_dim=WIDTH,
                num_embeddings=rows,
                feature_names=NAMES,
                weight_init_min=-FIRST,
                weight_init_max=FIRST,
            )
        ],
        optimizer_type=optim.RowWiseAdagrad,
        optimizer_kwargs={"lr": ROWS_RATE},
        device=torch.device("cpu"),
    )
    lengths = dict[int, Tensor]()

    def look_up(ids: Tensor) -> Tensor:
        ones = lengths.setdefault(len(ids), torch.ones(ids.numel(), dtype=torch.int32))
        asked = sparse.KeyedJaggedTensor(NAMES, ids.T.reshape(-1), lengths=ones)
        found: Tensor = table(asked).values()
        return found.view(len(ids), FIELDS, WIDTH)

    return Table(look_up, None)


if __name__ == "__main__":
    rival_torch.main(fused)
