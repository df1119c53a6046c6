"""Messages in six languages, as the README has them: commands in processes of their own."""

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from isthmus.store.runs import Run
from tests.commands import isthmus, start

METHODS = {"encoder", "fused", "untrained", "char_tfidf", "dictionary_tfidf"}


def smaller(job: Path, **keys: int) -> Path:
    """Give a job less to do."""
    text = job.read_text()
    for key, value in keys.items():
        text, count = re.subn(rf"^{key} = [\d_]+$", f"{key} = {value}", text, flags=re.MULTILINE)
        assert count == 1, key
    job.write_text(text)
    return job


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words") / "words"
    isthmus("init", "multilingual", folder)
    smaller(folder / "job.toml", vocabulary=2048, batch=128, steps=40)
    return folder


@pytest.fixture(scope="module")
def answer(words: Path) -> dict[str, Any]:
    isthmus("check", words / "job.toml")
    return isthmus("run", words / "job.toml")


@pytest.mark.slow
class TestWords:
    def test_are_found_by_their_translations(self, answer: dict[str, Any]) -> None:
        assert answer["metrics"]["retrieval"].keys() == METHODS
        found = answer["metrics"]["retrieval"]
        assert found["encoder"] > 1.3 * found["untrained"]
        assert found["fused"] > found["encoder"]
        pairs = {(it["left"], it["right"]): it["trained"] for it in answer["retrieval"]["pairs"]}
        assert len(pairs) == 15
        assert pairs["en", "fr"]
        assert not pairs["de", "zh"]

    def test_come_with_what_the_run_took(self, answer: dict[str, Any]) -> None:
        assert answer["converged"].keys() == {"bilingual", "monolingual"}
        assert answer["throughput"]["tokens_per_s"] > 0
        assert answer["seconds"]["total"] > 0
        assert answer["memory"]["peak_bytes"] > 0
        assert answer["vocabulary"]["size"] == 2048
        assert 0 <= answer["vocabulary"]["unknown"] < 0.05
        assert Path(answer["run"], "model", "model.safetensors").exists()
        assert Path(answer["report"]).exists()

    def test_are_embedded_and_mined_from_two_heaps(
        self, words: Path, answer: dict[str, Any], tmp_path: Path
    ) -> None:
        left, right, runs = words / "left.txt", words / "right.txt", words / "runs" / "latest"
        vectors = isthmus("embed", runs, left, "--out", tmp_path / "v.parquet")
        assert parquet.read_table(tmp_path / "v.parquet").num_rows == vectors["texts"] == 295
        mined = isthmus("mine", runs, left, right, "--out", tmp_path / "pairs.tsv")
        assert mined["languages"] == ["en", "fr"]
        assert mined["pairs"] > 50
        assert mined["precision"] > 0.6
        assert answer["run"]

    @pytest.mark.usefixtures("answer")
    def test_are_evaluated_on_texts_that_are_new(self, words: Path) -> None:
        found = isthmus("evaluate", words / "runs" / "latest", words / "held-out.tsv.gz")
        assert found["left_out"] == {"held-out": 0}
        pairs = {(it["left"], it["right"]): it for it in found["retrieval"]["pairs"]}
        assert len(pairs) == 15
        encoder = pairs["en", "fr"]["methods"]["encoder"]
        assert encoder["top1"] == (encoder["forth"]["top1"] + encoder["back"]["top1"]) / 2

    def test_are_mixed_before_anything_is_trained(self, words: Path) -> None:
        mixed = isthmus("mix", words / "job.toml", "--show", 5)["texts"]
        assert len(mixed) == 5
        assert all(len(each["languages"]) > 1 for each in mixed)

    def test_of_two_tasks_teach_a_transformer(self, words: Path) -> None:
        job = smaller(words / "two-tasks.toml", batch=16, steps=8, vocabulary=2048)
        answer = isthmus("run", job)
        assert None not in answer["converged"].values()
        told = [
            json.loads(line)
            for line in Run(Path(answer["run"])).events.read_text().split("\n")
            if line
        ]
        losses = {name for event in told for name in event.get("metrics", {})}
        assert {"loss_switched", "loss_camlm", "loss_btmlm"} <= losses


@pytest.mark.slow
@pytest.mark.long  # tests/unit has it in one process, and tests/e2e others that are killed
class TestKilled:
    def test_goes_on_to_the_same_model_to_the_last_bit(
        self, words: Path, answer: dict[str, Any], tmp_path: Path
    ) -> None:
        job = words / "job.toml"
        text = job.read_text()
        job.write_text(f"{text}save_every = 5\n")  # another digest, and the same model
        run = Run(tmp_path / "run")
        process = start("run", job, "--into", run.folder)
        try:
            wait_for_checkpoint(run)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        assert not run.tables.exists()
        again = isthmus("run", job, "--into", run.folder)
        job.write_text(text)
        for name in ("model.safetensors", "tokenizer.json"):
            ours, theirs = (Path(it["run"], "model", name) for it in (again, answer))
            assert ours.read_bytes() == theirs.read_bytes()


def wait_for_checkpoint(run: Run, patience: float = 600.0) -> None:
    """Wait until a run has kept its state."""
    end = time.monotonic() + patience
    while not run.checkpoint.exists():
        assert time.monotonic() < end
        time.sleep(0.01)
