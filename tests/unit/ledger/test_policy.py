"""A party's own rules about what leaves."""

from pathlib import Path

import pytest

from isthmus.core import spec
from isthmus.core.errors import PolicyError, SpecError
from isthmus.ledger.policy import Policy, check, check_shared


class TestCheck:
    def test_lets_everything_out_by_default(self) -> None:
        check(Policy(), "Scores", 2**50)

    def test_refuses_a_message_type_by_name(self) -> None:
        with pytest.raises(PolicyError, match=r"Scores was not sent: `policy.refuse`"):
            check(Policy(refuse=("Scores",)), "Scores", 0)

    def test_caps_the_bytes_of_a_run(self) -> None:
        policy = Policy(maximum_bytes=1000)
        check(policy, "Scores", 1000)
        with pytest.raises(PolicyError, match="1,001 bytes would have left"):
            check(policy, "Scores", 1001)


class TestCheckShared:
    def test_refuses_to_train_on_too_few_rows(self) -> None:
        check_shared(Policy(minimum_shared=30), 30)
        with pytest.raises(PolicyError, match=r"Only 29 rows are shared.*asks for 30"):
            check_shared(Policy(minimum_shared=30), 29)


class TestSpec:
    def test_is_read_from_toml(self, tmp_path: Path) -> None:
        path = tmp_path / "policy.toml"
        path.write_text('minimum_shared = 50\nmaximum_bytes = 9\nrefuse = ["Scores"]\n')
        assert spec.load(path, Policy) == Policy(
            minimum_shared=50, maximum_bytes=9, refuse=("Scores",)
        )

    def test_a_cap_below_zero_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "policy.toml").write_text("maximum_bytes = -1")
        with pytest.raises(SpecError, match="maximum_bytes"):
            spec.load(tmp_path / "policy.toml", Policy)
