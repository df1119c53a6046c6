"""What a job may ask for to keep updates private, and to make them smaller."""

import pytest

from isthmus.horizontal.privacy.spec import (
    ChildLevel,
    EightBit,
    Privacy,
    SampleLevel,
    SecureAggregation,
    TopK,
    conflict,
)


class TestPrivacy:
    def test_asks_for_nothing_unless_a_job_says_so(self) -> None:
        assert Privacy() == Privacy(
            secure_aggregation=None, child_level=None, sample_level=None, compression=None
        )


class TestConflict:
    @pytest.mark.parametrize("compression", [TopK(), EightBit()])
    def test_is_between_masks_and_smaller_updates(self, compression: TopK | EightBit) -> None:
        asked = Privacy(secure_aggregation=SecureAggregation(), compression=compression)
        assert "cannot be summed under the masks" in conflict(asked)

    def test_is_between_norms_under_masks_and_noise_for_smaller_ones(self) -> None:
        secure, whole = SecureAggregation(largest_norm=2.0), ChildLevel(largest_norm=1.0)
        asked = Privacy(secure_aggregation=secure, child_level=whole)
        assert "`secure_aggregation.largest_norm` is no larger" in conflict(asked)

    def test_is_not_between_equal_norms(self) -> None:
        secure, whole = SecureAggregation(largest_norm=1.0), ChildLevel(largest_norm=1.0)
        assert not conflict(Privacy(secure_aggregation=secure, child_level=whole))

    def test_is_not_between_masks_and_noise(self) -> None:
        asked = Privacy(secure_aggregation=SecureAggregation(), sample_level=SampleLevel())
        assert not conflict(asked)
