"""What a child makes of an encoder for itself."""

from dataclasses import replace

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.horizontal.encoders.head import Holding, compared, probe, tuned, with_shared_head
from isthmus.horizontal.encoders.inputs import to_inputs
from isthmus.horizontal.encoders.learner import encoder_of, initial, learner
from isthmus.horizontal.encoders.model import Model, accuracy, predicted
from isthmus.horizontal.encoders.spec import Head
from isthmus.horizontal.parameters import digest
from isthmus.nn import parameters
from isthmus.nn.spec import Network
from tests.learning import CLASSES, NETWORKS, TABULAR, encoders, samples

SPEC = encoders(objective="reconstruction", head=Head(steps=60, batch=16))
LEARNED = initial(SPEC, 1)


def holding(rows: int = 60) -> Holding:
    return Holding("ada", samples(rows=rows), samples(rows=rows, seed=1))


class TestAHead:
    @pytest.mark.parametrize("network", NETWORKS)
    def test_learns_the_labels_of_the_child_with_the_encoder(self, network: Network) -> None:
        spec = encoders(network, objective="reconstruction", head=Head(tune="fine_tune"))
        among = samples(network, rows=40)
        model = tuned(spec, initial(spec, 1), among, 1, "ada")
        assert model.classes == CLASSES
        assert accuracy(model, among) >= 0.9

    def test_leaves_a_frozen_encoder_as_it_is(self) -> None:
        model = tuned(SPEC, LEARNED, samples(), 1, "ada")
        assert digest(model.encoder) == digest(encoder_of(LEARNED))

    def test_trains_the_encoder_on_where_the_job_says_so(self) -> None:
        spec = encoders(objective="reconstruction", head=Head(tune="fine_tune", steps=5))
        model = tuned(spec, LEARNED, samples(), 1, "ada")
        assert digest(model.encoder) != digest(encoder_of(LEARNED))

    def test_is_the_same_again(self) -> None:
        first, again = (tuned(SPEC, LEARNED, samples(), 1, "ada") for _ in range(2))
        assert digest(first.head) == digest(again.head)

    def test_of_a_single_class_says_it(self) -> None:
        only = replace(samples(), labels=("even",) * 10)
        assert set(predicted(tuned(SPEC, LEARNED, only, 1, "ada"), samples())) == {"even"}

    def test_without_labels_is_refused(self) -> None:
        with pytest.raises(SpecError, match="a head needs them"):
            tuned(SPEC, LEARNED, replace(samples(), labels=None), 1, "ada")

    def test_that_all_trained_together_is_the_learner_itself(self) -> None:
        spec = encoders()
        learned = initial(spec, 1)
        module = learner(spec)
        parameters.put(learned, module)
        logits = module(to_inputs(TABULAR, samples()).values)
        expected = [CLASSES[int(number)] for number in logits.argmax(dim=1)]
        assert predicted(with_shared_head(spec, learned, samples()), samples()) == expected


class TestWorth:
    def test_is_measured_for_the_shared_encoder_and_for_one_trained_alone(self) -> None:
        found = compared(SPEC, LEARNED, holding(), 1, rounds=2)
        assert found.keys() == {"accuracy", "probe"}
        for values in found.values():
            assert values.keys() == {"shared", "alone"}
            assert all(0.5 < it <= 1 for it in values.values())

    def test_of_a_probe_with_one_class_is_the_share_of_that_class(self) -> None:
        only = replace(samples(), labels=("even",) * 10)
        test = samples(rows=20)
        share = np.mean([label == "even" for label in test.labels or ()])
        assert probe(Model(TABULAR, encoder_of(LEARNED)), only, test) == share

    def test_of_alone_and_together_begins_at_the_same_parameters(self) -> None:
        found = compared(SPEC, LEARNED, holding(20), 1, rounds=0)
        assert found["accuracy"]["shared"] == found["accuracy"]["alone"]
