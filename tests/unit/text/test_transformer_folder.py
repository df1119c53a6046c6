"""Folders of transformers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from isthmus.core.errors import SpecError
from isthmus.text import modern_bert, transformer_parameters
from isthmus.text.model_folder import read
from isthmus.text.spec import Encoder
from isthmus.text.tokenizer import Tokenizer
from isthmus.text.transformer_folder import (
    TransformerEmbedder,
    read_transformer,
    write_transformer,
)
from tests.unit.text.peer import by_sentence_transformers

TEXTS = [
    "In the beginning was the word.",
    "Am Anfang war das Wort!",
    "",
    "a  b\nc",
    "🙂",
    "太初有道",
    "word " * 300,
]
TOKENIZER = Tokenizer.train(TEXTS * 2, 600)
CARD = "# An encoder\n"


def embedder(seed: int = 0) -> TransformerEmbedder:
    encoder = Encoder(type="tiny", size=32, layers=2, length=100)
    made = modern_bert.make(encoder, TOKENIZER.size, TOKENIZER.specials())
    transformer_parameters.begin(made, np.random.default_rng(seed))
    for parameter in made.parameters():  # so that equal vectors say something
        parameter.data *= 5
    return TransformerEmbedder(made.eval(), TOKENIZER, 100, ("de", "en"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    write_transformer(path, embedder(), CARD)
    return path


class TestWrite:
    def test_sentence_transformers_gives_the_same_vectors(self, folder: Path) -> None:
        found = read(folder).embed(TEXTS)
        assert np.abs(by_sentence_transformers(folder, TEXTS) - found).max() < 1e-6
        assert np.abs(embedder().embed(TEXTS) - found).max() == 0

    def test_the_library_gives_the_same_places(self, folder: Path) -> None:
        alone = AutoModel.from_pretrained(folder, local_files_only=True).eval()
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        read_of = tokenizer(TEXTS[-1], truncation=True, return_tensors="pt")
        assert read_of["input_ids"].shape == (1, 102)
        with torch.no_grad():
            mean = alone(**read_of).last_hidden_state[0].mean(dim=0)
        expected = torch.nn.functional.normalize(mean, dim=0).numpy()
        assert np.abs(read(folder).embed(TEXTS[-1:])[0] - expected).max() < 1e-6

    def test_the_head_is_kept_where_it_is_trained(self, tmp_path: Path) -> None:
        trained = embedder()
        trained.transformer.network.decoder.bias.data[3] = 1
        write_transformer(tmp_path / "model", trained, CARD)
        whole = AutoModelForMaskedLM.from_pretrained(tmp_path / "model", local_files_only=True)
        ours = trained.transformer.network
        for name, parameter in ours.state_dict().items():
            assert torch.equal(whole.state_dict()[name], parameter), name
        assert np.array_equal(read(tmp_path / "model").embed(TEXTS), embedder().embed(TEXTS))

    def test_nothing_in_it_is_code(self, folder: Path) -> None:
        files = {str(it.relative_to(folder)) for it in folder.rglob("*") if it.is_file()}
        assert files == {
            "1_Pooling/config.json",
            "2_Normalize/config.json",
            "README.md",
            "config.json",
            "config_sentence_transformers.json",
            "isthmus.json",
            "model.safetensors",
            "modules.json",
            "sentence_bert_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
        }


class TestRead:
    def test_tells_what_it_is(self, folder: Path) -> None:
        found = read(folder)
        assert isinstance(found, TransformerEmbedder)
        assert (found.size, found.languages, found.length) == (32, ("de", "en"), 100)

    def test_takes_what_the_library_stored(self, folder: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        AutoModel.from_pretrained(folder, local_files_only=True).save_pretrained(other)
        TOKENIZER.save(other / "tokenizer.json")
        found = read(other)
        assert found.languages == ()
        assert np.array_equal(found.embed(TEXTS), embedder().embed(TEXTS))

    def test_a_missing_head_is_drawn_to_train_on(self, folder: Path) -> None:
        first, again, other = (
            read_transformer(folder, np.random.default_rng(seed)).transformer.network
            for seed in (0, 0, 1)
        )
        assert torch.equal(first.head.dense.weight, again.head.dense.weight)
        assert not torch.equal(first.head.dense.weight, other.head.dense.weight)
        expected = embedder().transformer.table
        assert torch.equal(first.model.embeddings.tok_embeddings.weight, expected)


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


class TestRefused:
    def test_a_model_of_another_type(self, folder: Path) -> None:
        change(folder / "config.json", model_type="gpt2")
        with pytest.raises(SpecError, match=r"config\.json: describes a model of type 'gpt2'"):
            read(folder)

    @pytest.mark.parametrize(
        "values",
        [{"num_attention_heads": 5}, {"num_hidden_layers": "two"}, {"layer_types": ["strange"]}],
    )
    def test_a_configuration_that_cannot_be(self, folder: Path, values: dict[str, Any]) -> None:
        change(folder / "config.json", **values)
        with pytest.raises(SpecError, match=r"config\.json: does not describe a ModernBERT"):
            read(folder)

    def test_another_tokenizer(self, folder: Path) -> None:
        (folder / "isthmus.json").unlink()
        Tokenizer.train([chr(it) * 2 for it in range(97, 600)] * 2, 2000).save(
            folder / "tokenizer.json"
        )
        with pytest.raises(
            SpecError, match=r"config\.json: has vectors of \d+ pieces, and the tok"
        ):
            read(folder)

    def test_parameters_that_are_missing(self, folder: Path) -> None:
        path = folder / "model.safetensors"
        known = load_file(path)
        del known["final_norm.weight"]
        save_file(known, path)
        with pytest.raises(SpecError, match=r"lacks 1 parameters, such as model\.final_norm\.wei"):
            read(folder)

    def test_parameters_of_another_shape(self, folder: Path) -> None:
        path = folder / "model.safetensors"
        save_file(load_file(path) | {"final_norm.weight": torch.ones(31)}, path)
        with pytest.raises(SpecError, match=r"holds model\.final_norm\.weight of shape \(31,\)"):
            read(folder)

    def test_a_tokenizer_without_special_pieces_around_a_text(self, folder: Path) -> None:
        (folder / "isthmus.json").unlink()
        change(folder / "tokenizer.json", post_processor=None)
        with pytest.raises(
            SpecError, match=r"tokenizer\.json: puts 0 special pieces around a text"
        ):
            read(folder)

    @pytest.mark.parametrize("name", ["config.json", "sentence_bert_config.json"])
    @pytest.mark.parametrize("content", [b"", b"[]", b"\xff" * 200, b"[" * 100_000])
    def test_a_broken_file(self, folder: Path, name: str, content: bytes) -> None:
        (folder / name).write_bytes(content)
        with pytest.raises(SpecError, match=name):
            read(folder)
