"""Jobs with transformers and masked pieces, from corpora to a model in use."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.jobs import finished
from isthmus.jobs.load import load_job
from isthmus.jobs.local.results import LocalResult
from isthmus.jobs.run import run
from isthmus.multilingual.spec import Training
from isthmus.store.runs import Run
from isthmus.text import model_folder
from isthmus.text.transformer_folder import TransformerEmbedder
from tests.unit.multilingual import small_job

SMALL = {"size": 16, "vocabulary": 512, "length": 32}
SHORT = {"batch": 16, "steps": 6, "flat_steps": 2, "save_every": 3, "rate": 0.003}


def ended(folder: Path, **keys: Any) -> tuple[Run, LocalResult]:
    made = run(small_job.write(folder, rows=80, **({"training": SHORT} | keys)))
    result = finished.read(made)
    assert isinstance(result, LocalResult)
    return made, result


class TestTwoTasks:
    @pytest.fixture(scope="class")
    @staticmethod
    def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, LocalResult]:
        return ended(
            tmp_path_factory.mktemp("two"),
            encoder=SMALL | {"type": "tiny"},
            objectives={"pairs": 0, "switched": 1, "camlm": 0.1, "btmlm": 0.1},
            mixing={"providers": ["dictionary", "model"]},
        )

    def test_the_second_begins_at_half_of_the_steps_at_the_latest(
        self, made: tuple[Run, LocalResult]
    ) -> None:
        assert "all losses were flat" in made[1].ending or "6 steps" in made[1].ending
        losses = {
            name
            for line in made[0].events.read_text().splitlines()
            for name in json.loads(line).get("metrics", {})
        }
        assert {"loss_switched", "loss_camlm", "loss_btmlm"} <= losses

    def test_the_model_serves_with_its_head(self, made: tuple[Run, LocalResult]) -> None:
        found = model_folder.read(made[0].tables)
        assert isinstance(found, TransformerEmbedder)
        assert found.transformer.predicts
        assert np.linalg.norm(found.embed(["abc", ""]), axis=1) == pytest.approx(1, abs=1e-6)

    def test_is_measured_after_each_layer(self, made: tuple[Run, LocalResult]) -> None:
        assert made[1].retrieval is not None
        for pair in made[1].retrieval.pairs:
            before, after = pair.layers
            assert after.top1 == pytest.approx(pair.methods["encoder"].top1, abs=3)
            assert before != after

    def test_can_be_continued_with_a_teacher(
        self, made: tuple[Run, LocalResult], tmp_path: Path
    ) -> None:
        model = str(made[0].tables)
        run_again, result = ended(
            tmp_path,
            encoder={"type": "tiny", "continued": model, "length": 32},
            objectives={"pairs": 0, "distillation": 1, "teacher": model},
        )
        before = model_folder.read(made[0].tables).embed(["abc"])
        after = model_folder.read(run_again.tables).embed(["abc"])
        assert 0 < np.abs(after - before).max() < 0.5
        assert {"before", "encoder"} <= result.metrics["retrieval"].keys()


class TestOtherWays:
    def test_a_transformer_can_begin_with_a_static_table(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "isthmus.multilingual.training.static_start.Training",
            lambda: Training(batch=16, steps=4),
        )
        made, _ = ended(tmp_path, encoder=SMALL | {"type": "tiny", "begin": "static"})
        assert isinstance(model_folder.read(made.tables), TransformerEmbedder)
        assert not (made.folder / "static.npz").exists()

    def test_a_static_encoder_learns_from_masked_pieces(self, tmp_path: Path) -> None:
        made, result = ended(
            tmp_path,
            encoder=SMALL,
            objectives={"pairs": 1, "mlm": 0.1, "tlm": 0.1, "camlm": 0.1, "btmlm": 0.1},
        )
        assert made.tables.exists()
        assert result.metrics["retrieval"]["encoder"] is not None

    def test_a_transformer_over_bytes_needs_no_vocabulary(self, tmp_path: Path) -> None:
        made, result = ended(tmp_path, encoder={"type": "bytes", "size": 16, "length": 40})
        assert model_folder.read(made.tables).tokenizer.size == 256 + 5
        assert result.vocabulary is not None
        assert result.vocabulary.unknown == 0

    @pytest.mark.parametrize(
        ("keys", "sentence"),
        [
            ({"encoder": {"type": "bytes", "tokenizer": "a.json"}}, "reads bytes, and no pieces"),
            ({"encoder": {"begin": "static"}}, "is for an encoder with layers"),
            (
                {
                    "encoder": {"type": "tiny", "begin": "static"},
                    "objectives": {"pairs": 0, "mlm": 1},
                },
                "learns from pairs or switched",
            ),
        ],
    )
    def test_refuses_a_static_start_that_cannot_be(
        self, keys: dict[str, Any], sentence: str, tmp_path: Path
    ) -> None:
        with pytest.raises(SpecError, match=sentence):
            load_job(small_job.write(tmp_path, **keys))
