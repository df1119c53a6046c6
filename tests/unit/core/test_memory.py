"""Limits of memory, and what is told where one is reached."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from isthmus.core import memory
from isthmus.core.memory import Room


def shown(root: Path, **files: str) -> Path:
    """Files of the system, by path with `__` for a slash."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


class TestRooms:
    def test_a_machine_has_what_the_kernel_calls_available(self, tmp_path: Path) -> None:
        root = shown(tmp_path, proc__meminfo="MemTotal: 9000 kB\nMemAvailable:   2000 kB\n")
        (room,) = memory.rooms(root)
        assert (room.bytes, room.firm) == (2_048_000, False)

    def test_a_group_of_version_2_counts_with_those_above_it(self, tmp_path: Path) -> None:
        root = shown(tmp_path, proc__self__cgroup="0::/pod/main\n")
        for folder, most in (("sys/fs/cgroup/pod/main", "max"), ("sys/fs/cgroup/pod", "5000")):
            group = root / folder
            group.mkdir(parents=True, exist_ok=True)
            (group / "memory.max").write_text(f"{most}\n")
            (group / "memory.current").write_text("1500\n")
            (group / "memory.stat").write_text("anon 900\ninactive_file 500\n")
        (room,) = memory.rooms(root)
        assert (room.bytes, room.firm) == (4000, True), "files in memory can be dropped"

    def test_a_group_of_version_1_that_is_seen_from_outside_is_at_the_root(
        self, tmp_path: Path
    ) -> None:
        root = shown(tmp_path, proc__self__cgroup="9:cpu:/a\n4:memory:/docker/0123\n")
        group = root / "sys/fs/cgroup/memory"
        group.mkdir(parents=True)
        (group / "memory.limit_in_bytes").write_text("8000\n")
        (group / "memory.usage_in_bytes").write_text("3000\n")
        (room,) = memory.rooms(root)
        assert room.bytes == 5000

    def test_no_limit_is_no_room(self, tmp_path: Path) -> None:
        root = shown(tmp_path, proc__self__cgroup="4:memory:/\n")
        group = root / "sys/fs/cgroup/memory"
        group.mkdir(parents=True)
        (group / "memory.limit_in_bytes").write_text("9223372036854771712\n")
        assert memory.rooms(root) == []

    def test_this_machine_shows_one(self) -> None:
        assert all(room.bytes > 0 for room in memory.rooms())


class TestTightest:
    def test_the_limit_that_is_exceeded_by_most(self) -> None:
        found = [Room(100, "a"), Room(50, "b"), Room(70, "c")]
        assert memory.tightest(80, found) == Room(50, "b")

    def test_none_where_all_have_room(self) -> None:
        assert memory.tightest(100, [Room(100, "a")]) is None

    def test_addresses_count_only_where_all_do(self) -> None:
        found = [Room(100, "a"), Room(150, "b", mapped=True)]
        assert memory.tightest(90, found, mapped=60) is None
        assert memory.tightest(90, found, mapped=61) == found[1]


def raised(wrong: str) -> Exception:
    """The error of a library that was refused memory, in the library's words."""
    match wrong:
        case "numpy":
            with pytest.raises(MemoryError) as caught:
                np.empty(2**55)
            numpy: Exception = caught.value
            return numpy
        case "arrow":
            with pytest.raises(pa.ArrowMemoryError) as arrow:
                pa.allocate_buffer(2**60)
            error: Exception = arrow.value
            return error
        case "cause":
            error = ValueError("while reading")  # as a library wraps it
            error.__cause__ = MemoryError()
            return error
        case "system":
            return OSError(12, "Cannot allocate memory")
        case _:
            return RuntimeError(wrong)


class TestShortage:
    @pytest.mark.parametrize(
        "wrong",
        [
            "numpy",
            "arrow",
            "cause",
            "system",
            "std::bad_alloc",
            "can't start new thread",
            "libtorch.so: failed to map segment from shared object",
            "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried",
            "[Enforce fail at mp_int.cc:63] (mp_init_copy(&n_, &other.n_)) == MP_OKAY. -2 vs 0",
        ],
    )
    def test_is_known_by_what_each_library_says(self, wrong: str) -> None:
        error = raised(wrong)
        assert memory.is_shortage(error)
        told = str(memory.as_error(error))
        assert told.startswith("there was too little memory")
        assert "\n" not in told

    @pytest.mark.parametrize("wrong", ["MP_OKAY. -3 vs 0", "shapes differ"])
    def test_no_other_error_is_one(self, wrong: str) -> None:
        assert not memory.is_shortage(RuntimeError(wrong))

    def test_errors_that_cause_each_other_end(self) -> None:
        one, other = ValueError("a"), ValueError("b")
        one.__cause__, other.__cause__ = other, one
        assert not memory.is_shortage(one)
