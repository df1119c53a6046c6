"""A language is added to an encoder that is there; the figures before stand beside the new ones."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.errors import SpecError
from isthmus.jobs import finished, texts
from isthmus.jobs.check import check
from isthmus.jobs.local.results import LocalResult
from isthmus.jobs.run import run
from isthmus.store.runs import Run
from isthmus.text import model_folder
from tests.unit.multilingual import small_job
from tests.unit.multilingual.made_texts import parallel
from tests.unit.multilingual.small_job import LANGUAGES

OLD, NEW = LANGUAGES[:2], LANGUAGES[2]


def paths(name: str, languages: tuple[str, ...]) -> dict[str, Any]:
    return {"path": {language: f"{name}.{language}.txt" for language in languages}}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static encoder of two languages, whose vocabulary has the letters of the third."""
    folder = tmp_path_factory.mktemp("old")
    small_job.write(folder)
    small_job.lines(folder, "alone", {NEW: parallel([NEW], 200, seed=3)[NEW]})
    made = run(
        small_job.write(
            folder,
            corpora={
                "train": paths("train", OLD) | {"document_rows": 10},
                "alone": {"path": f"alone.{NEW}.txt", "languages": [NEW], "document_rows": 10},
            },
            tests={"other": paths("other", OLD)},
        )
    )
    return made.tables


def job(folder: Path, model: Path, **encoder: Any) -> Path:
    """A job that adds the third language, and keeps texts in the others to train on."""
    return small_job.write(
        folder,
        rows=150,
        corpora={
            "new": paths("train", ("xa", NEW)) | {"document_rows": 10},
            "old": paths("train", OLD) | {"document_rows": 10},
        },
        encoder={"continued": str(model), "length": 32} | encoder,
    )


class TestStatic:
    @pytest.fixture(scope="class")
    @staticmethod
    def ended(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
        return run(job(tmp_path_factory.mktemp("new"), model))

    @pytest.fixture(scope="class")
    @staticmethod
    def tops(ended: Run) -> dict[tuple[str, str], tuple[float, float]]:
        """Before and after, by pair of languages, in texts that neither was trained on."""
        result = finished.read(ended)
        assert isinstance(result, LocalResult)
        assert result.retrieval is not None
        return {
            (it.left, it.right): (it.methods["before"].top1, it.methods["encoder"].top1)
            for it in result.retrieval.pairs
            if it.data == "other"
        }

    def test_learns_the_new_language(
        self, tops: dict[tuple[str, str], tuple[float, float]]
    ) -> None:
        before, after = tops["xa", NEW]
        assert before < 30
        assert after > 70

    def test_stands_beside_what_it_was_in_the_old_ones(
        self, tops: dict[tuple[str, str], tuple[float, float]]
    ) -> None:
        before, after = tops["xa", "xb"]
        assert before > 70
        assert after > 70

    def test_knows_the_old_languages_and_the_new_one(self, ended: Run) -> None:
        assert model_folder.read(ended.tables).languages == LANGUAGES
        card = (ended.tables / "README.md").read_text()
        assert "- xb" in card
        assert "before this run" in card

    def test_is_announced(self, model: Path, tmp_path: Path) -> None:
        steps = check(job(tmp_path, model)).steps
        assert any(step.startswith("Go on with the encoder on pairs x 1") for step in steps)
        assert "beside the encoder before, characters" in steps[-1]

    def test_is_evaluated_in_the_old_languages_too(self, ended: Run) -> None:
        folder = ended.folder.parent.parent
        found = texts.evaluate(ended.folder, [folder / f"other.{it}.txt" for it in OLD])
        assert [(it.left, it.right) for it in found.retrieval.pairs] == [OLD]


class TestRefusals:
    def test_of_a_transformer_that_is_to_be_static(self, tmp_path: Path) -> None:
        other = tmp_path / "bert"
        other.mkdir()
        (other / "config.json").write_text(json.dumps({"model_type": "modernbert"}))
        with pytest.raises(SpecError, match=r"holds a transformer encoder, and .*set it to 'tiny'"):
            check(job(tmp_path, other))

    def test_of_a_static_encoder_that_is_to_have_layers(self, model: Path, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"holds a static encoder, and .*set it to 'static'"):
            check(job(tmp_path, model, type="tiny"))

    def test_of_another_size(self, model: Path, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"has vectors of 16 numbers, and .* is 24: leave it"):
            run(job(tmp_path, model, size=24))

    def test_of_beginnings_that_are_longer_than_its_vectors(
        self, model: Path, tmp_path: Path
    ) -> None:
        file = job(tmp_path, model)
        file.write_text(
            file.read_text().replace("[multilingual]\n", "[multilingual]\nmatryoshka = [100]\n")
        )
        with pytest.raises(SpecError, match=r"a length of 100, but vectors have 16 numbers"):
            check(file)

    def test_of_a_folder_that_is_no_model(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="nowhere: is not the folder of a model"):
            check(job(tmp_path, tmp_path / "nowhere"))

    def test_of_a_model_of_another_library(self, tmp_path: Path) -> None:
        rows = [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.CLIPModel"}
        ]
        (tmp_path / "clip").mkdir()
        (tmp_path / "clip" / "modules.json").write_text(json.dumps(rows))
        with pytest.raises(SpecError, match=r"of another kind .* it begins with 'CLIPModel'"):
            check(job(tmp_path, tmp_path / "clip"))

    def test_of_a_tokenizer_with_another_digest(self, model: Path, tmp_path: Path) -> None:
        copied = tmp_path / "copied"
        shutil.copytree(model, copied)
        tokenizer = json.loads((copied / "tokenizer.json").read_text())
        tokenizer["model"]["vocab"]["new"] = len(tokenizer["model"]["vocab"])
        (copied / "tokenizer.json").write_text(json.dumps(tokenizer))
        with pytest.raises(SpecError, match="is another tokenizer than the one that was trained"):
            check(job(tmp_path, copied))

    def test_of_the_latest_run_which_will_be_another(self, model: Path, tmp_path: Path) -> None:
        runs = model.parent.parent
        says = rf"leads through `latest`, .* Name the run itself: {re.escape(str(model.resolve()))}"
        with pytest.raises(SpecError, match=says):
            check(job(tmp_path, runs / "latest" / "model"))

    def test_of_a_tokenizer_that_is_not_there(self, tmp_path: Path) -> None:
        file = small_job.write(tmp_path, encoder={"tokenizer": "none.json"})
        with pytest.raises(SpecError, match=r"none\.json: cannot be read"):
            check(file)
