from pathlib import Path

import pytest

from isthmus.paramserver.distributed.warming import compile_kernels
from isthmus.paramserver.spec import Adagrad, Adam, Ftrl, Optimizer, Server
from tests.tiers import make_plan


class TestCompileKernels:
    @pytest.mark.parametrize("optimizer", [Adagrad(), Adam(), Ftrl()])
    def test_writes_nothing_to_the_folders_of_the_run(
        self, tmp_path: Path, optimizer: Optimizer
    ) -> None:
        compile_kernels(make_plan(tmp_path, Server(shards=3, workers=3, rows=optimizer)))
        assert not list(tmp_path.iterdir())
