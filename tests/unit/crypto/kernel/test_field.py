"""The compiled code computes what Python's integers do, and is never asked for anything else."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.crypto.kernel.field import Field, Rows, most_bits
from isthmus.crypto.kernel.library import SOURCE, Library
from tests.unit.crypto.kernel import cases

N = 2**2051 - 2**1023 + 977  # of 40 limbs
ROOT = Path(__file__).parents[4]


@pytest.fixture
def field(library: Library) -> Field:
    return Field(library, N)


@pytest.fixture
def rows(field: Field) -> Rows:
    return cases.rows_of(field, [2, 3, 5, 7])


class TestArithmetic:
    def test_equals_that_of_python_on_ten_thousand_residues(self, library: Library) -> None:
        assert cases.check(library, 4_000, seed=7) > 10_000

    @pytest.mark.long
    def test_equals_that_of_python_on_a_million_residues(self, library: Library) -> None:
        assert cases.check(library, 340_000, seed=8) > 1_000_000

    def test_takes_rows_that_are_both_factors_and_result(self, library: Library) -> None:
        for limbs, functions in library.items():
            field = Field({limbs: functions}, 2 ** most_bits(limbs) - 1)
            constants, n = vars(field)["_constants"], 2 ** most_bits(limbs) - 1
            numbers = [n - 1 - x**9 for x in range(19)]
            same = cases.rows_of(field, numbers)
            functions.times(constants, same, same, same, len(same))
            functions.squares(constants, same, same, len(same), 1)
            assert cases.numbers(field, same) == [pow(x, 4, n) for x in numbers]

    def test_has_rows_of_nothing(self, field: Field) -> None:
        nothing = field.enter(b"", 256)
        assert len(nothing) == 0
        assert field.leave(nothing, 257) == b""
        assert len(field.times(nothing, nothing)) == 0
        assert cases.numbers(field, field.sums(nothing, *cases.flat([[], []]))) == [1, 1]

    def test_sums_are_the_same_for_any_number_of_threads(
        self, field: Field, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = cases.rows_of(field, list(range(2, 102)))
        lists = [[at % 100 for at in range(first, first + 700)] for first in range(0, 7_000, 700)]
        found = list[list[int]]()
        for cores in (1, 2, 3, 16):
            monkeypatch.setattr("isthmus.crypto.kernel.field._CORES", cores)
            found.append(cases.numbers(field, field.sums(rows, *cases.flat(lists))))
        assert found == [found[0]] * 4


class TestArguments:
    """The code checks none: what does not fit never reaches it."""

    @pytest.mark.parametrize("modulus", [1, -5, 4, 2**2052 + 2])
    def test_refuse_a_modulus_without_an_inverse_of_two(
        self, library: Library, modulus: int
    ) -> None:
        with pytest.raises(ValueError, match="odd"):
            Field(library, modulus)

    def test_refuse_a_modulus_that_is_too_long(self, library: Library) -> None:
        with pytest.raises(ValueError, match="of 3117 bits is too long"):
            Field(library, 2**3117 - 1)

    @pytest.mark.parametrize("index", [[4], [-1], [0, 1, 2**31], [0, -(2**33)]])
    def test_refuse_positions_that_are_no_rows(
        self, field: Field, rows: Rows, index: list[int]
    ) -> None:
        with pytest.raises(ValueError, match="a position is none of 4 rows"):
            field.sums(rows, np.array(index), np.array([0, len(index)]))

    @pytest.mark.parametrize(
        "starts", [[], [0], [1, 3], [0, 2], [0, 4], [0, 2, 1, 3], [0, -1, 3], [[0, 3]]]
    )
    def test_refuse_lists_that_are_none(self, field: Field, rows: Rows, starts: list[int]) -> None:
        with pytest.raises(ValueError, match="lists do not start in order from 0 to 3"):
            field.sums(rows, np.array([0, 1, 2]), np.array(starts, np.int64))

    @pytest.mark.parametrize(
        "bad",
        [
            np.zeros((4, 32), np.uint64),
            np.zeros((4, 40), np.int64),
            np.zeros(40, np.uint64),
            np.zeros((4, 80), np.uint64)[:, ::2],
            np.zeros((40, 4), np.uint64).T,
        ],
        ids=["of another size", "signed", "flat", "with gaps", "turned"],
    )
    def test_refuse_arrays_that_are_no_rows(self, field: Field, rows: Rows, bad: Rows) -> None:
        calls: list[Callable[[], object]] = [
            lambda: field.times(rows, bad),
            lambda: field.times(bad, rows),
            lambda: field.squares(bad, 1),
            lambda: field.sums(bad, *cases.flat([[0]])),
            lambda: field.power(bad, np.array([1], np.uint8)),
            lambda: field.leave(bad, 257),
        ]
        for call in calls:
            with pytest.raises(ValueError, match="has no rows of 40 words"):
                call()

    def test_refuse_rows_that_are_no_pairs(self, field: Field, rows: Rows) -> None:
        with pytest.raises(ValueError, match="4 and 3 rows are no pairs"):
            field.times(rows, rows[:3])

    @pytest.mark.parametrize(("size", "width"), [(5, 2), (5, 0), (521, 521), (3, -1)])
    def test_refuse_bytes_that_are_no_numbers(self, field: Field, size: int, width: int) -> None:
        with pytest.raises(ValueError, match="bytes are not numbers of"):
            field.enter(bytes(size), width)

    def test_refuse_too_few_bytes_for_a_residue(self, field: Field, rows: Rows) -> None:
        with pytest.raises(ValueError, match="256 bytes do not hold a residue of 257"):
            field.leave(rows, 256)

    def test_refuse_a_table_that_does_not_fit_its_digits(self, field: Field) -> None:
        table = field.table(3, 2)
        for digits in (np.zeros((5, 3), np.uint8), np.zeros((5, 0), np.uint8)):
            with pytest.raises(ValueError, match="is none for"):
                field.powers(table, digits)
        with pytest.raises(ValueError, match="is none for"):
            field.powers(table.reshape(2, 256, 40), np.zeros((5, 2), np.uint8))

    def test_refuse_a_digit_that_is_none(self, field: Field, rows: Rows) -> None:
        with pytest.raises(ValueError, match="hexadecimal"):
            field.power(rows, np.array([3, 16], np.uint8))

    @pytest.mark.long
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(st.integers(-2, 6), max_size=40),
        st.lists(st.integers(-1, 42), max_size=8),
        st.binary(max_size=80),
        st.integers(-1, 14),
    )
    def test_are_refused_or_right_whatever_they_are(
        self, field: Field, index: list[int], starts: list[int], data: bytes, width: int
    ) -> None:
        rows = cases.rows_of(field, [2, 3, 5, 7])
        try:
            sums = field.sums(rows, np.array(index, np.int64), np.array(starts, np.int64))
        except ValueError:
            pass
        else:
            lists = [index[first:end] for first, end in pairwise(starts)]
            expected = [
                int(np.prod([[2, 3, 5, 7][at] for at in one], dtype=object)) for one in lists
            ]
            assert cases.numbers(field, sums) == [x % N for x in expected]
        try:
            entered = field.enter(data, width)
        except ValueError:
            return
        assert b"".join(x.to_bytes(width, "big") for x in cases.numbers(field, entered)) == data


class TestSource:
    """The C code has no undefined behaviour that compilers or their sanitizers see."""

    @pytest.mark.long
    @pytest.mark.parametrize("level", ["-O1", "-O3"])
    @pytest.mark.parametrize("compiler", ["cc", "clang"])
    def test_compiles_without_a_warning(self, compiler: str, level: str, tmp_path: Path) -> None:
        if shutil.which(compiler) is None:
            pytest.skip("this compiler is not installed")
        warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
        _compile(tmp_path / "kernel.so", level, *warnings, compiler=compiler)

    @pytest.mark.long
    def test_runs_under_the_sanitizers(self, library: Library, tmp_path: Path) -> None:
        assert library
        sanitized = tmp_path / "kernel.so"
        kinds = "-fsanitize=address,undefined"
        _compile(sanitized, "-O1", "-g", kinds, "-fno-sanitize-recover=all")
        runtimes = [_printed("cc", f"-print-file-name=lib{name}.so") for name in ("asan", "ubsan")]
        if not all(Path(runtime).is_absolute() for runtime in runtimes):
            pytest.skip("the compiler's sanitizers are not installed")
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "tests.unit.crypto.kernel.cases", str(sanitized), "3000"],
            cwd=ROOT,
            env={**os.environ, "LD_PRELOAD": " ".join(runtimes), "ASAN_OPTIONS": "detect_leaks=0"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "results are right" in done.stdout


def _compile(library: Path, *options: str, compiler: str = "cc") -> None:
    flags = ["-std=c11", "-mavx512f", "-mavx512ifma", "-fPIC", "-shared", *options]
    _printed(compiler, *flags, "-o", str(library), str(SOURCE / "kernel.c"))


def _printed(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - cc
    return done.stdout.strip()
