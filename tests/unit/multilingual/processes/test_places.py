"""Which of several processes this one is, as launchers tell it."""

import os

import pytest

from isthmus.core.errors import SpecError
from isthmus.multilingual.processes import places
from isthmus.multilingual.processes.places import Place

LAUNCHERS = {
    "torchrun": {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"},
    "Open MPI": {
        "OMPI_COMM_WORLD_RANK": "1",
        "OMPI_COMM_WORLD_SIZE": "4",
        "OMPI_COMM_WORLD_LOCAL_RANK": "1",
        "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
    },
    "Intel MPI": {
        "PMI_RANK": "1",
        "PMI_SIZE": "4",
        "MPI_LOCALRANKID": "1",
        "MPI_LOCALNRANKS": "2",
    },
}


class TestHere:
    @pytest.mark.parametrize("environment", LAUNCHERS.values(), ids=list(LAUNCHERS))
    def test_is_what_a_launcher_says(self, environment: dict[str, str]) -> None:
        found = places.here(environment)
        assert found == Place(rank=1, size=4, local_rank=1, local_size=2)
        assert not found.on_one_machine

    @pytest.mark.parametrize("environment", [{}, {"RANK": "0", "WORLD_SIZE": "1"}, {"RANK": "2"}])
    def test_is_nowhere_without_others(self, environment: dict[str, str]) -> None:
        assert places.here(environment) is None

    def test_is_on_one_machine_if_all_are_or_if_they_meet_in_a_file(self) -> None:
        both = {"RANK": "1", "WORLD_SIZE": "2"}
        for more in ({"LOCAL_WORLD_SIZE": "2"}, {places.STORE: "/store"}):
            found = places.here(both | more)
            assert found is not None
            assert found.on_one_machine

    @pytest.mark.parametrize(
        ("environment", "sentence"),
        [
            ({"RANK": "one", "WORLD_SIZE": "2"}, "'one' is no number"),
            ({"RANK": "2", "WORLD_SIZE": "2"}, "RANK=2 and WORLD_SIZE=2"),
        ],
    )
    def test_refuses_what_cannot_be(self, environment: dict[str, str], sentence: str) -> None:
        with pytest.raises(SpecError, match=sentence):
            places.here(environment)


class TestSaid:
    def test_is_heard_in_the_block_alone(self) -> None:
        before = dict(os.environ)
        place = Place(1, 2, 1, 2, "/store")
        with places.said(place):
            assert places.here() == place
        assert dict(os.environ) == before
