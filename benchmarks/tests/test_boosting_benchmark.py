"""The benchmark of boosting runs, at sizes that say nothing; no rival is installed here."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from benchmarks import (
    bench_boosting,
    boosting_aims,
    boosting_arithmetic,
    boosting_rivals,
    contest,
    online,
    operations,
    rivals,
    round_watch,
    simulated,
)
from benchmarks.bench_boosting import Sizes
from benchmarks.boosting_arithmetic import BY_HEU
from benchmarks.boosting_rivals import SGB, XGBOOST, Rival
from benchmarks.contest import BY_GMPY2, OURS, Compared, Contest
from benchmarks.heu import Asked, Speed
from benchmarks.measurement import Row
from benchmarks.online import Wait
from benchmarks.operations import Operations
from benchmarks.pace import Course, Mark, Pace, pace
from benchmarks.round_watch import RoundWatch
from benchmarks.simulated import ACTIVE, PASSIVE, Workload
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event
from isthmus.crypto import keys
from isthmus.crypto.encryption import Encryption
from isthmus.vertical.boosting.spec import Boosting

COLUMNS = {ACTIVE: 2, PASSIVE: 3}
WEAK = Encryption(key_bits=2048)  # and 1024 by the environment
SMALL = Boosting(trees=2, depth=2, encryption=WEAK)
SIZES = Sizes(
    trees=2,
    depths=(2,),
    joined={400: (2, 2)},
    large={400: (2, 2, 0)},
    columns=2,
    cost_rows=300,
    cost_trees=2,
    requests=5,
    encryption=WEAK,
)
TRAINING = """
import json, pathlib, sys
settings = json.loads(sys.argv[1])
marks = [{"time": tree, "cpu": 0, "sent": 0} for tree in range(settings["trees"] + 1)]
pathlib.Path("cost.json").write_text(json.dumps({"marks": marks, "auc": settings["depth"] / 10}))
"""


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    return simulated.synthetic(400, COLUMNS, tmp_path)


def this_python() -> AbstractContextManager[Path]:
    return nullcontext(Path(sys.executable))


@contextmanager
def nowhere() -> Iterator[Path]:
    raise SpecError("it is not on the index.")
    yield


def learn(python: Path, job: Boosting, files: Sequence[Path]) -> Pace:
    assert python == Path(sys.executable)
    assert all(file.is_file() for file in files)
    return Pace(job.trees * 1e6, 1, 1, 0.5)


def fail(*_: object) -> Pace:
    raise SpecError("it gave up.")


def compared(workload: Workload, job: Boosting, cpu: float = 0, **walls: float) -> Compared:
    names = {"ours": OURS, "sgb": SGB, "xgboost": XGBOOST}
    return Compared(
        workload, job, {names[name]: Pace(wall, cpu, 0, 0.5) for name, wall in walls.items()}
    )


def judged(
    beside: Sequence[Compared], made_up: Sequence[Compared] = (), floor: Sequence[Row] = ()
) -> list[str]:
    """What is said about each aim, without the name of what was trained."""
    said = boosting_aims.judged(beside, [], made_up, floor)
    return [text.partition(": ")[2] for text in said]


def heu(_: Asked) -> Sequence[Speed]:
    return [Speed((1.0, 1.0, 1.0), [])]


class TestRoundWatch:
    def test_tells_what_was_spent_when_a_round_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looked, later = list[float](), threading.Event()

        def look() -> float:
            looked.append(time.time())
            if len(looked) > 4:
                later.set()
            return float(len(looked))

        monkeypatch.setattr(round_watch, "children_cpu", look)
        watch = RoundWatch(ACTIVE)
        with watch.looking():
            assert later.wait(60)
        for party, at in ((ACTIVE, looked[1]), (PASSIVE, looked[2]), (ACTIVE, looked[3])):
            watch(party, Event("train", 1, 2, metrics={"loss": 1.0}, time=at))
        first, last = watch.ended  # when they ended, however late their events came
        assert watch.cpu(last) - watch.cpu(first) == pytest.approx(2, abs=0.1)


class TestPace:
    def test_is_the_average_of_all_trees_but_the_first(self) -> None:
        first = Course([Mark(0, 0, 0), Mark(50, 9, 70), Mark(52, 10, 80), Mark(54, 12, 90)], 0.7)
        other = Course([Mark(0, 0, 0), Mark(50, 3, 10), Mark(53, 4, 11), Mark(58, 6, 14)], 0.7)
        assert pace([first, other]) == Pace(wall=2, cpu=3, sent=12, auc=0.7)


class TestRivals:
    def test_get_the_same_rows_of_both_parties_in_one_order(
        self, workload: Workload, tmp_path: Path
    ) -> None:
        active, passive = (np.load(file) for file in boosting_rivals.write(workload, tmp_path))
        assert active["x"].shape == (400, 2)
        assert (passive["x"].shape, passive["x_test"].shape) == ((400, 3), (80, 3))
        assert (active["y"] == workload.training_rows(ACTIVE).label).all()
        assert set(passive) == {"x", "x_test"}

    def test_are_asked_for_what_our_job_says(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "rival_xgboost.py"
        program.write_text(TRAINING)
        monkeypatch.setattr(boosting_rivals, "__file__", str(tmp_path / "boosting_rivals.py"))
        found = boosting_rivals.train_xgboost(Path(sys.executable), SMALL, [tmp_path, tmp_path])
        assert found == Pace(wall=1, cpu=0, sent=0, auc=0.2)

    def test_have_all_that_they_need_pinned(self) -> None:
        pins = Path(boosting_rivals.__file__).with_name("rival_sgb.txt").read_text().splitlines()
        assert SGB.removeprefix("SGB of ") in pins
        assert all("==" in pin for pin in pins if not pin.startswith("#"))

    def test_that_cannot_be_installed_are_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rivals, "PYTHON", "no-such-python")
        with Contest(boosting_rivals.RIVALS) as contestants:
            assert set(contestants.missing) == {SGB, XGBOOST}
        assert "could not be installed" in contestants.missing[SGB]


class TestOperations:
    def test_are_those_of_the_smaller_children(self, workload: Workload) -> None:
        stump = operations.per_tree(workload, Boosting(trees=2, depth=1))
        assert (stump.encryptions, stump.additions) == (400, 400 * 3)
        deeper = operations.per_tree(workload, Boosting(trees=2, depth=2))
        assert 400 * 3 < deeper.additions <= 600 * 3
        assert deeper.decryptions == 2 * stump.decryptions

    def test_are_fewer_with_a_sample(self, workload: Workload) -> None:
        sampled = operations.per_tree(workload, Boosting(trees=2, depth=1, sampling="goss"))
        assert (sampled.encryptions, sampled.additions) == (80, 80 * 3)

    def test_take_as_long_as_their_rates_say(self) -> None:
        assert Operations(10, 20, 30).seconds(Operations(10, 10, 10)) == 6
        rates = operations.rates(WEAK, 50, 2, 4)
        assert min(rates.encryptions, rates.additions, rates.decryptions) > 0


class TestOnline:
    def test_parts_make_one_model(self, workload: Workload) -> None:
        active, passive = online.parts(workload, SMALL)
        assert active.run == passive.run
        assert passive.splits == active.splits_on(active.passives[PASSIVE])
        assert passive.splits


class TestArithmetic:
    def test_is_told_of_every_engine_and_of_heu(self, workload: Workload) -> None:
        trained = compared(workload, SMALL, ours=3)
        rates = {"kernel": Operations(400, 1e9, 1e9), BY_HEU: Operations(100, 1e9, 1e9)}
        rows = boosting_arithmetic.by_each([trained], rates)
        assert [row["by"] for row in rows] == ["kernel", BY_HEU]
        assert [row["CPU s they take"] for row in rows] == pytest.approx([1, 4], rel=1e-3)
        assert [row["CPU s / HEU"] for row in rows] == pytest.approx([0.25, 1], rel=1e-3)

    def test_of_heu_is_timed_at_the_sizes_of_ours(self) -> None:
        asked = list[Asked]()

        def answer(question: Asked) -> Sequence[Speed]:
            asked.append(question)
            return [Speed((1.0, 2.0, 3.0), [])]

        rates, missing = boosting_arithmetic.rates(WEAK, 50, 2, 4, answer)
        assert rates[BY_HEU] == Operations(1, 2, 3)
        assert not missing
        assert (asked[0].rows, asked[0].columns, asked[0].buckets) == (50, 2, 4)
        assert max(asked[0].values()).bit_length() == operations.VALUE_BITS + operations.SHIFT
        assert asked[0].codes().shape == (50, 2)

    def test_is_ours_alone_without_heu(self, workload: Workload) -> None:
        def absent(_: Asked) -> Sequence[Speed]:
            raise SpecError("it is not on the index.")

        rates, missing = boosting_arithmetic.rates(WEAK, 50, 2, 4, absent)
        assert missing == ["HEU was not measured: it is not on the index."]
        rows = boosting_arithmetic.by_each([compared(workload, SMALL, ours=1)], rates)
        assert {row["CPU s / HEU"] for row in rows} == {"not measured"}

    def test_leaves_a_rest(self, workload: Workload) -> None:
        trained = compared(workload, SMALL, cpu=0.5, ours=0.5)
        (row,) = boosting_arithmetic.floor([trained], Operations(1_000, 1e9, 1e9))
        assert row[boosting_aims.REST] == pytest.approx(0.1, rel=1e-3)


class TestAims:
    def test_are_for_cpu_seconds_of_trees_on_all_rows(self, workload: Workload) -> None:
        slow = compared(workload, Boosting(depth=3, trees=2), cpu=0.46, ours=1)
        fast = compared(workload, Boosting(depth=5, trees=2), cpu=0.59, ours=1)
        goss = compared(workload, Boosting(depth=3, trees=2, sampling="goss"), cpu=9, ours=1)
        assert judged([fast, slow, goss]) == [
            "0.46 CPU s a tree; the aim is at most 0.45: missed.",
            "0.59 CPU s a tree; the aim is at most 0.6: reached.",
        ]

    def test_compare_with_sgb_of_every_row_at_the_same_depth(self, workload: Workload) -> None:
        every = compared(workload, Boosting(depth=3, trees=2), ours=0.5, sgb=3)
        goss = compared(workload, Boosting(depth=3, trees=2, sampling="goss"), ours=0.5, sgb=9)
        said = judged([every, goss])
        assert "6 times as fast as SGB with every row; the aim is at least 5: reached." in said
        assert "6 times as fast as SGB with every row; the aim is at least 8: missed." in said

    def test_look_at_the_ratio_to_xgboost(self, workload: Workload) -> None:
        near = compared(workload, SMALL, ours=1, sgb=5, xgboost=0.1)
        far = compared(workload, SMALL, ours=3, sgb=4, xgboost=0.1)
        assert judged([], made_up=[near, far]) == [
            "0.75 of SGB's ratio to XGBoost; the aim is at most 0.2: missed.",
            "0.2 of SGB's ratio to XGBoost; the aim is at most 0.2: reached.",
        ]

    def test_ask_of_long_keys_to_be_faster_than_sgb_with_short_ones(
        self, workload: Workload
    ) -> None:
        job = Boosting(trees=2, depth=3, encryption=Encryption(key_bits=3072))
        paces = {OURS: Pace(1, 1, 1, 0.5), f"{SGB}, 2,048 bits": Pace(2, 1, 1, 0.5)}
        (said,) = boosting_aims.judged([], [Compared(workload, job, paces)], [], [])
        assert said.endswith(
            "all rows, 3,072 bits: 0.5 of the time of SGB with 2,048 bits; the aim is at most 1: "
            "reached."
        )

    def test_look_at_the_floor_and_at_the_rest_above_it(self, workload: Workload) -> None:
        real = compared(workload, Boosting(depth=2, trees=2), ours=1)
        floor: list[Row] = [
            {"trees": real.title, boosting_aims.TO_FLOOR: 1.2, boosting_aims.REST: 0.13},
            {"trees": "many", boosting_aims.TO_FLOOR: 1.4, boosting_aims.REST: 5},
        ]
        assert judged([real], floor=floor) == [
            "0.13 CPU s a tree beside its operations; the aim is at most 0.1: missed.",
            "1.4 times the floor; the aim is at most 1.3: missed.",
            "1.2 times the floor; the aim is at most 1.3: reached.",
        ]


class TestMeasurement:
    """What our own processes take is made up here; `TestProcesses` has real ones."""

    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(contest, "train", lambda *_: Pace(2, 3, 4, 0.6))
        monkeypatch.setattr(keys, "running", lambda *_: "gmpy2")
        monkeypatch.setattr(online, "waits", lambda *_: [Wait(1, 0.002, 0.003)])

    def test_has_a_table_for_each_question(self, workload: Workload) -> None:
        contenders = {SGB: Rival(this_python, learn), XGBOOST: Rival(this_python, learn)}
        found = bench_boosting.measure(SIZES, contenders, lambda: workload, heu)
        real, made_up = found.tables["Real rows"], found.tables["Made-up rows"]
        assert [row["by"] for row in real] == [OURS, SGB, XGBOOST] * 2
        assert [row["by"] for row in made_up[:6]] == [OURS, SGB, XGBOOST] * 2
        assert [row["by"] for row in made_up[6:]] == [OURS, XGBOOST]  # SGB's goss was left out
        assert [row["s / ours"] for row in made_up[:3]] == [1, 1e6, 1e6]
        assert found.tables["A request to score rows"] == [{"rows": 1, "p50 ms": 2, "p99 ms": 3}]
        assert len(found.tables["The floor"]) == 4
        assert [row["by"] for row in found.tables["The operations alone"]] == ["gmpy2", BY_HEU] * 2
        assert len(found.tables["Cost"]) == 6
        assert "1,000,000 times as fast as SGB" in found.answer

    def test_puts_long_keys_of_ours_beside_short_ones_of_sgb(self, workload: Workload) -> None:
        beside = [
            compared(workload, Boosting(depth=depth, trees=2), ours=1, sgb=7) for depth in (2, 3)
        ]
        found = bench_boosting.under_long_keys(beside, SIZES)
        assert [each.boosting.encryption for each in found] == [SIZES.strong] * 2
        assert [each.paces[f"{SGB}, 2,048 bits"].wall for each in found] == [7, 7]

    def test_shows_gmpy2_beside_the_kernel(
        self, workload: Workload, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keys, "running", lambda *_: "kernel")
        with Contest({}) as contestants:
            assert set(contestants(workload, SMALL, {}).paces) == {OURS, BY_GMPY2}

    def test_names_what_is_not_here(self) -> None:
        def absent() -> Workload:
            raise SpecError("the real rows are not here.")

        contenders = {SGB: Rival(nowhere, learn), XGBOOST: Rival(this_python, fail)}
        found = bench_boosting.measure(SIZES, contenders, absent, heu)
        assert [row["by"] for row in found.tables["Made-up rows"]] == [OURS] * 3
        assert found.falls_short[:3] == [
            "the real rows are not here.",
            f"{SGB} was not measured: it is not on the index.",
            f"{XGBOOST} was not measured: synthetic 400 x 2+2: it gave up.",
        ]


@pytest.mark.slow
class TestProcesses:
    def test_score_and_tell_how_long_it_took(self, workload: Workload) -> None:
        single, several = online.waits(workload, SMALL, (1, 7), requests=5)
        assert (single.rows, several.rows) == (1, 7)
        assert 0 < single.half <= single.most

    def test_are_counted_after_they_ended(self) -> None:
        busy = "import time; end = 0.3\nwhile time.process_time() < end: pass"
        party = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
        waiting = f"{party}; print(flush=True); sys.stdin.read()"
        before = round_watch.children_cpu()
        with subprocess.Popen(  # noqa: S603 - our own arguments
            [sys.executable, "-c", waiting], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()  # its own worker has ended, and it has not
            assert round_watch.children_cpu() - before > 0.25
            process.communicate()
        assert round_watch.children_cpu() - before > 0.25

    def test_train_and_tell_what_a_tree_took(self, workload: Workload) -> None:
        took = contest.train(workload, SMALL)
        assert took.wall > 0
        assert took.sent > 400 * 1024 / 8
        assert 0.5 < took.auc < 1
