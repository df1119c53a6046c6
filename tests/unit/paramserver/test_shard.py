"""A shard of the external server: exactly once, never too stale, restored as it was."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.paramserver.shards.placement import part, positions
from isthmus.paramserver.shards.shard import Shard
from isthmus.paramserver.shards.snapshots import Manifest, Progress, Snapshots
from isthmus.paramserver.spec import Server, Sgd
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tables.table import FeatureRule
from isthmus.paramserver.window import DEFAULT, Float32s, Int32s, Keys, Pull, Push, Rows
from tests.tiers import (
    DIMENSION,
    FEATURES,
    JOB,
    SEED,
    SIZE,
    LinearTrainer,
    make_plan,
    make_push,
    model_of,
    names_of,
    rows_of,
)

FIRST = LinearTrainer().first()
MakeShard = Callable[..., Shard]


@pytest.fixture
def make_shard(tmp_path: Path) -> Iterator[MakeShard]:
    made = list[Shard]()

    def make(
        server: Server, number: int = 0, rules: Sequence[FeatureRule] = (FeatureRule(),) * FEATURES
    ) -> Shard:
        made.append(Shard(make_plan(tmp_path, server, rules), number))
        made[-1].begin(FIRST, [])
        return made[-1]

    yield make
    for shard in made:
        shard.close()


def make_keys(*names: tuple[int, int]) -> Keys:
    return Keys(
        np.array([feature for feature, _ in names], np.uint16),
        np.array([identity for _, identity in names], np.int64),
    )


def pull(window: int, *names: tuple[int, int], times: int = 1) -> Pull:
    occurrences: Int32s = np.full(len(names), times, np.int32)
    return Pull(window, make_keys(*names), occurrences)


def push(window: int, name: tuple[int, int], number: float, dense: Float32s) -> Push:
    width = Layout(DIMENSION, Sgd()).width
    return make_push(window, [name], [[number] * width], dense)


def server(workers: int = 1, shards: int = 1, staleness: int = 0) -> Server:
    return Server(
        workers=workers, shards=shards, staleness=staleness, rows=Sgd(), dense=Sgd(), merge="sum"
    )


DENSE = FIRST[None, :]


class TestBegin:
    def test_has_the_first_dense_numbers_of_its_part(self, make_shard: MakeShard) -> None:
        parts = [
            make_shard(server(shards=3), number).exchange(0, [], [pull(0)], 0)[0].dense
            for number in range(3)
        ]
        assert [each.shape[1] for each in parts] == [4, 4, 5]
        assert np.concatenate(parts, axis=1).tobytes() == FIRST.tobytes()

    def test_may_have_no_dense_numbers_at_all(self, make_shard: MakeShard) -> None:
        assert part(SIZE, 100, 0) == slice(0, 0)
        shard = make_shard(server(shards=100))
        assert shard.exchange(0, [], [pull(0, (0, 5))], 0)[0].dense.shape == (1, 0)

    def test_forgets_whatever_was(self, make_shard: MakeShard) -> None:
        shard = make_shard(server())
        shard.exchange(0, [], [pull(0, (0, 5))], 0)
        shard.exchange(1, [push(0, (0, 5), 3, DENSE)], [pull(1, (0, 5))], 8)
        shard.begin(FIRST, [])
        first = Layout(DIMENSION, Sgd()).first(make_keys((0, 5)), SEED)
        assert shard.exchange(0, [], [pull(0, (0, 5))], 0)[0].rows.tobytes() == first.tobytes()


class TestExchange:
    def test_gives_rows_of_admitted_keys_only(self, make_shard: MakeShard) -> None:
        shard = make_shard(server(), 0, [FeatureRule(admit_after=3)] * FEATURES)
        names = ((0, DEFAULT), (0, 5))
        found = [shard.exchange(number, [], [pull(0, *names)], 0)[0] for number in range(3)]
        assert [rows.admitted.tolist() for rows in found] == [[True, False]] * 2 + [[True, True]]
        assert not found[1].rows.any()
        assert found[2].rows[1].any()

    def test_pushes_before_it_pulls(self, make_shard: MakeShard) -> None:
        shard = make_shard(server())
        shard.exchange(0, [], [pull(0, (0, 5))], 0)
        (rows,) = shard.exchange(1, [push(0, (0, 5), 3, DENSE + 1)], [pull(1, (0, 5))], 8)
        assert rows.rows.tolist() == [[3] * DIMENSION]
        assert rows.dense.tolist() == (DENSE + 1).tolist()

    def test_asked_again_returns_the_same_and_applies_nothing(self, make_shard: MakeShard) -> None:
        shard = make_shard(server(), 0, [FeatureRule(admit_after=2)] * FEATURES)
        given = push(0, (0, 5), 3, DENSE)
        for _ in range(3):
            (rows,) = shard.exchange(0, [], [pull(0, (0, 5))], 0)
            assert not rows.admitted.any()
        for _ in range(3):
            (rows,) = shard.exchange(1, [given], [pull(1, (0, 5))], 8)
            assert rows.rows.tolist() == [[3] * DIMENSION]

    def test_applies_each_window_of_a_worker_once(self, make_shard: MakeShard) -> None:
        shard = make_shard(server(workers=2))
        shard.exchange(0, [], [pull(0), pull(1)], 0)
        one, two = push(0, (0, 5), 3, DENSE), push(1, (0, 6), 4, DENSE)
        shard.exchange(1, [one, two], [], 8)
        again = [push(0, (0, 5), 9, DENSE), push(1, (0, 6), 9, DENSE)]
        shard.exchange(2, again, [pull(2), pull(3)], 8)
        (rows,) = shard.exchange(3, [], [pull(2, (0, 5), (0, 6))], 8)
        assert rows.rows[:, 0].tolist() == [3, 4]

    def test_refuses_a_window_after_a_gap(self, make_shard: MakeShard) -> None:
        shard = make_shard(server(workers=2))
        shard.exchange(0, [push(0, (0, 5), 3, DENSE)], [], 0)
        with pytest.raises(RuntimeError, match="window 4 came after 0"):
            shard.exchange(1, [push(4, (0, 5), 3, DENSE)], [], 0)

    def test_refuses_a_call_after_a_gap(self, make_shard: MakeShard) -> None:
        shard = make_shard(server())
        shard.exchange(0, [], [pull(0)], 0)
        with pytest.raises(RuntimeError, match="exchange 2 came where 1 is the next"):
            shard.exchange(2, [], [pull(0)], 0)

    @pytest.mark.parametrize("staleness", [0, 1, 3])
    def test_gives_no_rows_that_miss_more_windows_than_allowed(
        self, make_shard: MakeShard, staleness: int
    ) -> None:
        shard = make_shard(server(workers=2, staleness=staleness))
        for number in range(staleness + 1):
            shard.exchange(number, [], [pull(2 * number), pull(2 * number + 1)], 0)
            assert shard.facts().staleness == number
        late = 2 * staleness + 2
        with pytest.raises(RuntimeError, match=f"would miss {staleness + 1} windows"):
            shard.exchange(staleness + 1, [], [pull(late)], 0)

    def test_misses_what_the_slowest_worker_has_not_pushed(self, make_shard: MakeShard) -> None:
        shard = make_shard(server(workers=2))
        with pytest.raises(RuntimeError, match="would miss 1 windows"):
            shard.exchange(0, [push(1, (0, 5), 3, DENSE)], [pull(3)], 0)


class TestEvict:
    def test_gives_up_what_was_not_seen_for_long(self, make_shard: MakeShard) -> None:
        shard = make_shard(server(), 0, [FeatureRule(evict_after=10)] * FEATURES)
        shard.exchange(0, [], [pull(0, (0, 5), (0, DEFAULT))], 0)
        shard.exchange(1, [], [pull(0, (0, 6))], 8)
        before = shard.facts()
        facts = shard.evict(12)
        assert (facts.rows, facts.evicted) == (before.rows - 1, 1)


class TestSnapshot:
    @pytest.fixture
    def snapshots(self, tmp_path: Path) -> Snapshots:
        return Snapshots(tmp_path / "snapshots", JOB)

    def save(
        self, snapshots: Snapshots, shards: Sequence[Shard], version: int, *, whole: bool
    ) -> Manifest:
        for shard in shards:
            shard.copy(version, whole=whole)
        with snapshots.new(version) as folder:
            written = [shard.write(version, folder) for shard in shards]
            manifest = Manifest(
                job=JOB,
                version=version,
                whole=version if whole else 1,
                shards=len(shards),
                progress=Progress(),
                files={},
            )
            files = {name: stored for each in written for name, stored in each.items()}
            snapshots.finish(folder, manifest, files)
        return manifest

    def trained(self, make_shard: MakeShard, number: int, shards: int) -> Shard:
        shard = make_shard(server(shards=shards), number, RULES)
        self.go_on(shard, number, shards, range(3))
        return shard

    def go_on(self, shard: Shard, number: int, shards: int, windows: range) -> Sequence[Rows]:
        answer: Sequence[Rows] = []
        for window in windows:
            names = [(feature, window * 5 + each) for feature in range(3) for each in range(9)]
            names += [(feature, DEFAULT) for feature in range(3)]
            mine = make_keys(*names)
            mine = mine.take(positions(mine, shards)[number])
            occurrences: Int32s = np.ones(len(mine), np.int32)
            answer = shard.exchange(2 * window, [], [Pull(window, mine, occurrences)], window * 8)
            chosen = mine.take(answer[0].admitted)
            rows = answer[0].rows[answer[0].admitted] + np.float32(window + 1)
            dense = answer[0].dense + np.float32(1)
            trained = np.ones(dense.shape[1], np.bool_)
            given = Push(window, chosen, rows, dense, trained, relative=False)
            shard.exchange(2 * window + 1, [given], [], window * 8)
        return answer

    @pytest.mark.parametrize("later", [1, 2, 4])
    @pytest.mark.parametrize("before", [1, 3])
    def test_comes_back_on_any_number_of_shards(
        self, make_shard: MakeShard, snapshots: Snapshots, before: int, later: int
    ) -> None:
        shards = [self.trained(make_shard, number, before) for number in range(before)]
        self.save(snapshots, shards, 1, whole=True)
        for number, shard in enumerate(shards):
            self.go_on(shard, number, before, range(3, 6))
            shard.evict(60)
        manifest = self.save(snapshots, shards, 2, whole=False)
        restored = [make_shard(server(shards=later), number, RULES) for number in range(later)]
        for shard in restored:
            shard.begin(FIRST, snapshots.chain(manifest))
        assert model_of(restored) == model_of(shards)
        for all_of, count in ((shards, before), (restored, later)):
            for number, shard in enumerate(all_of):
                self.go_on(shard, number, count, range(6, 9))
        assert model_of(restored) == model_of(shards)

    def test_holds_only_what_changed_unless_it_is_whole(
        self, make_shard: MakeShard, snapshots: Snapshots
    ) -> None:
        shard = make_shard(server())
        shard.exchange(0, [], [pull(0, (0, 5))], 0)
        self.save(snapshots, [shard], 1, whole=True)
        shard.exchange(1, [], [pull(0, (0, 6))], 0)
        self.save(snapshots, [shard], 2, whole=False)
        ids = [np.load(snapshots.at(each) / "shard-0000.id.npy").tolist() for each in (1, 2)]
        assert [sorted(each) for each in ids] == [[5], [6]]

    def test_is_of_the_moment_of_the_copy(
        self, make_shard: MakeShard, snapshots: Snapshots
    ) -> None:
        shard = make_shard(server())
        shard.exchange(0, [], [pull(0, (0, 5))], 0)
        before = rows_of(shard.table.dump())
        shard.copy(1, whole=True)
        shard.exchange(1, [push(0, (0, 5), 3, DENSE + 1)], [pull(1, (0, 6))], 8)
        with snapshots.new(1) as folder:
            shard.write(1, folder)
            ids = np.load(folder / "shard-0000.id.npy")
            rows = np.load(folder / "shard-0000.rows.npy")
            dense = np.load(folder / "shard-0000.dense.npy")
        assert {(0, int(ids[0])): rows[0].tobytes()} == before
        assert dense.tolist() == DENSE.tolist()

    def test_is_refused_without_one_of_its_files(
        self, make_shard: MakeShard, snapshots: Snapshots
    ) -> None:
        shard = self.trained(make_shard, 0, 1)
        manifest = self.save(snapshots, [shard], 1, whole=True)
        (snapshots.at(1) / "shard-0000.dense.npy").unlink()
        with pytest.raises(SpecError, match=r"shard-0000\.dense\.npy: cannot be read"):
            make_shard(server()).begin(FIRST, snapshots.chain(manifest))

    def test_holds_which_windows_were_applied(
        self, make_shard: MakeShard, snapshots: Snapshots
    ) -> None:
        shard = make_shard(server())
        shard.exchange(0, [push(0, (0, 5), 3, DENSE)], [], 0)
        manifest = self.save(snapshots, [shard], 1, whole=True)
        shard.begin(FIRST, snapshots.chain(manifest))
        shard.exchange(1, [push(0, (0, 5), 9, DENSE)], [], 0)
        assert names_of(shard.table.dump().keys) == [(0, 5)]
        assert shard.table.dump().rows[0, 0] == 3


RULES = (FeatureRule(), FeatureRule(admit_after=2), FeatureRule(evict_after=30))
