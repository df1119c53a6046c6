"""A party aligns by the cryptographic protocols that its policy names, and no other."""

import pytest

from isthmus.core.errors import PolicyError
from tests.unit.jobs.desk import Desk

INSISTS = '[policy]\nalignment_protocols = ["diffie-hellman"]\n\n[identity]'


class TestProtocols:
    def test_that_the_policy_does_not_name_are_refused_before_contact(self, desk: Desk) -> None:
        desk.edit_job("minimum_size = 100", 'minimum_size = 100\nprotocol = "oblivious"')
        desk.edit_party("insurer", "[identity]", INSISTS)
        assert len(desk.plan("clinic").train) == 300
        with pytest.raises(PolicyError, match=r"oblivious protocol.*`policy.alignment_protocols`"):
            desk.plan("insurer")

    def test_that_few_rows_take_by_default_are_not_refused(self, desk: Desk) -> None:
        desk.edit_party("insurer", "[identity]", INSISTS)
        assert desk.plan("insurer").party.policy.alignment_protocols == ("diffie-hellman",)
