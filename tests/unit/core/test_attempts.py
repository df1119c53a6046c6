"""Figures of a finished training: one that fails is missing, and the others are there."""

import pytest

from isthmus.core.attempts import Attempts
from isthmus.core.errors import SpecError


def failing(error: BaseException) -> float:
    raise error


class TestFind:
    def test_returns_a_figure(self) -> None:
        attempts = Attempts()
        assert attempts.find("auc", lambda: 0.7) == 0.7
        assert attempts.missing == {}

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (SpecError("the test rows\nhold one class only."), "the test rows hold one class"),
            (MemoryError(), "this machine has too little memory for it"),
            (ValueError("secret 17"), "ValueError: this is a bug in isthmus, please report it"),
        ],
        ids=["ours", "memory", "bug"],
    )
    def test_says_why_a_figure_is_missing(self, error: Exception, reason: str) -> None:
        attempts = Attempts()
        assert attempts.find("auc", lambda: failing(error)) is None
        assert attempts.missing["auc"].startswith(reason)
        assert "secret" not in attempts.missing["auc"]

    def test_lets_somebody_who_stops_it_stop_it(self) -> None:
        with pytest.raises(KeyboardInterrupt):
            Attempts().find("auc", lambda: failing(KeyboardInterrupt()))
