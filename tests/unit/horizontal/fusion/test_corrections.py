import numpy as np

from isthmus.horizontal.fusion.corrections import (
    proximal_gradient,
    scaffold_control,
    scaffold_gradient,
)
from isthmus.horizontal.parameters import Vector


def vector(*values: float) -> Vector:
    return np.array(values, np.float32)


class TestProximalGradient:
    def test_pulls_back_to_where_the_round_started(self) -> None:
        corrected = proximal_gradient(vector(1, 1), vector(3, 5), vector(3, 1), 0.5)
        assert corrected.tolist() == [1, 3]  # 1 + .5 * 0, 1 + .5 * 4

    def test_is_the_plain_gradient_in_the_first_step(self) -> None:
        start = vector(4, 2)
        assert proximal_gradient(vector(1, 1), start, start, 10).tolist() == [1, 1]


class TestScaffoldGradient:
    def test_exchanges_the_childs_own_direction_for_that_of_all(self) -> None:
        assert scaffold_gradient(vector(5), vector(4), vector(1)) == vector(2)


class TestScaffoldControl:
    def test_is_the_mean_gradient_of_the_round(self) -> None:
        # Three steps of .5 by corrected gradients g - own + all, with g = 1, 2, 6.
        own, control = vector(4), vector(1)
        gradients = [vector(1), vector(2), vector(6)]
        update = -np.float32(0.5) * sum(
            (scaffold_gradient(gradient, own, control) for gradient in gradients), vector(0)
        )
        assert scaffold_control(own, control, update, 3 * 0.5) == vector(3)
