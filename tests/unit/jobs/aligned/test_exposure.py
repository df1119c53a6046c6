"""What trainings tell is counted over all runs, shown, and ended by the policy of a party."""

from pathlib import Path

import pytest

from isthmus.cli.ledger import show
from isthmus.core.errors import IsthmusError, PolicyError, SpecError
from isthmus.jobs.aligned import exposure
from isthmus.jobs.aligned.results import TrainedResult
from isthmus.jobs.check import check
from isthmus.jobs.report import write
from isthmus.jobs.run import run
from isthmus.store.exposures import Exposure, Exposures
from isthmus.store.runs import Run
from tests.unit.jobs.aligned.test_limits import allow, ready
from tests.unit.jobs.desk import PARTIES, Desk


def store(desk: Desk, party: str = "clinic") -> Exposures:
    return Exposures(desk.folder / party / "runs" / "exposures")


def told(desk: Desk, amount: float, times: int = 1) -> None:
    """Earlier trainings of the clinic with the insurer, each on a row that is not among ours."""
    people, ours = str(desk.folder / "clinic" / "people.csv"), store(desk)
    for number in range(times):
        before = Exposure(1.0, str(number), "insurer", people, "another", {"equations": amount})
        ours.begin([before], ours.hashes([b"%d" % number]), 0, lambda *_: None)


class TestCheck:
    def test_tells_what_was_told_so_far_and_the_most(self, desk: Desk) -> None:
        assert (
            ready(desk).facts["told so far"] == "insurer: 0 of 0.1 equations about each rarer label"
        )
        told(desk, 0.01, times=2)
        assert (
            ready(desk).facts["told so far"]
            == "insurer: 0.02 of 0.1 equations about each rarer label"
        )
        slopes = ready(desk, "insurer").facts["told so far"]
        assert slopes == "clinic: 0 of 1,000 combinations of this party's columns at most"

    def test_speaks_of_rarer_labels_only_where_they_are_classes(self, desk: Desk) -> None:
        desk.edit_job("passive_columns = 2", 'passive_columns = 2\nfamily = "poisson"')
        said = "insurer: 0 of 0.1 equations about each label other than the commonest"
        assert ready(desk).facts["told so far"] == said

    def test_leaves_no_trace(self, desk: Desk) -> None:
        ready(desk)
        assert not (desk.folder / "clinic" / "runs").exists()

    @pytest.mark.parametrize(
        ("policy", "whence", "kind"),
        [
            ({}, "`regression.label_exposure` of the job", SpecError),
            ({"label_exposure": 0.1}, "`policy.label_exposure` of your party file", PolicyError),
        ],
    )
    def test_refuses_one_training_too_many_before_any_contact(
        self, desk: Desk, policy: dict[str, int], whence: str, kind: type[Exception]
    ) -> None:
        told(desk, 0.047, times=2)  # and two equations about some 122 rarer labels
        if policy:
            allow(desk, "clinic", **policy)
        sentence = rf"2 trainings .* told 'insurer' 0\.094 equations .* and {whence}.*Nothing was s"
        with pytest.raises(kind, match=sentence):
            check(desk.job, desk.party_file("clinic"))

    def test_counts_a_single_training_in_words(self, desk: Desk) -> None:
        told(desk, 0.099)
        with pytest.raises(SpecError, match=r"^1 training on these data told 'insurer' 0\.099 "):
            check(desk.job, desk.party_file("clinic"))

    def test_goes_by_the_partys_own_limit(self, desk: Desk) -> None:
        told(desk, 0.03)
        allow(desk, "clinic", label_exposure=0.05)  # type: ignore[arg-type]
        assert ready(desk).facts["told so far"].startswith("insurer: 0.03 of 0.05 equations")

    def test_allows_what_it_likes_without_a_limit(self, desk: Desk) -> None:
        told(desk, 7.0)
        allow(desk, "clinic", label_exposure="inf")  # type: ignore[arg-type]
        assert ready(desk).facts["told so far"] == "insurer: 7 equations about each rarer label"

    def test_limits_what_its_columns_tell_too(self, desk: Desk) -> None:
        allow(desk, "insurer", slopes=49)
        with pytest.raises(
            PolicyError, match=r"this training would tell .* 50 .* and `policy\.slopes`"
        ):
            check(desk.job, desk.party_file("insurer"))


class TestRun:
    """Both parties, over real lines; the second run has two people less."""

    @pytest.fixture
    def first(self, trial: Desk) -> dict[str, Run]:
        return trial.both(run)

    def test_counts_and_shows_what_it_tells_and_refuses_rows_that_differ_by_few(
        self, trial: Desk, first: dict[str, Run]
    ) -> None:
        results = {
            party: each.read_json("result.json", TrainedResult) for party, each in first.items()
        }
        (ours,) = results["clinic"].exposure
        rarer = round(2 / ours.run)  # two columns
        assert 0.4 < rarer / results["clinic"].rows["train"] <= 0.5
        assert (ours.peer, ours.run, ours.total, ours.most) == (
            "insurer",
            2 / rarer,
            2 / rarer,
            0.1,
        )
        (theirs,) = results["insurer"].exposure
        assert (theirs.peer, theirs.run, theirs.most) == ("clinic", 50, 1_000)

        page = write(first["clinic"]).read_text()
        assert f"insurer was told {2 / rarer:.4g} of 0.1 equations about each rarer label" in page
        answer = show(first["clinic"].folder).value
        assert isinstance(answer, dict)
        (shown,) = answer["exposure"].values()
        assert shown == results["clinic"].exposure

        # Nothing is left to be run; another run is refused at once where it would tell too much.
        (warning,) = _warned(trial, slopes=99)
        assert "This job has finished here, and `--again` would be refused: 1 training" in warning
        assert "told 'clinic' 50 combinations" in warning
        assert trial.both(run)["insurer"].folder == first["insurer"].folder
        with pytest.raises(PolicyError, match=r"this one would tell 50 more.*Nothing was sent"):
            run(trial.job, trial.party_file("insurer"), again=True)
        trial.edit_party("insurer", "slopes = 99", "slopes = 1000")
        assert not ready(trial, "insurer").warnings

        for party in PARTIES:
            _shorten(trial.folder / party / "people.csv", rows=2)
        refused = _refused(trial)
        assert set(refused) == set(PARTIES)
        policy = {party: error for party, error in refused.items() if type(error) is PolicyError}
        assert policy  # at least one party says so; the other may learn that its peer has stopped
        for error in policy.values():
            assert "and `policy.minimum_difference` of your party file is 20" in str(error)
        assert (
            store(trial).so_far("insurer", str(trial.folder / "clinic" / "people.csv")).trainings
            == 1
        )


class TestRowsKnownAgain:
    def test_though_the_job_of_a_peer_normalises_otherwise(self, desk: Desk) -> None:
        file = desk.folder / "clinic" / "people.csv"
        head, *rows = file.read_text().splitlines()
        file.write_text("\n".join([head, *(f"P{row}" for row in rows)]))
        before = desk.plan("clinic").train
        desk.edit_job('normalise = ["trim"]', 'normalise = ["trim", "lower"]')
        after = desk.plan("clinic").train
        assert not {*before.identifiers} & {*after.identifiers}
        first, second = (store(desk).hashes(exposure.keys(each)) for each in (before, after))
        assert first.tolist() == second.tolist()


def _warned(desk: Desk, **policy: int) -> list[str]:
    """What the check of the insurer warns of by a policy."""
    allow(desk, "insurer", **policy)
    return ready(desk, "insurer").warnings


def _shorten(file: Path, rows: int) -> None:
    """Leave out the last rows of a file that are not empty."""
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:-rows]) + "\n")


def _refused(desk: Desk) -> dict[str, IsthmusError]:
    found = dict[str, IsthmusError]()

    def attempt(job: Path, party_file: Path) -> Run:
        try:
            return run(job, party_file, again=True)
        except IsthmusError as error:
            found[party_file.parent.name] = error
            return Run(party_file.parent)

    desk.both(attempt)
    return found
