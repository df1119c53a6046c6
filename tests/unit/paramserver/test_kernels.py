"""Kernels equal plain Python, and the optimizers equal PyTorch and their papers."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from isthmus.paramserver.spec import Adagrad, Adam, Ftrl, Optimizer, RowwiseAdagrad, Sgd
from isthmus.paramserver.tables.kernels.hashing import draw, hash_text, shard_of
from isthmus.paramserver.tables.kernels.unique import unique
from isthmus.paramserver.tables.kernels.updating import gather, update, update_dense
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.window import DEFAULT, Float32s, Int32s, Keys

FEATURES = 3
OPTIMIZERS: list[Optimizer] = [Sgd(), Adagrad(), RowwiseAdagrad(), Adam(), Ftrl(l1=0.02, l2=0.1)]


def keys_of(pairs: list[tuple[int, int]]) -> Keys:
    """Keys of features and ids."""
    return Keys(
        np.array([feature for feature, _ in pairs], np.uint16),
        np.array([identity for _, identity in pairs], np.int64),
    )


def id_of(text: bytes) -> int:
    """The id of a text, as the documentation of `kernels.hashing` says."""
    hashed = 0xCBF29CE484222325
    for byte in text:
        hashed = (hashed ^ byte) * 0x100000001B3 % 2**64
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        hashed = (hashed ^ hashed >> 33) * factor % 2**64
    return (hashed ^ hashed >> 33) % 2**63


some_keys = st.lists(
    st.tuples(st.integers(0, FEATURES - 1), st.integers(-1, 6) | st.integers(0, 2**63 - 1))
)


class TestUnique:
    @settings(deadline=None)
    @given(some_keys)
    def test_finds_keys_in_the_order_of_their_first_use(self, pairs: list[tuple[int, int]]) -> None:
        distinct, inverse, occurrences = unique(keys_of(pairs), FEATURES)
        expected = list(dict.fromkeys([(it, DEFAULT) for it in range(FEATURES)] + pairs))
        assert list(zip(distinct.feature, distinct.id, strict=True)) == expected
        assert [expected[place] for place in inverse] == pairs
        counts = [pairs.count(key) if key[1] != DEFAULT else 0 for key in expected]
        assert occurrences.tolist() == counts

    def test_counts_a_sample_once(self) -> None:
        keys = keys_of([(0, 7), (0, 7), (1, 7), (0, 7)])
        _, _, occurrences = unique(keys, 2, np.array([4, 4, 4, 5]))
        assert occurrences.tolist() == [0, 0, 2, 1]


class TestHashing:
    @settings(deadline=None)
    @given(st.lists(st.binary(max_size=9)))
    def test_of_text_is_ten_lines_of_python(self, texts: list[bytes]) -> None:
        data = np.frombuffer(b"".join(texts), np.uint8)
        offsets = np.cumsum([0, *map(len, texts)])
        for kind in (np.int32, np.int64):
            found = hash_text(offsets.astype(kind), data)
            assert found.tolist() == [id_of(text) for text in texts]

    def test_parts_keys_evenly_between_shards(self) -> None:
        keys = Keys(np.zeros(30_000, np.uint16), np.arange(30_000))
        assert (np.abs(np.bincount(shard_of(keys, 3)) - 10_000) < 300).all()

    def test_draws_numbers_that_are_even_and_independent(self) -> None:
        keys = Keys(np.zeros(20_000, np.uint16), np.arange(20_000))
        drawn = draw(keys, 3, 4, 1.0)
        assert abs(drawn.mean()) < 0.01
        assert abs(drawn.std() - 1 / np.sqrt(3)) < 0.01
        assert np.abs(np.corrcoef(drawn.T) - np.eye(4)).max() < 0.03
        others = draw(keys, 4, 4, 1.0), draw(Keys(keys.feature + np.uint16(1), keys.id), 3, 4, 1.0)
        for other in others:
            assert abs(np.corrcoef(drawn.ravel(), other.ravel())[0, 1]) < 0.02


def batch(seed: int, rows: int, dimension: int) -> tuple[Int32s, Float32s]:
    """Slots of a batch, some rows more than once, and gradients."""
    random = np.random.default_rng(seed)
    slots = random.integers(0, rows, 2 * rows).astype(np.int32)
    return slots, random.normal(size=(2 * rows, dimension)).astype(np.float32)


def in_torch(
    optimizer: Optimizer, values: Float32s
) -> tuple[torch.nn.Parameter, torch.optim.Optimizer]:
    """The optimizer of PyTorch."""
    parameter = torch.nn.Parameter(torch.tensor(values))
    match optimizer:
        case Sgd(rate=rate):
            return parameter, torch.optim.SGD([parameter], rate)
        case Adagrad(rate=rate, initial=initial):
            return parameter, torch.optim.Adagrad(
                [parameter], rate, initial_accumulator_value=initial
            )
        case Adam(rate=rate, first_decay=first, second_decay=second):
            return parameter, torch.optim.Adam([parameter], rate, (first, second))
        case _:
            raise NotImplementedError


def ftrl(gradients: list[NDArray[np.float64]], first: Float32s, rule: Ftrl) -> NDArray[np.float64]:
    """Algorithm 1 of McMahan et al. 2013, from values other than 0."""
    n = np.zeros_like(first, np.float64)
    w = first.astype(np.float64)
    z = -(w * (rule.beta / rule.rate + rule.l2) + np.sign(w) * rule.l1)
    for g in gradients:
        sigma = (np.sqrt(n + g * g) - np.sqrt(n)) / rule.rate
        z += g - sigma * w
        n += g * g
        near = -(z - np.sign(z) * rule.l1) / ((rule.beta + np.sqrt(n)) / rule.rate + rule.l2)
        w = np.where(np.abs(z) <= rule.l1, 0, near)
    return w


class TestUpdate:
    @pytest.mark.parametrize("optimizer", [Sgd(), Adagrad(), Adam(rate=0.01)])
    def test_equals_pytorch(self, optimizer: Optimizer) -> None:
        layout = Layout(5, optimizer)
        rows = layout.begin(np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32))
        parameter, theirs = in_torch(optimizer, rows[:, :5])
        for step in range(20):
            slots, gradient = batch(step, 7, 5)
            slots = np.concatenate([slots, np.arange(7, dtype=np.int32)])  # PyTorch trains them all
            gradient = np.concatenate([gradient, gradient[:7]])
            update(rows, slots, gradient, layout.rule)
            parameter.grad = torch.zeros(7, 5).index_add_(
                0, torch.tensor(slots), torch.tensor(gradient)
            )
            theirs.step()
        np.testing.assert_allclose(rows[:, :5], parameter.detach(), rtol=1e-6, atol=1e-6)

    @pytest.mark.parametrize("rule", [Ftrl(), Ftrl(rate=0.3, l1=0.5, l2=0.1)])
    def test_ftrl_equals_its_paper(self, rule: Ftrl) -> None:
        layout = Layout(3, rule)
        first = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
        rows = layout.begin(first)
        gradients = list(np.random.default_rng(1).normal(size=(30, 4, 3)))
        for gradient in gradients:
            update(rows, np.arange(4, dtype=np.int32), gradient.astype(np.float32), layout.rule)
        np.testing.assert_allclose(rows[:, :3], ftrl(gradients, first, rule), rtol=2e-5, atol=2e-5)

    @pytest.mark.parametrize("dimension", [1, 5, 16])
    def test_rowwise_adagrad_divides_by_the_mean_square(self, dimension: int) -> None:
        layout = Layout(dimension, RowwiseAdagrad(rate=0.1, initial=0.5))
        rows = layout.begin(np.ones((6, dimension), np.float32))
        expected = np.ones((6, dimension))
        sums = np.full(6, 0.5)
        for step in range(10):
            slots, gradient = batch(step, 6, dimension)
            update(rows, slots, gradient, layout.rule)
            total = np.zeros_like(expected)
            np.add.at(total, slots, gradient)
            sums += (total**2).mean(1)
            expected -= 0.1 * total / np.sqrt(sums)[:, None]
        np.testing.assert_allclose(rows[:, :dimension], expected, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_leaves_rows_that_are_not_used_as_they_are(self, optimizer: Optimizer) -> None:
        layout = Layout(2, optimizer)
        rows = layout.begin(np.ones((3, 2), np.float32))
        before = rows.copy()
        update(rows, np.array([1, 1], np.int32), np.ones((2, 2), np.float32), layout.rule)
        np.testing.assert_array_equal(rows[[0, 2]], before[[0, 2]])
        assert (rows[1] != before[1]).any()

    def test_gathers_values(self) -> None:
        rows = np.arange(12, dtype=np.float32).reshape(3, 4)
        slots = np.array([2, 0, 2], np.int32)
        np.testing.assert_array_equal(gather(rows, slots, 3), rows[slots, :3])

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_of_dense_numbers_is_that_of_rows_of_one(self, optimizer: Optimizer) -> None:
        layout = Layout(1, optimizer)
        rows = layout.begin(np.linspace(-1, 1, 9, dtype=np.float32)[:, None])
        dense = np.ascontiguousarray(rows.T)
        for step in range(5):
            gradient = np.random.default_rng(step).normal(size=9).astype(np.float32)
            trained = [slice(0, 3), slice(4, 9)] if step % 2 else [slice(2, 5)]
            used = np.concatenate([np.arange(9)[part] for part in trained]).astype(np.int32)
            update(rows, used, gradient[used][:, None], layout.rule)
            update_dense(dense, gradient, trained, layout.rule)
        np.testing.assert_allclose(dense, rows.T, rtol=1e-6)


class TestLayout:
    @pytest.mark.parametrize(
        ("optimizer", "state", "sums"),
        list(zip(OPTIMIZERS, [0, 2, 1, 5, 4], [0, 2, 1, 1, 0], strict=True)),
    )
    def test_says_what_follows_the_value(self, optimizer: Optimizer, state: int, sums: int) -> None:
        layout = Layout(2, optimizer)
        assert (layout.state, layout.width, layout.sums.sum()) == (state, 2 + state, sums)
        assert not layout.sums[:2].any()
        assert layout.begin(np.ones((3, 2), np.float32)).shape == (3, layout.width)

    def test_default_rows_begin_as_zeros(self) -> None:
        rows = Layout(2, Sgd()).first(keys_of([(0, DEFAULT), (0, 3)]), 1)
        assert not rows[0].any()
        assert rows[1].all()


class TestCompiledCode:
    RUN = "from isthmus.paramserver.tables.kernels.compiling import _folder; print(_folder())"

    def run(self, cache: Path) -> str:
        """Returns where compiled code lies in a process with this folder for caches."""
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", self.RUN],
            env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def test_lies_in_a_folder_of_the_user_alone(self, tmp_path: Path) -> None:
        folder = Path(self.run(tmp_path))
        assert folder.is_relative_to(tmp_path / "isthmus")
        assert (tmp_path / "isthmus").stat().st_mode & 0o777 == 0o700

    def test_of_other_kernels_goes_once_it_is_long_unused(self, tmp_path: Path) -> None:
        old, recent = (tmp_path / "isthmus" / f"kernels-{name}" for name in ("old", "recent"))
        for each in (old, recent):
            each.mkdir(parents=True)
            (each / "code").touch()
        (tmp_path / "isthmus").chmod(0o700)
        over_a_week_ago = time.time() - 8 * 24 * 3600
        os.utime(old, (over_a_week_ago, over_a_week_ago))
        ours = Path(self.run(tmp_path))
        assert {ours, recent} == set((tmp_path / "isthmus").iterdir())

    def test_is_not_kept_where_others_can_write(self, tmp_path: Path) -> None:
        (tmp_path / "isthmus").mkdir()
        (tmp_path / "isthmus").chmod(0o777)
        assert self.run(tmp_path) == "None"
