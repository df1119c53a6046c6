"""What trainings tell peers is counted over all runs; rows that nearly are the same are found."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import PolicyError, SpecError
from isthmus.store.exposures import Earlier, Exposure, Exposures, Rows

PEOPLE = [b"person %d" % number for number in range(100)]


@pytest.fixture
def store(tmp_path: Path) -> Exposures:
    return Exposures(tmp_path / "runs" / "exposures")


def training(run: str, **changes: object) -> Exposure:
    usual = {"peer": "insurer", "dataset": "people.csv", "job": "a job", "told": {"equations": 0.1}}
    return Exposure(time=1.0, run=run, **(usual | changes))  # type: ignore[arg-type]


def begun(
    store: Exposures, exposure: Exposure, people: list[bytes], near: int = 20
) -> list[Earlier]:
    """What came before, as the policy sees it; nothing where the training was counted already."""
    seen = list[Earlier]()
    store.begin([exposure], store.hashes(people), near, lambda _, earlier: seen.append(earlier))
    return seen


class TestBegin:
    def test_adds_up_what_earlier_trainings_told(self, store: Exposures) -> None:
        assert begun(store, training("1"), PEOPLE) == [Earlier({}, 0)]
        begun(store, training("2", told={"equations": 0.2, "nodes": 7.0}), PEOPLE)
        (earlier,) = begun(store, training("3"), PEOPLE)
        assert earlier.told == {"equations": pytest.approx(0.3), "nodes": 7.0}
        assert earlier.trainings == 2
        (last,) = store.of_run("3")
        assert last.total == {"equations": pytest.approx(0.4)}

    def test_counts_all_attempts_of_a_run_once(self, store: Exposures) -> None:
        begun(store, training("1"), PEOPLE)
        assert begun(store, training("1"), PEOPLE) == []
        assert store.so_far("insurer", "people.csv").trainings == 1

    def test_counts_a_run_that_goes_on_with_other_rows_again(self, store: Exposures) -> None:
        begun(store, training("1"), PEOPLE)
        (earlier,) = begun(store, training("1"), PEOPLE[:50])
        assert earlier.trainings == 1

    def test_counts_nothing_that_is_refused(self, store: Exposures) -> None:
        def refuse(_: Exposure, __: Earlier) -> None:
            raise PolicyError("too much")

        with pytest.raises(PolicyError, match="too much"):
            store.begin([training("1")], store.hashes(PEOPLE), 20, refuse)
        assert store.so_far("insurer", "people.csv").trainings == 0
        assert store.of_run("1") == []

    def test_counts_what_is_told_to_each_peer_by_itself(self, store: Exposures) -> None:
        begun(store, training("1"), PEOPLE)
        assert begun(store, training("1", peer="shop"), PEOPLE[1:]) == [Earlier({}, 0)]

    def test_of_one_data_file_on_quite_other_rows_counts_as_well(self, store: Exposures) -> None:
        begun(store, training("1"), PEOPLE[:50])
        assert begun(store, training("2"), PEOPLE[50:])[0].trainings == 1

    def test_of_other_data_and_other_rows_is_another_matter(self, store: Exposures) -> None:
        begun(store, training("1"), PEOPLE[:50])
        assert begun(store, training("2", dataset="others.csv"), PEOPLE[50:]) == [Earlier({}, 0)]

    def test_counts_the_same_rows_under_another_file_name(self, store: Exposures) -> None:
        begun(store, training("1"), PEOPLE[:50])
        (earlier,) = begun(store, training("2", dataset="copy.csv"), PEOPLE[49:])
        assert earlier.told == {"equations": 0.1}

    def test_by_many_at_once_are_all_counted(self, store: Exposures) -> None:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda n: begun(store, training(str(n)), PEOPLE), range(24)))
        assert store.so_far("insurer", "people.csv").trainings == 24


class TestDifference:
    @pytest.mark.parametrize("dataset", ["people.csv", "copy.csv"])
    def test_of_one_row_is_found(self, store: Exposures, dataset: str) -> None:
        begun(store, training("1"), PEOPLE)
        assert begun(store, training("2", dataset=dataset), PEOPLE[1:])[0].difference == 1

    def test_of_none_is_no_difference(self, store: Exposures) -> None:
        begun(store, training("1"), PEOPLE)
        assert begun(store, training("2"), PEOPLE[::-1])[0].difference is None

    def test_counts_rows_that_are_in_either(self, store: Exposures) -> None:
        begun(store, training("1"), PEOPLE[:-5])
        assert begun(store, training("2"), PEOPLE[3:])[0].difference == 8

    @pytest.mark.parametrize(("near", "found"), [(9, 8), (8, None), (0, None)])
    def test_matters_below_what_was_asked_about(
        self, store: Exposures, near: int, found: int | None
    ) -> None:
        begun(store, training("1"), PEOPLE[:-5])
        assert begun(store, training("2"), PEOPLE[3:], near)[0].difference == found

    def test_of_one_of_several_rows_with_one_key_is_found(self, store: Exposures) -> None:
        begun(store, training("1"), [*PEOPLE, PEOPLE[0]])
        assert begun(store, training("2"), PEOPLE)[0].difference == 1

    def test_is_that_from_the_nearest_of_all_earlier_rows(self, store: Exposures) -> None:
        for number, people in enumerate((PEOPLE, PEOPLE[2:], PEOPLE[:40])):
            begun(store, training(str(number)), people)
        assert begun(store, training("last"), PEOPLE[1:])[0].difference == 1


class TestFiles:
    def test_are_for_their_owner_only(self, store: Exposures) -> None:
        begun(store, training("1"), PEOPLE)
        files = [path for path in store.folder.rglob("*") if path.is_file()]
        assert {path.name for path in files} >= {"key", "told.jsonl"}
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700

    def test_hold_no_identifier_and_no_hash_that_another_key_makes(
        self, store: Exposures, tmp_path: Path
    ) -> None:
        def hashed(other: Exposures) -> set[int]:
            rows: Rows = other.hashes(PEOPLE)
            return set(rows.tolist())

        begun(store, training("1"), PEOPLE)
        (kept,) = (store.folder / "rows").iterdir()
        assert set(np.load(kept).tolist()) == hashed(store)
        assert not hashed(store) & hashed(Exposures(tmp_path / "others"))
        assert b"person" not in b"".join(
            path.read_bytes() for path in store.folder.rglob("*") if path.is_file()
        )

    def test_are_not_made_to_look_into_them(self, store: Exposures) -> None:
        assert store.so_far("insurer", "people.csv") == Earlier({}, 0)
        assert store.of_run("1") == []
        assert not store.folder.exists()

    @pytest.mark.parametrize(
        ("name", "content"), [("told.jsonl", b"{}\n"), ("key", b"short"), ("rows", b"rubbish")]
    )
    def test_that_somebody_has_changed_are_refused(
        self, store: Exposures, name: str, content: bytes
    ) -> None:
        begun(store, training("1"), PEOPLE)
        file = next((store.folder / "rows").iterdir()) if name == "rows" else store.folder / name
        file.write_bytes(content)
        with pytest.raises(SpecError, match=r"Put it back from a backup; .*policy\.label_exposure"):
            begun(store, training("2"), PEOPLE[1:])

    def test_leave_out_a_training_that_is_about_to_go_on(self, store: Exposures) -> None:
        begun(store, training("1"), PEOPLE)
        begun(store, training("2"), PEOPLE)
        assert store.so_far("insurer", "people.csv", but="2").trainings == 1
        assert store.so_far("insurer", "people.csv", but="3").trainings == 2

    def test_count_the_rows_that_a_run_trained_on_among_others(self, store: Exposures) -> None:
        begun(store, training("1"), PEOPLE[1:])
        assert store.among("1", [*PEOPLE[:3], b"nobody"]) == 2
        assert store.among("2", PEOPLE) is None
