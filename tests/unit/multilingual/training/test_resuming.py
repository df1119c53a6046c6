"""Training of a transformer on masked pieces, killed and started again."""

from pathlib import Path

import pytest
import torch

from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.spec import Training
from isthmus.multilingual.training import loop
from isthmus.multilingual.training.checkpoints import Checkpoints
from isthmus.multilingual.training.loop import Weighted
from isthmus.multilingual.training.masked_tasks import BackTranslated, MaskedPieces
from isthmus.multilingual.training.task import TaskLoss
from isthmus.text.modern_bert import Transformer
from tests.unit.multilingual.training.test_masked_tasks import TOKENS, batches
from tests.unit.text.small_transformers import transformer

SPEC = Training(steps=8, rate=0.01, flat_steps=2, flat_below=0, save_every=3)


class Killed(MaskedPieces):
    """Dies at one step."""

    at = -1

    def loss(self, step: int) -> TaskLoss:
        if step == self.at:
            raise KeyboardInterrupt
        return super().loss(step)


def train(path: Path, at: int = -1) -> Transformer:
    path.mkdir(exist_ok=True)
    network = transformer(layers=1)
    first = Killed("camlm", network, batches("de", "en"), TOKENS)
    first.at = at
    second = BackTranslated(network, batches("de", corpus="alone"), TOKENS)
    tasks = [Weighted(first, 1.0), Weighted(second, 1.0, second=True)]
    loop.train(network, tasks, SPEC, Checkpoints(path / "c.npz", "job"), Telemetry())
    return network


class TestResuming:
    def test_gives_the_same_parameters_to_the_last_bit(self, tmp_path: Path) -> None:
        whole = train(tmp_path / "whole")
        for at in (4, 7):  # before the second task begins, and after
            with pytest.raises(KeyboardInterrupt):
                train(tmp_path / "killed", at)
        again = train(tmp_path / "killed")
        for name, parameter in whole.state_dict().items():
            assert torch.equal(parameter, again.state_dict()[name]), name
