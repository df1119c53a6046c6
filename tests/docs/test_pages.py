"""A reader who does what the README and the guides say gets where they say."""

import csv
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from isthmus.core import spec
from isthmus.evaluation.description import measured
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.privacy.spec import Privacy
from isthmus.jobs.aligned.results import (
    ScoredResult,
    SearchedResult,
    SimulatedTraining,
    TrainedResult,
)
from isthmus.jobs.load import load_job
from isthmus.jobs.local.results import LocalResult
from isthmus.jobs.party import Party
from isthmus.jobs.rounds.results import SimulatedRounds
from isthmus.paramserver.spec import Server
from isthmus.store.runs import Run, find
from tests.docs.reader import ROOT, Reader

PAGES = ["README.md", *(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/guides/*.md"))]
FIRST_JOB = "docs/guides/first-job.md"
CHOOSE = "docs/guides/choose-and-judge.md"
DAY_AFTER = "docs/guides/the-day-after.md"
ENCLAVES = "docs/guides/enclaves.md"
ALONE = "docs/guides/alone.md"
TREES = "docs/guides/boosted-trees.md"
ROUNDS = "docs/guides/shared-encoders.md"
RECOMMENDER = "docs/guides/recommender.md"


@pytest.mark.parametrize("page", PAGES)
class TestFiles:
    def test_are_valid_jobs_and_party_files(self, page: str, tmp_path: Path) -> None:
        for file in Reader(page, tmp_path).write_files():
            if file.name == "job.toml":
                load_job(file)
            else:
                spec.load(file, Party)


class TestReadme:
    def test_shows_the_job_of_the_example(self, tmp_path: Path) -> None:
        Reader("README.md", tmp_path).write_files()
        example = load_job(ROOT / "examples/health/job.toml").job
        assert load_job(tmp_path / "job.toml").job == example.replace(expected=None)

    @pytest.mark.slow
    def test_leads_to_the_results_that_it_shows(self, tmp_path: Path) -> None:
        readme = Reader("README.md", tmp_path)
        readme.type_commands()
        result = find(tmp_path / "mytrial/clinic/runs").read_json("result.json", TrainedResult)
        assert result.metrics.keys() == {"auc", "ks"}
        for values in result.metrics.values():
            assert values.keys() == {"joint", "active_only"}
            assert all(f"{value:.4f}" in readme.text for value in values.values())
        assert f"rows shared       {result.alignment.size:,}" in readme.text
        assert f"training          {result.ending}" in readme.text


class TestFirstJob:
    @pytest.mark.slow
    def test_leads_from_two_files_of_data_to_a_report_at_each_party(self, tmp_path: Path) -> None:
        guide = Reader(FIRST_JOB, tmp_path)
        guide.write_files()
        bring_data(tmp_path)
        guide.type_commands()
        for party in ("bank", "shop"):
            assert find(tmp_path / party / "runs").report.exists()
        self.score_the_day_after(tmp_path)

    def score_the_day_after(self, folder: Path) -> None:
        guide = Reader(DAY_AFTER, folder)
        bring_applicants(folder)
        for fragment in guide.blocks("text"):
            file = folder / fragment.splitlines()[0].removeprefix("# ")
            file.write_text(f"{file.read_text()}\n{fragment}")
        guide.type_commands()
        runs = [Run(run) for run in (folder / "bank/runs").glob("card-default-score-*")]
        (result,) = (run.read_json("result.json", ScoredResult) for run in runs)
        assert result.rows == {"own": 300, "scored": 200, "labelled": 0}
        self.score_single_rows(guide, folder)
        script, _ = guide.blocks("python")
        folder.joinpath("bank/runs/latest").unlink()
        folder.joinpath("bank/runs/latest").symlink_to(runs[0].folder)
        assert python(script, folder) == "200\n"

    def score_single_rows(self, guide: Reader, folder: Path) -> None:
        _, writing, answering, _ = guide.blocks("sh")  # before: decisions
        trained = max((folder / "bank/runs").glob("card-default-2*"))
        guide.type_line(writing.replace("RUN", str(trained)))
        _, script = guide.blocks("python")
        with guide.typing(answering) as shop:
            assert python(script, folder).splitlines()[1:] == ["80", "5"]
            assert shop.wait(timeout=60) == 0
        (run,) = (Run(run) for run in (folder / "shop/runs").glob("card-default-online-*"))
        result = run.read_json("result.json", ScoredResult)
        assert result.requests == {1: 1, 80: 1, 5: 1, 0: 1}


class TestChoose:
    @pytest.mark.slow
    @pytest.mark.long
    def test_leads_to_a_table_of_trials(self, tmp_path: Path) -> None:
        guide = Reader(CHOOSE, tmp_path)
        grid, _job = guide.blocks("text")
        (tmp_path / "grid.toml").write_text(grid)
        guide.type_commands()
        result = find(tmp_path / "runs").read_json("result.json", SearchedResult)
        assert [len(trial.runs) for trial in result.trials] == [3, 3]
        assert all(trial.metrics["auc"] > 0.6 for trial in result.trials)


class TestAlone:
    def test_leads_to_a_model_of_one_organisation(self, tmp_path: Path) -> None:
        guide = Reader(ALONE, tmp_path)
        guide.write_files()
        (tmp_path / "bank").mkdir()
        (tmp_path / "shop").mkdir()
        bring_data(tmp_path)
        (tmp_path / "bank/customers.csv").rename(tmp_path / "customers.csv")
        guide.type_commands()
        run = find(tmp_path / "runs")
        result = run.read_json("result.json", LocalResult)
        assert measured(result.metrics)["auc"]["model"] > 0.5
        for file in (run.model, run.predictions, run.report):
            assert file.exists()


class TestEnclaves:
    @pytest.mark.slow
    @pytest.mark.long  # tests/e2e aligns in enclaves and goes on by the same commands
    def test_leads_to_training_that_takes_up_the_alignment(self, tmp_path: Path) -> None:
        guide = Reader(ENCLAVES, tmp_path)
        guide.type_commands()
        for party in ("clinic", "insurer"):
            run = find(tmp_path / "mytrial" / party / "runs")
            result = run.read_json("result.json", TrainedResult)
            assert result.alignment.reused
            assert not result.alignment.protects


class TestBoostedTrees:
    @pytest.mark.slow
    def test_lead_from_data_with_gaps_and_categories_to_the_same_trees_as_on_joined_data(
        self, tmp_path: Path
    ) -> None:
        guide = Reader(TREES, tmp_path)
        guide.write_files()
        job = tmp_path / "job.toml"
        job.write_text(job.read_text().replace("trees = 30", "trees = 6"))
        bring_data_with_gaps(tmp_path)
        guide.type_commands()
        simulated = find(tmp_path / "runs").read_json("result.json", SimulatedTraining)
        by_hand = find(tmp_path / "bank/runs").read_json("result.json", TrainedResult)
        auc = simulated.metrics["auc"]
        assert auc["joint"] == auc["pooled"]
        assert (
            by_hand.metrics["auc"]["joint"] or 0
        ) > 0.7  # its draws of rows follow a secret of its own
        assert "of shop" in find(tmp_path / "bank/runs").report.read_text()


class TestSharedEncoders:
    def test_shows_tables_of_privacy_that_its_job_can_have(self, tmp_path: Path) -> None:
        guide = Reader(ROUNDS, tmp_path)
        job = guide.blocks("toml")[0]
        tables = [each for each in guide.blocks("text") if "[encoders.privacy" in each]
        assert len(tables) == 4
        parts = job.split("\n\n[")
        without_network = "\n\n[".join(it for it in parts if not it.startswith("encoders.network]"))
        for table in tables:
            rest = without_network if "[encoders.network]" in table else job
            asked = msgspec.toml.decode(f"{rest}\n{table}")["encoders"]
            assert msgspec.convert(asked, Encoders).privacy != Privacy()

    @pytest.mark.slow
    def test_lead_to_an_encoder_that_plain_pytorch_loads(self, tmp_path: Path) -> None:
        guide = Reader(ROUNDS, tmp_path)
        guide.write_files()
        job = tmp_path / "job.toml"
        job.write_text(job.read_text().replace("count = 15", "count = 3"))  # no more are needed
        bring_laboratory_values(tmp_path)
        guide.type_commands()
        run = find(tmp_path / "runs")
        clinics = run.read_json("result.json", SimulatedRounds).metrics_by_party
        assert clinics.keys() == {"north", "south", "east"}
        assert all("shared" in metrics["accuracy"] for metrics in clinics.values())
        loading, research = guide.blocks("python")
        assert python(f"{loading}\nprint(encoder)", run.folder / "north").startswith("Tabular")
        fewer = research.replace("range(200)", "range(45)").replace("trainers, 10,", "trainers, 3,")
        first, *_, last = (float(it) for it in python(fewer, tmp_path).strip("[]\n").split(","))
        assert last < first


class TestRecommender:
    def test_shows_tables_of_servers_that_a_job_can_have(self, tmp_path: Path) -> None:
        tables = [it for it in Reader(RECOMMENDER, tmp_path).blocks("text") if it[0] == "["]
        assert len(tables) == 2
        for table in tables:
            asked = msgspec.toml.decode(table)["multitask"]["server"]
            assert msgspec.convert(asked, Server) != Server()

    def test_shows_the_script_of_the_example(self, tmp_path: Path) -> None:
        (script,) = Reader(RECOMMENDER, tmp_path).blocks("python")
        assert script == (ROOT / "examples/ads/score_from_export.py").read_text()

    @pytest.mark.long
    def test_leads_from_a_log_with_late_orders_to_scores_and_an_export(
        self, tmp_path: Path
    ) -> None:
        guide = Reader(RECOMMENDER, tmp_path)
        guide.write_files()
        bring_a_log(tmp_path)
        guide.type_commands()
        result = find(tmp_path / "runs").read_json("result.json", LocalResult)
        assert measured(result.metrics)["auc_order"].keys() >= {"model", "linear", "boosted"}
        assert result.queues["order"].trained > 0
        served = [tmp_path / name for name in ("new.parquet", "served.parquet", "out")]
        (script,) = guide.blocks("python")
        (tmp_path / "score.py").write_text(script)
        subprocess.run([sys.executable, tmp_path / "score.py", *served], check=True)  # noqa: S603
        ours, theirs = (
            parquet.read_table(tmp_path / f"{it}.parquet") for it in ("scores", "served")
        )
        for name in ours.column_names:
            np.testing.assert_allclose(theirs[name], ours[name], atol=1e-6)


def python(code: str, folder: Path) -> str:
    """What Python prints that reads some code in a folder."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(  # noqa: S603 - our own pages
        command, cwd=folder, stdout=subprocess.PIPE, check=True, text=True
    ).stdout


def bring_laboratory_values(folder: Path) -> None:
    """What the hub and the clinics of the guide have."""
    (folder / "hub").mkdir()
    (folder / "hub/party.toml").write_text('party = "hub"\n')
    north = (folder / "north/party.toml").read_text()
    random = np.random.default_rng(3)
    for clinic in ("north", "south", "east"):
        (folder / clinic).mkdir(exist_ok=True)
        (folder / clinic / "party.toml").write_text(north.replace('"north"', f'"{clinic}"'))
        values = random.normal(size=(60, 4)) @ random.normal(size=(4, 4))
        readmitted = np.where(values[:, 0] > 0, "yes", "no")
        with (folder / clinic / "labs.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["age", "sodium", "potassium", "creatinine", "readmitted"])
            table.writerows([*row, label] for row, label in zip(values, readmitted, strict=True))


def bring_a_log(folder: Path) -> None:
    """What the shop of the guide has: a log, orders of its clicks, and rows to score."""
    random = np.random.default_rng(5)
    rows = 6_000
    user, item = random.integers(300, size=rows), random.integers(40, size=rows)
    click = random.random(rows) < np.where((user + item) % 3 == 0, 0.6, 0.2)
    times = np.sort(random.uniform(0, 30 * 86_400, size=rows))
    log = pa.table(
        {
            "impression": np.arange(rows),
            "time": times,
            "user": user,
            "item": item,
            "category": [("shoes", "hats", None)[it] for it in item % 3],
            "search": [("", "red", "red warm")[it] for it in user % 3],
            "price": (item + 1) * 2.5,
            "click": click.astype(np.int8),
        }
    )
    parquet.write_table(log, folder / "log.parquet")
    parquet.write_table(log.drop_columns(["click", "time"]).slice(0, 50), folder / "new.parquet")
    bought = np.flatnonzero(click & (random.random(rows) < np.where(item % 2, 0.5, 0.1)))
    when = times[bought] + random.uniform(600, 100_000, size=len(bought))
    with (folder / "orders.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["impression", "time"])
        table.writerows([int(bought[at]), float(when[at])] for at in np.argsort(when))


def bring_applicants(folder: Path) -> None:
    """300 new people at the bank, of whom the shop knows 200."""
    rows = (folder / "bank/customers.csv").read_text().splitlines()[:301]
    cells = [row.split(",") for row in rows]
    without_label = [",".join([cell[0], *cell[2:]]) for cell in cells]
    (folder / "bank/applicants.csv").write_text("\n".join(without_label))


def bring_data_with_gaps(folder: Path) -> None:
    """The same people with weights and, at both parties, a column of names."""
    bring_data(folder)
    random = np.random.default_rng(2)
    customers = folder / "bank/customers.csv"
    head, *lines = customers.read_text().splitlines()
    marked = [f"{line},{random.choice(list('ABC'))},{random.integers(1, 4)}" for line in lines]
    customers.write_text("\n".join([f"{head},segment,importance", *marked]))
    loyalty = parquet.read_table(folder / "shop/loyalty.parquet")
    names = ("north", "south", None)
    regions = [names[at] for at in random.integers(len(names), size=loyalty.num_rows)]
    with_region = loyalty.append_column("region", pa.array(regions, pa.string()))
    parquet.write_table(with_region, folder / "shop/loyalty.parquet")


def bring_data(folder: Path) -> None:
    """What the parties of the guide have: 400 people each, 300 of them the same."""
    random = np.random.default_rng(1)
    income, visits = random.normal(size=(2, 500))
    defaulted = income + visits + random.normal(size=500) < -1
    names = ["email", "defaulted", "income", "balance_may", "balance_june"]
    with (folder / "bank/customers.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(names)
        for row in range(400):
            known = f"{income[row]:.3f}" if row % 10 else "n/a"
            balances = random.normal(size=2).tolist()
            table.writerow([f"p{row}@example.org", int(defaulted[row]), known, *balances])
    loyalty = {
        "mail": [f" P{row}@example.org" for row in range(100, 500)],
        "visits": visits[100:],
        "basket": random.normal(size=400),
    }
    parquet.write_table(pa.table(loyalty), folder / "shop/loyalty.parquet")
