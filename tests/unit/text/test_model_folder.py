import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from isthmus.core.errors import SpecError
from isthmus.text.model_folder import Embedder, StaticEmbedder, read, write_static
from isthmus.text.static import StaticEncoder, embed
from isthmus.text.tokenizer import Tokenizer
from tests.unit.text.peer import by_sentence_transformers

TEXTS = [
    "In the beginning was the word.",
    "Am Anfang war das Wort!",
    "",
    "a  b\nc",
    "🙂",
    "太初有道",
]
TOKENIZER = Tokenizer.train(TEXTS * 2, 600)
CARD = "# An encoder\n\nIt was trained on nothing.\n"


def encoder(seed: int = 0) -> StaticEncoder:
    made = StaticEncoder(TOKENIZER.size, 12)
    generator = np.random.default_rng(seed)
    made.begin(generator)
    made.log_weights.data.copy_(torch.tensor(generator.standard_normal(TOKENIZER.size)))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    write_static(path, encoder().folded(), TOKENIZER, CARD, ["de", "en"])
    return path


class TestWrite:
    def test_sentence_transformers_gives_the_same_vectors(self, folder: Path) -> None:
        texts = [
            *TEXTS,
            *(f"{text} {number}" for text in TEXTS for number in range(20)),
            "word " * 300,
        ]
        assert np.array_equal(by_sentence_transformers(folder, texts), read(folder).embed(texts))

    def test_the_vectors_are_those_of_the_encoder(self, folder: Path) -> None:
        assert np.array_equal(read(folder).embed(TEXTS), embed(encoder(), TOKENIZER.tokens(TEXTS)))

    def test_nothing_in_it_is_code(self, folder: Path) -> None:
        files = {str(it.relative_to(folder)) for it in folder.rglob("*") if it.is_file()}
        assert files == {
            "1_Normalize/config.json",
            "README.md",
            "config_sentence_transformers.json",
            "isthmus.json",
            "model.safetensors",
            "modules.json",
            "tokenizer.json",
        }

    def test_the_card_names_the_languages(self, folder: Path) -> None:
        card = (folder / "README.md").read_text()
        assert card.startswith("---\nlanguage:\n- de\n- en\nlibrary_name: sentence-transformers\n")
        assert card.endswith(f"---\n\n{CARD}")

    def test_replaces_what_was_there(self, folder: Path) -> None:
        (folder / "other").write_text("old")
        write_static(folder, encoder(1).folded(), TOKENIZER, CARD)
        assert not (folder / "other").exists()
        assert read(folder).languages == ()
        assert [it.name for it in folder.parent.iterdir()] == [folder.name]


class TestRead:
    def test_tells_what_it_is(self, folder: Path) -> None:
        found: Embedder = read(folder)
        assert (found.size, found.languages) == (12, ("de", "en"))
        assert found.tokenizer.digest == TOKENIZER.digest

    def test_an_empty_text_is_zero_and_no_texts_are_no_vectors(self, folder: Path) -> None:
        assert not read(folder).embed([""]).any()
        assert read(folder).embed([]).shape == (0, 12)

    def test_takes_what_sentence_transformers_stored(self, folder: Path) -> None:
        (folder / "isthmus.json").unlink()
        found = read(folder)
        assert isinstance(found, StaticEmbedder)
        assert np.array_equal(found.embed(TEXTS), by_sentence_transformers(folder, TEXTS))


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def store(folder: Path, **tensors: torch.Tensor) -> None:
    named = {name.replace("_", "."): tensor for name, tensor in tensors.items()}
    save_file(named, folder / "model.safetensors")


class TestRefused:
    def test_a_folder_that_is_no_model(self, tmp_path: Path) -> None:
        for path in (tmp_path, tmp_path / "missing"):
            with pytest.raises(SpecError, match="is not the folder of a model"):
                read(path)

    def test_a_model_of_another_kind(self, folder: Path) -> None:
        (folder / "isthmus.json").unlink()
        (folder / "modules.json").write_text('[{"type": "sentence_transformers.models.CLIPModel"}]')
        with pytest.raises(SpecError, match="another kind"):
            read(folder)

    @pytest.mark.parametrize("name", ["isthmus.json", "tokenizer.json", "model.safetensors"])
    @pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 200, b"[" * 100_000])
    def test_a_broken_file(self, folder: Path, name: str, content: bytes) -> None:
        (folder / name).write_bytes(content)
        with pytest.raises(SpecError, match=name):
            read(folder)

    @pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors"])
    def test_a_missing_file(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(SpecError, match=rf"{name}: cannot be read"):
            read(folder)

    def test_a_file_that_was_cut(self, folder: Path) -> None:
        path = folder / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(SpecError, match="does not hold parameters"):
            read(folder)

    def test_another_tokenizer(self, folder: Path) -> None:
        Tokenizer.train(["other words"] * 2, 600).save(folder / "tokenizer.json")
        with pytest.raises(SpecError, match="is another tokenizer"):
            read(folder)

    def test_a_table_of_another_shape(self, folder: Path) -> None:
        store(folder, embedding_weight=torch.zeros(TOKENIZER.size - 1, 12))
        with pytest.raises(SpecError, match=f"holds {TOKENIZER.size - 1} vectors of size 12"):
            read(folder)
        store(folder, embedding_weight=torch.zeros(TOKENIZER.size, 11))
        with pytest.raises(SpecError, match="of size 11"):
            read(folder)

    @pytest.mark.parametrize(
        "tensors",
        [
            {"other": torch.zeros(3, 3)},
            {"embedding_weight": torch.zeros(TOKENIZER.size)},
            {"embedding_weight": torch.zeros(TOKENIZER.size, 12, dtype=torch.int32)},
        ],
    )
    def test_no_table(self, folder: Path, tensors: dict[str, torch.Tensor]) -> None:
        store(folder, **tensors)
        with pytest.raises(SpecError, match="holds no table"):
            read(folder)

    def test_numbers_that_are_not_finite(self, folder: Path) -> None:
        table = encoder().folded()
        table[3, 4], table[5, 6] = torch.nan, torch.inf
        store(folder, embedding_weight=table)
        with pytest.raises(SpecError, match=r"2 of the [\d,]+ numbers"):
            read(folder)

    def test_a_format_of_the_future(self, folder: Path) -> None:
        change(folder / "isthmus.json", format=2)
        with pytest.raises(SpecError, match=r"isthmus\.json: does not describe a model"):
            read(folder)

    def test_a_write_that_fails_leaves_the_old_model(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = read(folder).embed(TEXTS)
        copy = folder.with_name("copy")
        shutil.copytree(folder, copy)

        def fail(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("isthmus.text.model_files.write_parameters", fail)
        with pytest.raises(KeyboardInterrupt):
            write_static(copy, encoder(1).folded(), TOKENIZER, CARD)
        assert np.array_equal(read(copy).embed(TEXTS), before)
