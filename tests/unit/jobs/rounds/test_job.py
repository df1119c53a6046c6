"""A job in rounds that could never end is refused when it is read."""

from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.jobs.load import load_job

JOB = Path("examples/fusion/job.toml").read_text()  # ten children

VEILED = 'rule = "count"\n[weighting.privacy.secure_aggregation]\n'


def read(folder: Path, old: str, new: str) -> None:
    assert old in JOB
    job = folder / "job.toml"
    job.write_text(JOB.replace(old, new))
    load_job(job)


def read_veiled(folder: Path, least_children: int) -> None:
    rule, sent = 'rule = "actor_critic"\n', '  "RoundUpdate",'
    assert rule in JOB
    assert sent in JOB
    veiled = JOB.replace(rule, f"{VEILED}least_children = {least_children}\n")
    job = folder / "job.toml"
    job.write_text(veiled.replace(sent, '  "Participants", "MaskKeys", "Opening",'))
    load_job(job)


class TestQuorum:
    @pytest.mark.parametrize("quorum", [1, 10])
    def test_may_be_all_children(self, quorum: int, tmp_path: Path) -> None:
        read(tmp_path, "quorum = 5", f"quorum = {quorum}")

    def test_above_the_number_of_children_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"`rounds.quorum` is 11, and `parties` has 10 child"):
            read(tmp_path, "quorum = 5", "quorum = 11")

    def test_below_what_the_rule_needs_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"needs 7 children, and `rounds.quorum` is 5"):
            read(tmp_path, 'rule = "actor_critic"', 'rule = "multi_krum"\nfaulty = 2')


class TestSecureAggregation:
    def test_may_need_all_children(self, tmp_path: Path) -> None:
        read_veiled(tmp_path, 10)

    def test_that_needs_more_children_than_there_are_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"secure_aggregation.least_children` is 11, and `part"):
            read_veiled(tmp_path, 11)
