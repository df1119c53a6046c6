"""The benchmark of tiers: what it makes, and when it falls short."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from pyarrow import parquet

from benchmarks import bench_tiers, clicks, tiers_rows
from benchmarks.bench_tiers import Sizes
from benchmarks.paddle_servers import Reached
from benchmarks.recovery import Killed, Saved
from benchmarks.tiers_rows import AIMED, DENSE, EVERY_BATCH, OURS, ROOT, SPARSE, TORCHREC
from benchmarks.tiers_run import Trained

EVERY = Trained(100.0, 50.0, 2.0, 1000, 10, 0, 7, 0.5, 0.7)
SIXTEENTH = Trained(250.0, 90.0, 2.0, 300, 2, 1, 7, 0.503, 0.7)
ALONE = {
    OURS: [Reached(300.0, 0.5)],
    SPARSE: [Reached(200.0, 0.5)],
    DENSE: [Reached(50.0)],
    TORCHREC: [Reached(290.0, 0.5)],
}
RECOVERY = (Killed(100, 4, [1.0, 2.0]), Saved(120.0, 0.5, 1.0, 0.6, 0.8))


def missed(sixteenth: Trained = SIXTEENTH) -> Sequence[str]:
    return tiers_rows.missed({EVERY_BATCH: [EVERY], AIMED: [sixteenth]}, None, ALONE, RECOVERY)


class TestStream:
    def test_has_the_same_ids_and_labels_as_parquet_and_as_arrays(self, tmp_path: Path) -> None:
        made = clicks.make(clicks.Stream(300, 100, seed=1), tmp_path)
        parts = [parquet.read_table(tmp_path / name) for name in (clicks.TRAIN, clicks.TEST)]
        labels, rows = np.load(tmp_path / clicks.LABELS), np.load(tmp_path / clicks.IDS)
        read = np.concatenate([part["click"].to_numpy() for part in parts])
        assert read.tolist() == labels.tolist()
        for field, name in enumerate(clicks.columns()):
            ids = np.concatenate([part[name].to_numpy() for part in parts])
            assert len(set(zip(ids.tolist(), rows[:, field].tolist(), strict=True))) == len(
                set(ids.tolist())
            )
        assert made.rows == rows.max() + 1
        assert 0 < made.ideal < 0.7

    def test_is_the_same_for_the_same_seed(self, tmp_path: Path) -> None:
        found = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            clicks.make(clicks.Stream(50, 10, seed=3), tmp_path / name)
            found.append(np.load(tmp_path / name / clicks.IDS).tolist())
        assert found[0] == found[1]


class TestAims:
    def test_tell_only_of_missing_cores_when_all_are_met(self) -> None:
        assert missed() == ["1 to 2 workers: not measured, for want of cores."]

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"samples_per_s": 150.0}, "1.50 times as fast"),
            ({"traffic": 400}, "40% of the traffic"),
            ({"logloss": 0.505}, "logloss +0.0050"),
        ],
    )
    def test_of_tiers(self, change: dict[str, float], told: str) -> None:
        assert told in missed(msgspec.structs.replace(SIXTEENTH, **change))[0]

    def test_of_one_process_and_of_recovery(self) -> None:
        slow = {**ALONE, TORCHREC: [Reached(400.0, 0.5)]}
        found = tiers_rows.missed(
            {EVERY_BATCH: [EVERY], AIMED: [SIXTEENTH]},
            {EVERY_BATCH: [EVERY], AIMED: [EVERY]},
            slow,
            (Killed(100, 4, [4.0]), Saved(120.0, 4.0, 2.0, 0.6, 0.8)),
        )
        told = " ".join(found)
        assert "nodes apart: 1.00 times" in told
        assert f"0.75 times {TORCHREC}" in told
        assert "Kill to answer: 4 s" in told
        assert "3.3 times `numpy.save`" in told
        assert "waits for 4 s a minute" in told


class TestServers:
    def test_trains_all_servers_on_the_first_stream_and_those_with_an_aim_on_all(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bench_tiers, "_ours", lambda *_: EVERY)
        found = bench_tiers.on_ray({1: Path(), 2: Path()})
        assert {name: len(runs) for name, runs in found.items()} == {
            name: 2 if name in {EVERY_BATCH, AIMED, ROOT} else 1
            for name in bench_tiers.ray_servers()
        }

    def test_every_batch_waits_for_its_rows(self) -> None:
        servers = bench_tiers.ray_servers()
        assert servers[EVERY_BATCH].staleness == 0
        assert servers[AIMED].exchange_every == 16 * servers[EVERY_BATCH].exchange_every
        assert {server.workers for server in servers.values()} == {2}

    def test_notes_say_what_the_sizes_were(self) -> None:
        notes = " ".join(bench_tiers.notes(Sizes(stream=(1234, 99)), 5))
        assert "1,234" in notes
