"""Memory that a role of a regression keeps, as the job is told before it starts."""

from isthmus.vertical.regression import system
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import KeepsColumns


def test_is_kept_at_the_party_that_gets_gradients() -> None:
    spec = Regression(passive_columns=10)
    assert isinstance(system, KeepsColumns)
    assert system.kept_bytes(spec, "active", 4096, 10) == 0
    assert system.kept_bytes(spec, "passive", 4096, 10) == 10 * 2 * 4096 * 8
