"""Snapshots: whole or not there, and read only as they were written."""

import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from isthmus.core.errors import DiskError, SpecError
from isthmus.paramserver.shards.snapshots import (
    Manifest,
    Progress,
    Snapshots,
    read_arrays,
    read_manifest,
    write_arrays,
)
from tests.disk import full_disk

ARRAYS: dict[str, NDArray[Any]] = {
    "rows": np.arange(12, dtype=np.float32).reshape(3, 4),
    "id": np.array([-1, 2**62], np.int64),
    "none": np.zeros((0, 4), np.float32),
    "feature": np.array([0, 65_535], np.uint16),
}


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / "snapshots", "job")


def save(snapshots: Snapshots, version: int, whole: int) -> None:
    manifest = Manifest(
        job="job", version=version, whole=whole, shards=1, progress=Progress(), files={}
    )
    with snapshots.new(version) as folder:
        snapshots.finish(folder, manifest, write_arrays(folder, "feeder", ARRAYS))


def names(snapshots: Snapshots) -> list[str]:
    return sorted(path.name for path in snapshots.at(1).parent.iterdir())


class TestArrays:
    def test_come_back_as_they_were(self, snapshots: Snapshots) -> None:
        save(snapshots, 1, 1)
        found = read_arrays(snapshots.at(1), read_manifest(snapshots.at(1)), "feeder")
        assert found.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            assert found[name].dtype == array.dtype
            assert found[name].tolist() == array.tolist()

    def test_can_be_read_with_numpy_alone(self, snapshots: Snapshots) -> None:
        save(snapshots, 1, 1)
        rows = np.load(snapshots.at(1) / "feeder.rows.npy", allow_pickle=False)
        assert rows.tolist() == ARRAYS["rows"].tolist()

    def test_of_a_part_are_not_those_of_another_with_a_longer_name(
        self, snapshots: Snapshots
    ) -> None:
        save(snapshots, 1, 1)
        assert read_arrays(snapshots.at(1), read_manifest(snapshots.at(1)), "feed") == {}

    def test_are_for_their_owner_only(self, snapshots: Snapshots) -> None:
        save(snapshots, 1, 1)
        assert snapshots.at(1).stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize("at", [-1, -40, 3])
    def test_with_another_byte_are_refused(self, snapshots: Snapshots, at: int) -> None:
        save(snapshots, 1, 1)
        path = snapshots.at(1) / "feeder.rows.npy"
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)
        with pytest.raises(SpecError, match=r"000001/feeder\.rows\.npy: is not .* Put the file"):
            read_arrays(snapshots.at(1), read_manifest(snapshots.at(1)), "feeder")

    @pytest.mark.parametrize("size", [0, 10, 150])
    def test_cut_short_are_refused(self, snapshots: Snapshots, size: int) -> None:
        save(snapshots, 1, 1)
        os.truncate(snapshots.at(1) / "feeder.rows.npy", size)
        with pytest.raises(SpecError, match=r"feeder\.rows\.npy: is not an array .* Put the file"):
            read_arrays(snapshots.at(1), read_manifest(snapshots.at(1)), "feeder")

    def test_with_something_added_are_refused(self, snapshots: Snapshots) -> None:
        save(snapshots, 1, 1)
        path = snapshots.at(1) / "feeder.rows.npy"
        path.write_bytes(path.read_bytes() + b"more")
        with pytest.raises(SpecError, match=r"feeder\.rows\.npy: is not as it was written"):
            read_arrays(snapshots.at(1), read_manifest(snapshots.at(1)), "feeder")

    def test_that_are_missing_are_told(self, snapshots: Snapshots) -> None:
        save(snapshots, 1, 1)
        (snapshots.at(1) / "feeder.rows.npy").unlink()
        with pytest.raises(SpecError, match=r"feeder\.rows\.npy: cannot be read: No such file"):
            read_arrays(snapshots.at(1), read_manifest(snapshots.at(1)), "feeder")

    def test_with_objects_are_refused(self, snapshots: Snapshots) -> None:
        save(snapshots, 1, 1)
        objects = np.array([print], object)
        np.save(snapshots.at(1) / "feeder.rows.npy", objects, allow_pickle=True)
        with pytest.raises(SpecError, match=r"feeder\.rows\.npy: is not an array"):
            read_arrays(snapshots.at(1), read_manifest(snapshots.at(1)), "feeder")


class TestSnapshots:
    def test_are_none_before_the_first(self, snapshots: Snapshots) -> None:
        assert snapshots.latest() is None

    def test_the_latest_is_found_with_those_that_it_needs(self, snapshots: Snapshots) -> None:
        for version, whole in [(1, 1), (2, 2), (3, 2), (4, 2)]:
            save(snapshots, version, whole)
        latest = snapshots.latest()
        assert latest is not None
        assert [folder.name for folder in snapshots.chain(latest)] == ["000002", "000003", "000004"]

    def test_stay_back_to_the_whole_one_before_the_last_whole_one(
        self, snapshots: Snapshots
    ) -> None:
        for version, whole in [(1, 1), (2, 1), (3, 3), (4, 3)]:
            save(snapshots, version, whole)
        assert names(snapshots) == ["000001", "000002", "000003", "000004"]
        save(snapshots, 5, 5)
        assert names(snapshots) == ["000003", "000004", "000005"]

    def test_an_interrupted_one_is_not_there_and_is_removed(self, snapshots: Snapshots) -> None:
        save(snapshots, 1, 1)
        left = snapshots.at(2).with_name(".000002")
        left.mkdir()
        (left / "feeder.rows.npy").write_bytes(b"half")
        latest = snapshots.latest()
        assert latest is not None
        assert latest.version == 1
        save(snapshots, 2, 1)
        assert names(snapshots) == ["000001", "000002"]

    def test_the_last_one_is_whole_when_the_disk_is_full(self, snapshots: Snapshots) -> None:
        save(snapshots, 1, 1)
        with full_disk(150), pytest.raises(DiskError, match=r"no space left .* Make room"):
            save(snapshots, 2, 1)
        assert names(snapshots) == ["000001"]
        save(snapshots, 2, 1)
        assert names(snapshots) == ["000001", "000002"]

    def test_of_another_job_are_refused(self, snapshots: Snapshots) -> None:
        save(snapshots, 1, 1)
        other = Snapshots(snapshots.at(1).parent, "another")
        with pytest.raises(SpecError, match="belongs to another job, or to this one before"):
            other.latest()

    def test_one_that_is_needed_and_missing_is_told(self, snapshots: Snapshots) -> None:
        for version in (1, 2, 3, 4):
            save(snapshots, version, 1)
        for gone in (2, 3):
            snapshots.at(gone).rename(snapshots.at(gone).with_name(f"old-{gone}"))
        with pytest.raises(
            SpecError, match=r"snapshot 4 needs those from 1 on, but 2 of them are missing, .* 2"
        ):
            snapshots.latest()

    @pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[1"])
    def test_a_manifest_that_is_none_is_told(self, snapshots: Snapshots, content: bytes) -> None:
        save(snapshots, 1, 1)
        (snapshots.at(1) / "manifest.json").write_bytes(content)
        with pytest.raises(SpecError, match=r"manifest\.json: is not the manifest of a snapshot"):
            snapshots.latest()

    def test_a_missing_manifest_is_told(self, snapshots: Snapshots) -> None:
        save(snapshots, 1, 1)
        (snapshots.at(1) / "manifest.json").unlink()
        with pytest.raises(SpecError, match=r"manifest\.json: cannot be read"):
            snapshots.latest()

    def test_a_file_that_the_manifest_does_not_name_is_told(self, snapshots: Snapshots) -> None:
        save(snapshots, 1, 1)
        manifest = msgspec.structs.replace(read_manifest(snapshots.at(1)), files={})
        assert read_arrays(snapshots.at(1), manifest, "feeder") == {}

    def test_removed_by_hand_lead_back_to_the_one_before(self, snapshots: Snapshots) -> None:
        for version in (1, 2):
            save(snapshots, version, 1)
        snapshots.at(2).rename(snapshots.at(2).with_name("broken"))
        latest = snapshots.latest()
        assert latest is not None
        assert latest.version == 1
