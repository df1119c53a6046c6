"""Differential privacy of samples, attacked: is this person among the child's samples?

The attacker is a master that knows all other samples and the person's own, sees one update, and
only wants to know whether the person was trained on.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from isthmus.data.samples import Samples
from isthmus.horizontal.encoders.inputs import Inputs, to_inputs
from isthmus.horizontal.encoders.learner import initial, learner
from isthmus.horizontal.encoders.local import train_round_privately
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.parameters import Layout, Vector
from isthmus.horizontal.privacy import accounting
from isthmus.horizontal.privacy.spec import Privacy, SampleLevel
from isthmus.horizontal.spec import LocalTraining
from isthmus.nn import parameters
from isthmus.nn.spec import Tabular
from tests.learning import CLASSES, RANGED, TABULAR, encoders, samples

torch.set_num_threads(1)

ROWS, TRIALS = 300, 40
ASKED = SampleLevel(noise=31.5)
MOST, DEVIATION = 0.6, 0.065
"""The largest area under the curve that a mechanism of epsilon 0.2 allows, and how far so many
trials are from it."""


def job(network: Tabular, privacy: Privacy) -> Encoders:
    training = LocalTraining(steps=3, batch=ROWS, rate=0.5)
    return encoders(network, training=training, privacy=privacy)


def with_and_without(far: float) -> tuple[Samples, Samples]:
    """The samples of a child with one person, far from the others, and without."""
    others = samples(TABULAR, ROWS - 1)
    one = np.full((1, 3), far, np.float32)
    inputs = np.concatenate([others.inputs, one])
    return replace(others, inputs=inputs, labels=(*(others.labels or ()), "odd")), others


def epsilon(asked: SampleLevel) -> float:
    """What the steps of one round cost."""
    spent = accounting.spend(accounting.NOTHING_SPENT, asked.noise, rate=1, steps=3)
    return accounting.epsilon(spent, asked.delta)


def update(asked: SampleLevel, inputs: Inputs) -> Vector:
    """What the child sends in the first round."""
    spec = job(RANGED, Privacy(sample_level=asked))
    start, trained = initial(spec, 1), learner(spec)
    parameters.put(start, trained)
    train_round_privately(spec, trained, inputs, np.random.default_rng(0), {})
    layout = Layout.of(start)
    return layout.to_vector(parameters.arrays_of(trained)) - layout.to_vector(start)


def advantage(network: Tabular, far: float) -> float:
    """The area under the curve with which updates tell whether the person is there; 0.5 if not."""
    with_one, without = (to_inputs(network, it, CLASSES) for it in with_and_without(far))
    silent = SampleLevel(noise=1e-6, largest_norm=ASKED.largest_norm)
    towards = update(silent, with_one) - update(silent, without)
    here, away = (
        np.array([update(ASKED, it) @ towards for _ in range(TRIALS)]) for it in (with_one, without)
    )
    return float((here[:, None] > away).mean())


class TestOneOutlier:
    """Every input of the others moves with a mean and a deviation that one sample is far from."""

    def test_is_not_seen_in_an_update_whose_inputs_have_public_ranges(self) -> None:
        assert epsilon(ASKED) == pytest.approx(0.2, abs=0.01)
        assert advantage(RANGED, 1e6) < MOST + 3 * DEVIATION

    def test_would_be_seen_if_the_child_scaled_by_its_own_samples(self) -> None:
        assert advantage(TABULAR, 1e6) > 0.9  # so that the test above has an attack to withstand

    def test_is_cut_off_where_the_range_ends(self) -> None:
        far, near = (to_inputs(RANGED, with_and_without(it)[0]).values for it in (1e6, 8.0))
        assert torch.equal(far, near)


class TestWhatIsLearnedWithoutNoise:
    def test_is_refused_in_a_job_that_asks_for_noise(self) -> None:
        with pytest.raises(ValueError, match=r"without `ranges` each child scales its columns by"):
            job(TABULAR, Privacy(sample_level=ASKED))
        assert job(TABULAR, Privacy()).network == TABULAR
