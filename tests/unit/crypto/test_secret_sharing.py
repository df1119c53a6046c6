"""Secrets in shares."""

import secrets
from itertools import combinations

import pytest

from isthmus.crypto.secret_sharing import SECRET_BYTES, combine, split


class TestSplitAndCombine:
    def test_any_shares_that_are_enough_give_the_secret(self) -> None:
        secret = secrets.token_bytes(SECRET_BYTES)
        shares = split(secret, threshold=3, holders=5)
        for places in combinations(range(5), 3):
            assert combine({place: shares[place] for place in places}) == secret

    def test_fewer_shares_give_something_else(self) -> None:
        secret = secrets.token_bytes(SECRET_BYTES)
        shares = split(secret, threshold=3, holders=5)
        assert combine({0: shares[0], 4: shares[4]}) != secret

    def test_shares_are_other_ones_every_time(self) -> None:
        secret = secrets.token_bytes(SECRET_BYTES)
        assert not set(split(secret, 2, 3)) & set(split(secret, 2, 3))

    def test_a_share_of_another_secret_spoils_the_secret(self) -> None:
        secret = secrets.token_bytes(SECRET_BYTES)
        shares, others = split(secret, 2, 3), split(secrets.token_bytes(SECRET_BYTES), 2, 3)
        assert combine({0: shares[0], 1: others[1]}) != secret

    @pytest.mark.parametrize(("threshold", "holders"), [(1, 3), (4, 3)])
    def test_thresholds_that_are_none_are_refused(self, threshold: int, holders: int) -> None:
        with pytest.raises(ValueError, match="is no threshold"):
            split(bytes(SECRET_BYTES), threshold, holders)

    def test_secrets_of_another_length_are_refused(self) -> None:
        with pytest.raises(ValueError, match="a secret has 32 bytes, not 16"):
            split(bytes(16), 2, 3)
