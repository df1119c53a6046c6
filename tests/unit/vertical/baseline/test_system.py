"""What one organisation reaches alone: the same numbers that a joint job calls `active_only`."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.data.index import split
from isthmus.data.scores import StoredScores
from isthmus.data.spec import Dataset
from isthmus.data.table import Table
from isthmus.evaluation.description import measured
from isthmus.store.runs import Run
from isthmus.system import LocalInputs
from isthmus.transport.channel import Channel
from isthmus.vertical.baseline import system
from isthmus.vertical.baseline.data import Data
from isthmus.vertical.baseline.spec import Baseline, BoostingBaseline, RegressionBaseline
from isthmus.vertical.boosting import system as boosting
from isthmus.vertical.boosting.model import ActivePart
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.regression import measuring, scaling
from isthmus.vertical.regression import system as regression
from isthmus.vertical.regression.model import Part
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import Measured, Outcome, RoleContext
from tests.roles import Role, run_together

ROWS = 300
NUMBERS = np.random.default_rng(5)
AGE, WEIGHT = NUMBERS.normal(size=(2, ROWS))
ILL = (AGE + NUMBERS.normal(size=ROWS) > 0).astype(int)
SMALL = RegressionEncryption("okamoto-uchiyama", 2048)
TREES = BoostingBaseline(trees=2, depth=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the file lies."""
    rows = zip(range(ROWS), ILL, AGE, WEIGHT, strict=True)
    lines = [f"p{row},{ill},{age:.3f},{weight:.3f}" for row, ill, age, weight in rows]
    (tmp_path / "people.csv").write_text("\n".join(["person,ill,age,weight", *lines]))
    return tmp_path


def load(
    folder: Path, spec: Baseline, *, test: Dataset | None = None, normalise: Any = (), **keys: Any
) -> Data:
    """The rows as a job reads them; keys are those of the table of the data set."""
    usual: dict[str, Any] = {"path": "people.csv", "identifiers": ("person",), "label": "ill"}
    inputs = LocalInputs(
        folder=folder,
        train=Dataset(**(usual | keys)),
        test=test,
        test_share=0.2,
        normalise=normalise,
        seed=7,
        job="digest",
    )
    return system.load(spec, inputs)


REFUSALS: dict[str, tuple[Baseline, dict[str, Any], str]] = {
    "no label": (RegressionBaseline(), {"label": None}, "name the column to predict, `label`, in"),
    "no column": (TREES, {"columns": ()}, "`columns` chooses none, so there is nothing to learn"),
    "constraints that nobody heeds": (
        RegressionBaseline(),
        {"monotone": {"age": "increasing"}},
        r'`datasets\.monotone` is for columns of a \[baseline\] with model = "boosting"',
    ),
    "bins that nobody makes": (
        RegressionBaseline(),
        {"edges": {"age": (1.0,)}},
        r"`datasets\.edges` is for jobs with \[preparation\.woe\]",
    ),
    "exposure of a yes or no": (
        RegressionBaseline(),
        {"exposure": "weight"},
        r"`datasets\.exposure` is for the families poisson, gamma and tweedie",
    ),
    "offset of trees": (
        TREES,
        {"offset": "weight"},
        r"`datasets\.offset` is for a job with \[regression\]",
    ),
    "names in a regression": (
        RegressionBaseline(),
        {"categorical": ("age",)},
        "a regression needs a number in every cell",
    ),
    "label that is not 0 or 1": (
        RegressionBaseline(),
        {"label": "age"},
        "labels are other than 0 and 1",
    ),
    "such a label of trees": (TREES, {"label": "age"}, "values other than 0 and 1"),
}


class TestLoad:
    def test_divides_the_rows_as_a_joint_job_divides_them(self, folder: Path) -> None:
        data = load(folder, RegressionBaseline())
        people = [b"p%d" % row for row in range(ROWS)]
        train, test = split(people, 0.2, 7)
        assert data.train.identifiers == [people[row] for row in train]
        assert data.test.identifiers == [people[row] for row in test]

    def test_needs_no_identifiers(self, folder: Path) -> None:
        data = load(folder, TREES, identifiers=(), columns=("age", "weight"))
        assert sorted(data.train.identifiers + data.test.identifiers) == sorted(
            b"%d" % row for row in range(ROWS)
        )

    def test_normalises_identifiers_where_there_are_some(self, folder: Path) -> None:
        (folder / "more.csv").write_text("person,ill,age\n Ada ,1,30\nbo,0,40\n")
        data = load(folder, TREES, path="more.csv", normalise=["trim", "lower"])
        assert sorted(data.train.identifiers + data.test.identifiers) == [b"ada", b"bo"]

    def test_scores_a_data_set_of_its_own(self, folder: Path) -> None:
        (folder / "later.csv").write_text("person,ill,age,weight\nx,1,0.5,0\ny,0,-0.5,0\n")
        later = Dataset(path="later.csv", identifiers=("person",), label="ill")
        data = load(folder, RegressionBaseline(), test=later)
        assert (len(data.train), data.test.identifiers) == (ROWS, [b"x", b"y"])

    def test_scores_such_a_data_set_without_labels_too(self, folder: Path) -> None:
        (folder / "later.csv").write_text("person,age,weight\nx,0.5,0\ny,-0.5,0\n")
        later = Dataset(path="later.csv", identifiers=("person",))
        data, run = load(folder, RegressionBaseline(), test=later), Run(folder)
        outcome = system.train(RegressionBaseline(), data, run, Telemetry()).measure()
        assert outcome.metrics == {"auc": {"model": None}, "ks": {"model": None}}
        assert outcome.missing == {"metrics": "none of the 2 rows that were scored has a label"}
        assert outcome.stability is not None
        assert len(StoredScores.load(run.predictions).predictions) == 2

    @pytest.mark.parametrize(("spec", "keys", "sentence"), REFUSALS.values(), ids=list(REFUSALS))
    def test_refuses(
        self, folder: Path, spec: Baseline, keys: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(SpecError, match=sentence):
            load(folder, spec, **keys)

    def test_lets_trees_have_constraints_and_weights(self, folder: Path) -> None:
        (folder / "people.csv").write_text(
            "person,ill,age,share\n"
            + "".join(f"p{row},{ILL[row]},{AGE[row]},2\n" for row in range(ROWS))
        )
        data = load(folder, TREES, monotone={"age": "increasing"}, weight="share")
        assert data.monotone == {"age": 1}
        assert set(data.train.weights) == {2.0}


class TestFacts:
    def test_say_how_many_rows_and_which_columns(self, folder: Path) -> None:
        data = load(folder, TREES)
        assert system.facts(TREES, data) == {
            "rows": f"{len(data.train)} to train on, {len(data.test)} to score",
            "columns": "2: age, weight",
            "identifiers": "all of letters and digits",
        }

    def test_say_what_may_not_be_meant(self, folder: Path) -> None:
        file = folder / "people.csv"
        lines = file.read_text().splitlines()
        file.write_text("\n".join([*lines, lines[1]]))
        told = system.facts(TREES, load(folder, TREES, duplicates="first"))["mind"]
        assert f"left out 1 of {ROWS + 1} rows" in str(told)


def measured_together(joint: Regression | Boosting, data: Data, folder: Path) -> Measured:
    """What the clinic measures where an insurer has one more column of the same people."""
    code = boosting if isinstance(joint, Boosting) else regression

    def costs(rows: Table) -> Table:
        values = np.random.default_rng(9).normal(size=(len(rows), 1))
        return Table(rows.identifiers, values, ("costs",))

    def play(role: str, train: Table, test: Table) -> Role:
        def perform(line: Channel) -> Outcome:
            saved = folder / f"{role}.npz"
            context = RoleContext(
                role, {line.peer: line}, train, test, Telemetry(), saved, data.job, data.seed
            )
            ended: Outcome = code.play(joint, context)
            return ended

        return perform

    found = run_together(
        clinic=play("active", data.train, data.test),
        insurer=play("passive", costs(data.train), costs(data.test)),
    )
    ended: Outcome = found["clinic"]
    return ended.measure()


PAIRS: dict[str, tuple[Baseline, Regression | Boosting]] = {
    "a probability": (
        RegressionBaseline(penalty=0.01),
        Regression(passive_columns=1, penalty=0.01, max_rounds=2, encryption=SMALL),
    ),
    "a number": (
        RegressionBaseline(family="gaussian"),
        Regression(passive_columns=1, family="gaussian", max_rounds=2, encryption=SMALL),
    ),
    "trees": (TREES, Boosting(trees=2, depth=2, encryption=SMALL.of_numbers)),
}


class TestTrain:
    @pytest.mark.parametrize(("alone", "joint"), PAIRS.values(), ids=list(PAIRS))
    def test_reaches_what_a_joint_job_says_of_the_active_party_alone(
        self, alone: Baseline, joint: Regression | Boosting, folder: Path
    ) -> None:
        data = load(folder, alone)
        outcome = system.train(alone, data, Run(folder), Telemetry()).measure()
        together = measured_together(joint, data, folder).metrics
        assert together.keys() == outcome.metrics.keys()
        for measure, values in together.items():
            assert outcome.metrics[measure]["model"] == values["active_only"]

    def test_leaves_the_model_and_the_scores(self, folder: Path) -> None:
        data = load(folder, RegressionBaseline())
        run = Run(folder)
        outcome = system.train(RegressionBaseline(), data, run, Telemetry()).measure()
        part = run.read_json(run.model.name, Part)
        assert [column.name for column in part.columns] == ["age", "weight"]
        scores = StoredScores.load(run.predictions)
        assert sorted(scores.labels) == sorted(scaling.labels(data.test))
        assert scores.alone is None
        assert outcome.rows == {"train": len(data.train), "test": len(data.test)}
        assert outcome.columns == 2

    def test_leaves_trees_as_a_joint_job_does(self, folder: Path) -> None:
        run = Run(folder)
        system.train(TREES, load(folder, TREES), run, Telemetry())
        part = run.read_json(run.model.name, ActivePart)
        assert (len(part.trees), part.passives) == (2, {})

    def test_leaves_scores_of_several_classes(self, folder: Path) -> None:
        spec = BoostingBaseline(objective="multiclass", classes=2, trees=2)
        run = Run(folder)
        outcome = system.train(spec, load(folder, spec), run, Telemetry()).measure()
        assert measured(outcome.metrics)["accuracy"]["model"] > 0.5
        assert StoredScores.load(run.predictions).predictions.shape == (2, outcome.rows["test"])
        assert outcome.validation is not None
        assert outcome.validation.classes is not None
        assert np.sum(outcome.validation.classes.confusion) == outcome.rows["test"]
        assert outcome.stability is not None
        assert outcome.stability.score is not None

    def test_finds_figures_of_a_number(self, folder: Path) -> None:
        spec = RegressionBaseline(family="gaussian")
        data = load(folder, spec, label="weight", columns=("age",))
        found = system.train(spec, data, Run(folder), Telemetry()).measure().validation
        assert found is not None
        assert found.amounts["model"].rmse == pytest.approx(1.0, abs=0.3)
        assert len(found.amounts["model"].calibration) == 10

    def test_keeps_the_model_where_it_cannot_be_measured(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise LookupError("no measure")

        monkeypatch.setattr(measuring, "measured", fail)
        run = Run(folder)
        spec = RegressionBaseline()
        trained = system.train(spec, load(folder, spec), run, Telemetry())
        with pytest.raises(LookupError, match="no measure"):
            trained.measure()
        assert run.read_json(run.model.name, Part).columns


SCORED: dict[str, Baseline] = {
    "regression": RegressionBaseline(),
    "trees": BoostingBaseline(trees=2, depth=2),
    "classes": BoostingBaseline(objective="multiclass", classes=2, trees=2),
}


class TestPredict:
    @pytest.fixture(params=SCORED)
    def spec(self, request: pytest.FixtureRequest) -> Baseline:
        return SCORED[request.param]

    @pytest.fixture
    def run(self, spec: Baseline, folder: Path) -> Run:
        system.train(spec, load(folder, spec, missing="mean"), Run(folder), Telemetry())
        return Run(folder)

    def described(self, file: Path) -> Dataset:
        return Dataset(
            path=str(file), identifiers=("person",), label="ill", columns=("*",), missing="mean"
        )

    def predict(self, spec: Baseline, run: Run, file: Path) -> list[dict[str, Any]]:
        out = io.BytesIO()
        found = system.predict(spec, self.described(file), run, out)
        written = parquet.read_table(out)
        assert (found.rows, list(found.columns)) == (len(written), written.column_names)
        lines: list[dict[str, Any]] = written.to_pylist()
        return lines

    def test_gives_test_rows_the_scores_of_training_to_the_last_digit(
        self, spec: Baseline, run: Run, folder: Path
    ) -> None:
        again = {row["person"]: row for row in self.predict(spec, run, folder / "people.csv")}
        for row in parquet.read_table(run.predictions).to_pylist():
            assert {**again[row["person"]], "label": row["label"]} == row

    def test_scores_one_row_without_a_label_as_among_many(
        self, spec: Baseline, run: Run, folder: Path
    ) -> None:
        every = self.predict(spec, run, folder / "people.csv")
        head, row, *_ = (folder / "people.csv").read_text().splitlines()
        alone = folder / "one.csv"
        kept = [0, 2, 3]  # all but the label
        lines = [",".join(line.split(",")[at] for at in kept) for line in (head, row)]
        alone.write_text("\n".join(lines))
        assert self.predict(spec, run, alone) == every[:1]

    def test_says_how_far_rows_are_from_those_trained_on(
        self, spec: Baseline, folder: Path
    ) -> None:
        run = Run(folder)
        system.train(spec, load(folder, spec, missing="mean"), run, Telemetry()).measure()
        head, *lines = (folder / "people.csv").read_text().splitlines()
        older = (line.split(",") for line in lines)
        moved = [f"{person},{ill},{float(age) + 5},{weight}" for person, ill, age, weight in older]
        (folder / "older.csv").write_text("\n".join([head, *moved]))
        same, other = (
            system.predict(spec, self.described(folder / name), run, io.BytesIO()).stability
            for name in ("people.csv", "older.csv")
        )
        assert same is not None
        assert same.score is not None
        assert max(same.score, *same.columns.values()) < 0.1
        assert other is not None
        assert other.columns["age"] > 1
        assert other.columns["weight"] == same.columns["weight"]

    def test_says_why_it_does_not_know_that(self, spec: Baseline, run: Run, folder: Path) -> None:
        found = system.predict(spec, self.described(folder / "people.csv"), run, io.BytesIO())
        assert found.stability is None
        assert found.missing.startswith("the run kept nothing of the rows that it trained on")

    def test_refuses_rows_without_a_column(self, spec: Baseline, run: Run, folder: Path) -> None:
        (folder / "few.csv").write_text("person,age\na,1\n")
        with pytest.raises(SpecError, match="'weight', which is not a column"):
            self.predict(spec, run, folder / "few.csv")
