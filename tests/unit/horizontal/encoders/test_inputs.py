"""Samples as a network takes them in."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from isthmus.core.errors import SpecError
from isthmus.data.samples import Samples
from isthmus.horizontal.encoders.inputs import scaling_of, to_inputs
from isthmus.horizontal.encoders.scaling import Scaling
from isthmus.nn.spec import Image
from tests.learning import CLASSES, CNN, RANGED, TABULAR, TEXT, samples

IMAGE = Image(height=2, width=3, channels=2, largest=10.0, layers=1)


class TestRows:
    def test_come_to_mean_zero_and_deviation_one(self) -> None:
        inputs = to_inputs(TABULAR, samples(rows=50)).values.numpy()
        np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(inputs.std(axis=0), 1, atol=1e-6)

    def test_to_test_on_are_scaled_as_those_that_were_trained_on(self) -> None:
        train, test = samples(rows=50), samples(rows=5, seed=1)
        scaling = scaling_of(TABULAR, train)
        assert scaling is not None
        expected = (test.inputs - train.inputs.mean(axis=0)) / train.inputs.std(axis=0)
        found = to_inputs(TABULAR, test, scaling=scaling).values.numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-4)

    def test_have_the_columns_of_the_network_in_its_order(self) -> None:
        whole = samples()
        mixed = replace(
            whole,
            names=("c", "id", "a", "b"),
            inputs=np.insert(whole.inputs[:, [2, 0, 1]], 1, 7, axis=1),
        )
        assert torch.equal(to_inputs(TABULAR, mixed).values, to_inputs(TABULAR, whole).values)

    def test_that_lack_a_column_are_refused(self) -> None:
        with pytest.raises(SpecError, match="no column 'c'"):
            to_inputs(TABULAR, replace(samples(), names=("a", "b", "x")))


class TestPublicRanges:
    def test_give_every_child_the_same_inputs_whatever_its_samples(self) -> None:
        whole, part = samples(rows=50), samples(rows=50).take(np.arange(5))
        inputs = to_inputs(RANGED, whole).values
        assert torch.equal(to_inputs(RANGED, part).values, inputs[:5])

    def test_cut_off_what_is_beyond_them(self) -> None:
        beyond = replace(samples(rows=2), inputs=np.array([[9, -9, 0], [8, -5, 0]], np.float32))
        first, second = to_inputs(RANGED, beyond).values
        assert torch.equal(first, second)

    def test_bring_values_that_are_even_over_them_to_mean_zero_and_deviation_one(self) -> None:
        even = np.repeat(np.linspace(-5, 8, 1001, dtype=np.float32)[:, None], 3, axis=1)
        found = to_inputs(RANGED, replace(samples(rows=1001), inputs=even)).values
        assert found.mean().item() == pytest.approx(0, abs=1e-6)
        assert found.std().item() == pytest.approx(1, abs=2e-3)


class TestScaling:
    @pytest.mark.parametrize("value", [0.0, 0.1, 1e20])
    def test_leaves_the_unit_of_a_constant_column(self, value: float) -> None:
        constant = np.full((7, 1), value, np.float32)
        scaling = Scaling.of(constant)
        assert scaling.deviation.tolist() == [1]
        np.testing.assert_allclose(scaling.apply(constant), 0, atol=np.spacing(np.float32(value)))


class TestImages:
    def test_are_read_line_by_line_with_the_channels_of_a_pixel_together(self) -> None:
        row = np.arange(12, dtype=np.float32)[None]
        found = to_inputs(IMAGE, Samples("image", row)).values
        assert found.shape == (1, 2, 2, 3)
        np.testing.assert_allclose(found[0, 0] * 10, [[0, 2, 4], [6, 8, 10]], rtol=1e-6)

    def test_of_another_size_are_refused(self) -> None:
        with pytest.raises(SpecError, match=r"84 numbers.*2 x 3 pixels with 2 channels.*12"):
            to_inputs(IMAGE, samples(CNN))


class TestTexts:
    def test_of_a_batch_are_as_long_as_its_longest(self) -> None:
        found = to_inputs(
            TEXT, Samples("text", np.empty((3, 0), np.float32), ("t",), ("abc", "", "a"))
        )
        assert found.take(np.array([0, 2])).values.shape == (2, 4)
        assert found.take(np.array([1, 2])).values.shape == (2, 2)


class TestClasses:
    def test_are_numbers_in_the_order_of_the_job(self) -> None:
        found = to_inputs(TABULAR, samples(), CLASSES)
        assert [CLASSES[number] for number in found.labels] == list(samples().labels or ())

    def test_follow_their_rows(self) -> None:
        found = to_inputs(TABULAR, samples(), CLASSES)
        assert found.take(np.array([3])).labels.tolist() == [found.labels[3]]

    def test_that_the_job_does_not_know_are_counted_and_not_told(self) -> None:
        labels = ("even", "secret", "secret") + ("odd",) * 7
        with pytest.raises(SpecError, match="2 of your 10 samples") as told:
            to_inputs(TABULAR, replace(samples(), labels=labels), CLASSES)
        assert "secret" not in str(told.value)

    def test_cannot_be_learned_from_samples_without_labels(self) -> None:
        with pytest.raises(SpecError, match="have no labels"):
            to_inputs(TABULAR, replace(samples(), labels=None), CLASSES)

    def test_are_missed_where_they_were_not_read(self) -> None:
        with pytest.raises(ValueError, match="no classes"):
            to_inputs(TABULAR, samples()).labels  # noqa: B018
