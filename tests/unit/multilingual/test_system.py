"""An encoder of texts in several languages: checked, trained, stored, measured, used."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyarrow import parquet

import isthmus as im
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event
from isthmus.evaluation.retrieval.measures import measured
from isthmus.evaluation.retrieval.scores import DenseScores, unit
from isthmus.jobs import finished, texts
from isthmus.jobs.check import check
from isthmus.jobs.load import load_job
from isthmus.jobs.local.results import LocalResult
from isthmus.jobs.report import write as write_report
from isthmus.jobs.run import run
from isthmus.jobs.trained import export, predict
from isthmus.multilingual.corpora.texts import Corpora
from isthmus.outcomes import Score
from isthmus.store.runs import Run
from isthmus.text import model_folder
from tests.unit.multilingual import small_job
from tests.unit.multilingual.made_texts import parallel
from tests.unit.multilingual.small_job import LANGUAGES

METHODS = {"encoder", "fused", "untrained", "char_tfidf", "dictionary_tfidf"}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_job.write(
        tmp_path_factory.mktemp("small"), objectives={"pairs": 1.0, "switched": 0.5}
    )


@pytest.fixture(scope="module")
def ended(job: Path) -> Run:
    return run(job)


@pytest.fixture(scope="module")
def result(ended: Run) -> LocalResult:
    found = finished.read(ended)
    assert isinstance(found, LocalResult)
    return found


JOB_REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "no objective": ({"objectives": {"pairs": 0}}, "leaves all objectives out"),
    "the second task alone": (
        {"objectives": {"pairs": 0, "btmlm": 1}, "encoder": {"type": "tiny"}},
        "begins when another loss is flat",
    ),
    "no teacher": ({"objectives": {"distillation": 1}}, "needs a teacher"),
    "a beginning that is too long": ({"matryoshka": [512]}, "has a length of 512"),
    "two tokenizers": (
        {"encoder": {"tokenizer": "a.json", "continued": "b"}},
        "has a tokenizer of its own",
    ),
}


class TestCheck:
    def test_says_what_will_happen_and_what_is_known_of_the_corpora(self, job: Path) -> None:
        found = check(job)
        assert found.steps[0] == (
            "Read 'train' and 'other' on this machine: there are no other parties, and nothing "
            "leaves."
        )
        assert "Train a static encoder on pairs x 1, switched x 0.5" in found.steps[3]
        assert found.ready is not None
        assert found.ready.facts["languages"] == "3: xa, xb, xc"
        assert found.ready.facts["steps"] == "24 at most, of 48 texts each"

    @pytest.mark.parametrize(("keys", "sentence"), JOB_REFUSALS.values(), ids=list(JOB_REFUSALS))
    def test_refuses_a_table_that_contradicts_itself(
        self, keys: dict[str, Any], sentence: str, tmp_path: Path
    ) -> None:
        with pytest.raises(SpecError, match=rf"job\.toml: .*{sentence}"):
            load_job(small_job.write(tmp_path, **keys))

    @pytest.mark.parametrize(
        ("table", "sentence"),
        [
            ('[data]\ntrain = "a"\n', r"names its data by itself: take the table \[data\] out"),
            ('[datasets.a]\npath = "a"\n', r"take the tables of \[datasets\] out"),
        ],
    )
    def test_refuses_data_that_are_named_elsewhere(
        self, table: str, sentence: str, tmp_path: Path
    ) -> None:
        file = small_job.write(tmp_path)
        file.write_text(f"{file.read_text()}\n{table}")
        with pytest.raises(SpecError, match=sentence):
            load_job(file)


class TestRun:
    def test_says_how_texts_find_their_translations(self, result: LocalResult) -> None:
        assert result.metrics["retrieval"].keys() == METHODS
        encoder, untrained = (result.metrics["retrieval"][it] for it in ("encoder", "untrained"))
        assert encoder is not None
        assert untrained is not None
        assert encoder > max(70.0, 2 * untrained)
        assert result.retrieval is not None
        found = {(pair.data, pair.left, pair.right) for pair in result.retrieval.pairs}
        assert {("train", "xa", "xb"), ("other", "xb", "xc")} <= found
        assert all(pair.trained for pair in result.retrieval.pairs)

    def test_says_what_training_took(self, result: LocalResult) -> None:
        assert result.throughput is not None
        assert result.memory is not None
        assert result.vocabulary is not None
        assert result.converged is not None
        assert (result.throughput.tokens_per_s or 0) > 0
        assert result.memory.peak_bytes > 10**6
        assert 300 < result.vocabulary.size <= 512
        assert result.vocabulary.unknown < 0.05
        assert result.converged.bilingual is not None
        assert result.converged.monolingual is not None

    def test_answers_null_for_tasks_that_are_off(self, tmp_path: Path) -> None:
        ended = run(small_job.write(tmp_path, rows=100, test_rows=20))
        answer = json.loads(ended.result.read_bytes())
        assert answer["converged"]["monolingual"] is None
        assert answer["converged"]["bilingual"] in {True, False}

    def test_leaves_a_model_with_a_card_and_a_dictionary(self, ended: Run) -> None:
        encoder = model_folder.read(ended.tables)
        assert (encoder.size, encoder.languages) == (16, LANGUAGES)
        card = (ended.tables / "README.md").read_text()
        assert "| train |" in card
        assert "made up | CC0-1.0" in card
        assert "## Figures" in card
        assert (ended.folder / "dictionary.parquet").exists()

    def test_leaves_nothing_that_only_training_needs(self, ended: Run) -> None:
        assert not ended.checkpoint.exists()
        assert not (ended.folder / "tokens").exists()

    def test_reports_losses_by_task_and_by_language(self, ended: Run) -> None:
        told = [json.loads(line) for line in ended.events.read_text().splitlines()]
        trained = [event["metrics"] for event in told if event["stage"] == "train"]
        assert {"loss_pairs", "loss_switched", "tokens_per_s"} <= trained[0].keys()
        assert any("loss_pairs/xa-xb" in metrics for metrics in trained)
        pieces = [event["metrics"] for event in told if event["stage"] == "pieces"]
        assert len(pieces) == len(LANGUAGES)
        assert all(0 <= metrics["unknown"] < 0.05 for metrics in pieces)

    def test_leaves_a_page_with_figures_and_rivals(self, ended: Run) -> None:
        html = write_report(ended).read_text()
        for part in (
            "Losses",
            "train (held out)",
            "other (other texts)",
            "untrained",
            "dictionary",
        ):
            assert part in html
        assert "data:image" not in html  # a page loads nothing, not even from itself

    def test_refuses_to_score_rows(self, ended: Run, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="`isthmus embed` makes vectors of texts"):
            predict(ended.folder, tmp_path / "a.parquet", tmp_path / "b.parquet")


class TestMatryoshka:
    def test_beginnings_of_vectors_serve_alone(self, tmp_path: Path) -> None:
        encoder = {"size": 32, "vocabulary": 512, "length": 32}
        training = {"batch": 96, "steps": 60, "margin": 0}
        file = small_job.write(
            tmp_path, matryoshka=[4], encoder=encoder, training=training, test_rows=10
        )
        ended = run(file)
        embed, given = model_folder.read(ended.tables).embed, parallel(LANGUAGES, 200, seed=77)
        left, right = embed(given["xa"]), embed(given["xb"])
        begin, end = (top1(left[:, part], right[:, part]) for part in (np.s_[:4], np.s_[-4:]))
        assert begin > 2 * end
        assert "The first 4 numbers" in (ended.tables / "README.md").read_text()


def top1(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    return measured(DenseScores(unit(left), unit(right))).top1


class StoppedError(KeyboardInterrupt):
    """What a watcher raises to end a run as a crash does."""


class TestResume:
    @pytest.mark.parametrize("step", [17, 24])
    def test_gives_the_same_model_to_the_last_bit(
        self, step: int, job: Path, ended: Run, tmp_path: Path
    ) -> None:
        def stop(event: Event) -> None:
            if (event.stage, event.done) == ("train", step):
                raise StoppedError

        with pytest.raises(StoppedError):
            run(job, into=tmp_path / "run", watch=stop)
        again = run(job, into=tmp_path / "run")
        for name in ("model.safetensors", "tokenizer.json"):
            assert (again.tables / name).read_bytes() == (ended.tables / name).read_bytes()

    def test_measures_a_stored_model_without_training_it_again(
        self, job: Path, ended: Run, tmp_path: Path
    ) -> None:
        def stop(event: Event) -> None:
            if event.stage == "measure":
                raise StoppedError

        with pytest.raises(StoppedError):
            run(job, into=tmp_path / "run", watch=stop)
        stopped = finished.read(Run(tmp_path / "run"))
        assert stopped.missing == {"metrics": "the run was stopped while it was measured"}
        assert "no metrics" in dict(finished.summary(Run(tmp_path / "run")).facts)
        assert write_report(Run(tmp_path / "run")).exists()
        stages = set[str]()
        again = run(job, into=tmp_path / "run", watch=lambda event: stages.add(event.stage))
        assert "train" not in stages
        found, expected = finished.read(again), finished.read(ended)
        assert isinstance(found, LocalResult)
        assert isinstance(expected, LocalResult)
        assert (found.metrics, found.missing) == (expected.metrics, {})


class TestUse:
    def test_embeds_each_line_of_a_file(self, ended: Run, job: Path, tmp_path: Path) -> None:
        out = tmp_path / "vectors.parquet"
        found = texts.embed(ended.folder, job.parent / "other.xa.txt", out)
        assert (found.texts, found.size) == (40, 16)
        vectors = np.array(parquet.read_table(out)["vector"].to_pylist(), np.float32)
        given = (job.parent / "other.xa.txt").read_text().splitlines()
        assert (vectors == model_folder.read(ended.tables).embed(given)).all()

    def test_embeds_texts_in_memory(self, ended: Run, job: Path) -> None:
        given = (job.parent / "other.xa.txt").read_text().splitlines()
        vectors: NDArray[np.float32] = im.load(ended.folder).embed([*given, "two\nlines"])
        assert vectors.shape == (41, 16)
        assert (vectors[:40] == model_folder.read(ended.tables).embed(given)).all()

    @pytest.mark.parametrize("score", ["dense", "lexical", "fused"])
    def test_mines_pairs_of_translations(
        self, score: Score, ended: Run, job: Path, tmp_path: Path
    ) -> None:
        left, right = (job.parent / f"other.{it}.txt" for it in ("xa", "xb"))
        shuffled = tmp_path / "right.txt"
        order = np.random.default_rng(0).permutation(40)
        lines = right.read_text().splitlines()
        shuffled.write_text("\n".join(lines[place] for place in order))
        found = texts.mine(ended.folder, left, shuffled, tmp_path / "pairs.tsv", score)
        assert found.languages == ("xa", "xb")
        assert found.pairs > 20
        assert (found.precision or 0) > 0.5
        head, *rows = (tmp_path / "pairs.tsv").read_text().splitlines()
        assert head == "score\tleft_line\tright_line\tleft\tright"
        numbers = [tuple(map(int, row.split("\t")[1:3])) for row in rows]
        right_ones = sum(order[theirs - 1] == ours - 1 for ours, theirs in numbers)
        assert right_ones > 0.7 * len(rows)

    def test_mines_from_texts_in_memory(self, ended: Run, job: Path) -> None:
        left = (job.parent / "other.xa.txt").read_text().splitlines()
        right = job.parent / "other.xb.txt"
        mined = im.mine(im.load(ended.folder), [*left, 'with "quotes"'], right)
        assert mined.table.column_names == ["score", "left_line", "right_line", "left", "right"]
        assert mined.table.num_rows == mined.found.pairs > 20
        assert mined.table["left"][0].as_py() == left[mined.table["left_line"][0].as_py() - 1]
        assert "xa and xb" in str(mined)

    def test_takes_the_least_margin_as_given(self, ended: Run, job: Path) -> None:
        left, right = (job.parent / f"other.{it}.txt" for it in ("xa", "xb"))
        chosen = im.mine(ended.folder, left, right)
        scores = chosen.table["score"].to_pylist()
        least = (scores[9] + scores[10]) / 2
        few, none = (im.mine(ended.folder, left, right, threshold=it) for it in (least, 99.0))
        assert few.table["score"].to_pylist() == scores[:10]
        assert (few.found.threshold, few.found.precision) == (least, 1.0)
        assert (none.found.pairs, none.found.precision, none.found.recall) == (0, None, 0.0)
        assert none.table.num_rows == 0

    def test_asks_for_a_margin_where_nothing_is_held_out(self, tmp_path: Path) -> None:
        corpora = {"train": {"path": {it: f"train.{it}.txt" for it in ("xa", "xb")}}}
        short = {"batch": 32, "steps": 2}
        file = small_job.write(tmp_path, corpora=corpora, tests={}, held_out=0.0, training=short)
        alone = run(file)
        left, right = (tmp_path / f"other.{it}.txt" for it in ("xa", "xb"))
        with pytest.raises(
            SpecError, match=r"no texts in both 'xa' and 'xb' are held out.*--thres"
        ):
            im.mine(alone.folder, left, right)
        found = im.mine(alone.folder, left, right, threshold=0.0).found
        assert found.pairs > 0
        assert (found.precision, found.recall) == (None, None)

    def test_reads_a_language_from_the_name_of_any_file(
        self, ended: Run, job: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "a.xb.tsv").write_text("text\nqqq rrr\n")
        files = (tmp_path / "a.xb.tsv", job.parent / "other.xc.txt")
        assert im.mine(ended.folder, *files).found.languages == ("xb", "xc")

    @pytest.mark.parametrize(
        ("left", "keys", "sentence"),
        [
            (["hello", "world"], {}, "its language cannot be told.*one of xa, xb, xc"),
            ([1, 2], {}, "a list of `str`"),
            ("other.xa.txt", {"score": "best"}, "one of dense, lexical, fused, and not 'best'"),
            ("other.xb.txt", {}, "are both in 'xb'"),
        ],
    )
    def test_refuses_to_mine_from_what_it_cannot_tell(
        self, left: Any, keys: Any, sentence: str, ended: Run, job: Path
    ) -> None:
        given = job.parent / left if isinstance(left, str) else left
        with pytest.raises(SpecError, match=sentence):
            im.mine(ended.folder, given, job.parent / "other.xb.txt", **keys)

    def test_refuses_files_that_say_nothing(self, ended: Run, tmp_path: Path) -> None:
        (tmp_path / "a.tsv").write_text("xa\txb\n" + "aaa\t\n" * 20)
        with pytest.raises(SpecError, match=r"20 rows .* Give a file with texts and their transl"):
            im.evaluate(ended.folder, tmp_path / "a.tsv")
        with pytest.raises(SpecError, match="name the files to evaluate on"):
            im.evaluate(ended.folder)

    def test_exports_the_encoder_as_onnx_too(self, ended: Run, tmp_path: Path) -> None:
        found = export(ended.folder, tmp_path / "out")
        assert {"model.onnx", "model.safetensors", "tokenizer.json"} <= set(found.files)
        assert model_folder.read(tmp_path / "out").size == 16
        with pytest.raises(SpecError, match="has no snapshots"):
            export(ended.folder, tmp_path / "changes", since=1)

    def test_evaluates_on_other_files(self, ended: Run, job: Path) -> None:
        files = [job.parent / f"other.{it}.txt" for it in LANGUAGES]
        found = texts.evaluate(ended.folder, files)
        assert {(it.left, it.right) for it in found.retrieval.pairs} == {
            ("xa", "xb"),
            ("xa", "xc"),
            ("xb", "xc"),
        }
        assert found.metrics["retrieval"].keys() == METHODS - {"untrained"}
        again = im.evaluate(ended.folder, *files)
        assert again.retrieval == found.retrieval
        assert "xa-xb" in str(again)

    def test_leaves_out_of_other_files_what_was_trained_on(
        self, ended: Run, job: Path, tmp_path: Path
    ) -> None:
        trained, rows = Corpora(ended.folder / "corpora").trained["train"], np.arange(30)
        for language in ("xa", "xb"):
            texts_before = [str(text).upper() for text in trained.read(language, rows)]
            new = (job.parent / f"other.{language}.txt").read_text()
            (tmp_path / f"news.{language}.txt").write_text("\n".join([*texts_before, new]))
        files = [tmp_path / f"news.{it}.txt" for it in ("xa", "xb")]
        found = texts.evaluate(ended.folder, files)
        assert found.left_out == {"news": 30}
        assert [pair.rows for pair in found.retrieval.pairs] == [40]
        for path in files:
            path.write_text("".join(path.read_text().splitlines(keepends=True)[:30]))
        with pytest.raises(SpecError, match=r"news\.xa\.txt: each of its 30 rows has a text that"):
            texts.evaluate(ended.folder, files)

    def test_refuses_to_evaluate_on_a_single_text(self, ended: Run, tmp_path: Path) -> None:
        files = [tmp_path / f"news.{it}.txt" for it in ("xa", "xb")]
        for path in files:
            path.write_text("aaa bbb\n" if "xa" in path.name else "kkk lll\n")
        with pytest.raises(SpecError, match=r"1 of its rows can be measured on, and 2 with texts"):
            texts.evaluate(ended.folder, files)

    def test_refuses_files_whose_language_is_not_known(self, ended: Run, tmp_path: Path) -> None:
        (tmp_path / "news.de.txt").write_text("Guten Tag\n")
        with pytest.raises(SpecError, match="its name does not tell its language"):
            texts.evaluate(ended.folder, [tmp_path / "news.de.txt"])

    def test_shows_mixed_texts(self, job: Path) -> None:
        found = texts.mix(job, 6)
        assert list(found) == list(im.mix(im.Job.load(job).anchored(job.parent), 6))
        assert len(found) == 6
        for each in found:
            assert each.mixed != each.original
            assert each.languages[0] == each.language
            assert len(each.languages) > 1

    def test_is_refused_for_a_run_without_an_encoder(self, tmp_path: Path) -> None:
        job = tmp_path / "job.toml"
        job.write_text(
            'name = "a"\nseed = 1\n[data]\ntrain = "a"\n[datasets.a]\npath = "a.csv"\n'
            'label = "y"\n[baseline]\nmodel = "regression"\n'
        )
        with pytest.raises(SpecError, match="trains no encoder of texts"):
            texts.mix(job, 3)
