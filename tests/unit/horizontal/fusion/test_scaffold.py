import numpy as np
import pytest

from isthmus.horizontal.fusion.corrections import scaffold_control, scaffold_gradient
from isthmus.horizontal.fusion.scaffold import Control, no_control, scaffold
from isthmus.horizontal.fusion.spec import Scaffold
from isthmus.horizontal.parameters import Vector


def vector(*values: float) -> Vector:
    return np.array(values, np.float32)


class TestScaffold:
    def test_adds_the_mean_update_and_moves_the_control_by_the_share_that_took_part(self) -> None:
        # Two of four children: the control moves by half of the mean change, (2 + 6) / 2 = 4.
        update, state = scaffold(
            np.array([[1.0], [5.0]], np.float32),
            np.array([[2.0], [6.0]], np.float32),
            Control(vector(10)),
            Scaffold(step=0.5),
            enrolled=4,
        )
        assert (update, state.control) == (vector(1.5), vector(12))

    def test_reaches_the_optimum_of_all_where_plain_averages_do_not(self) -> None:
        # Losses (x - 1)^2 / 2 and 3 (x + 1)^2 / 2: the sum is least at -1/2, but after ten local
        # steps each child is almost at its own optimum, and the plain mean of these is 0.
        curvature, optimum = vector(1, 3), vector(1, -1)
        assert meet(curvature, optimum, controlled=True) == pytest.approx(-0.5, abs=1e-3)
        assert abs(meet(curvature, optimum, controlled=False) + 0.5) > 0.1


def meet(curvature: Vector, optimum: Vector, *, controlled: bool) -> float:
    """Where two children end after rounds of ten steps of .2 each."""
    x, state, own = vector(0), no_control(1), [vector(0), vector(0)]
    for _ in range(60):
        updates, changes = list[Vector](), list[Vector]()
        for child in range(2):
            y = x
            for _ in range(10):
                gradient = curvature[child] * (y - optimum[child])
                if controlled:
                    gradient = scaffold_gradient(gradient, own[child], state.control)
                y = y - np.float32(0.2) * gradient
            after = scaffold_control(own[child], state.control, y - x, 10 * 0.2)
            updates.append(y - x)
            changes.append(after - own[child])
            own[child] = after
        update, state = scaffold(np.array(updates), np.array(changes), state, Scaffold(), 2)
        x = x + update
    return float(x[0])
