import pytest

from isthmus.core.durations import duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3725, "1 h 2 min"),
        (360_000, "100 h 0 min"),
    ],
)
def test_a_duration_is_as_exact_as_people_say_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said
