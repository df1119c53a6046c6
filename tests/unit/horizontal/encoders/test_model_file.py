"""A model in a folder."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import safetensors.torch
import torch

from isthmus.core.errors import SpecError
from isthmus.horizontal.encoders.head import tuned
from isthmus.horizontal.encoders.inputs import scaling_of
from isthmus.horizontal.encoders.learner import encoder_of, initial
from isthmus.horizontal.encoders.model import Model, embeddings, predicted
from isthmus.horizontal.encoders.model_file import load_module, read, save
from isthmus.horizontal.parameters import digest
from isthmus.nn import build
from isthmus.nn.spec import Network
from tests.learning import NETWORKS, RANGED, TABULAR, encoders, samples


def model(network: Network = TABULAR) -> Model:
    learned = encoder_of(initial(encoders(network), 1))
    return Model(network, learned, scaling_of(network, samples(network)))


class TestModelFile:
    @pytest.mark.parametrize("network", [*NETWORKS, RANGED])
    def test_gives_the_same_model_again(self, network: Network, tmp_path: Path) -> None:
        save(tmp_path, model(network))
        found = read(tmp_path)
        assert found.network == network
        assert digest(found.encoder) == digest(model(network).encoder)
        expected = embeddings(model(network), samples(network))
        assert np.array_equal(embeddings(found, samples(network)), expected)

    def test_holds_a_head_with_its_classes(self, tmp_path: Path) -> None:
        whole = tuned(encoders(), initial(encoders(), 1), samples(), 1, "ada")
        save(tmp_path, whole)
        assert predicted(read(tmp_path), samples()) == predicted(whole, samples())

    def test_is_loaded_as_a_module(self, tmp_path: Path) -> None:
        save(tmp_path, model())
        assert load_module(tmp_path)(torch.ones(2, 3)).shape == (2, 4)

    def test_needs_nothing_of_ours_but_the_module(self, tmp_path: Path) -> None:
        save(tmp_path, model())
        config = json.loads((tmp_path / "config.json").read_text())
        module = build.encoder(msgspec.convert(config["network"], Network))
        module.load_state_dict(safetensors.torch.load_file(tmp_path / "model.safetensors"))
        inputs = torch.ones(2, 3)
        assert torch.equal(module(inputs), load_module(tmp_path)(inputs))


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-5])


def exchange(folder: Path) -> None:
    save(folder / "other", Model(TABULAR, encoder_of(initial(encoders(), 2))))
    (folder / "other" / "model.safetensors").replace(folder / "model.safetensors")


def remove(folder: Path) -> None:
    (folder / "config.json").unlink()


def poison(folder: Path) -> None:
    infinite = {name: np.full_like(it, np.inf) for name, it in model().encoder.items()}
    save(folder, Model(TABULAR, infinite))


def add(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"code": "import os"}))


class TestABrokenFolder:
    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            (cut, "no whole model"),
            (exchange, "does not have the digest"),
            (remove, "not the description of a model"),
            (poison, "does not have the digest"),
            (add, "something in it is missing or is not what isthmus writes"),
        ],
    )
    def test_is_refused(self, damage: Callable[[Path], None], said: str, tmp_path: Path) -> None:
        save(tmp_path, model())
        damage(tmp_path)
        with pytest.raises(SpecError, match=said):
            read(tmp_path)
