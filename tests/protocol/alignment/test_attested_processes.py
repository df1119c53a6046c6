"""Attested alignment with enclaves as they are in earnest: processes, with memory of their own."""

import re
import sys
from contextlib import AbstractContextManager

import pytest

from isthmus.core.errors import (
    ChannelError,
    IsthmusError,
    JobError,
    PeerError,
    PolicyError,
    SpecError,
)
from isthmus.tee import process
from isthmus.tee.policy import EnclavePolicy
from isthmus.tee.spec import Enclave
from isthmus.transport.channel import Channel
from tests.star import Enclaves, Star, align, rows_of, trust_of

PROGRAM = "isthmus.alignment.attested"
CLINIC = [b"person %d" % number for number in range(40)]
INSURER = [b"person %d" % number for number in range(30, 60)]
BANK = [b"person %d" % number for number in range(35, 65)]
TWO = {"clinic": CLINIC, "insurer": INSURER}

MEBIBYTE = 2**20


def in_a_process(us: str) -> AbstractContextManager[Channel]:
    del us
    return process.enclave(Enclave(), PROGRAM, patience=3600.0)


def with_first_line(code: str, *parties: str) -> Enclaves:
    """The enclaves of some parties begin their program with code of the test."""
    program = f"{code}\nfrom {PROGRAM} import __main__ as program\nprogram.main()"

    def start(us: str) -> AbstractContextManager[Channel]:
        command = (sys.executable, "-c", program) if us in parties else ()
        return process.enclave(Enclave(command=command), PROGRAM, patience=3600.0)

    return start


def killed_when_it_calls(function: str) -> str:
    module, _, name = function.partition(":")
    return (
        f"import os, signal, {module}\n"
        f"{module}.{name} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)"
    )


def error_of(star: Star, party: str) -> tuple[type[Exception], str]:
    assert not star.found
    return type(star.raised[party]), str(star.raised[party])


class TestProcesses:
    def test_find_the_shared_rows_of_three_parties(self) -> None:
        identifiers = TWO | {"bank": BANK}
        star = align(identifiers, enclaves=in_a_process)
        assert sorted(rows_of(star, identifiers)) == CLINIC[35:]

    def test_say_what_is_wrong_with_their_own_partys_rows(self) -> None:
        star = align(TWO | {"insurer": [b"ada", b"ada"]}, enclaves=in_a_process)
        kind, sentence = error_of(star, "insurer")
        assert kind is SpecError
        assert sentence.startswith("an identifier occurs twice")
        assert b"ada" not in sentence.encode()

    def test_say_what_their_own_partys_policy_refuses(self) -> None:
        strict = trust_of("clinic", policy=EnclavePolicy())
        star = align(TWO, enclaves=in_a_process, trust={"clinic": strict})
        kind, sentence = error_of(star, "clinic")
        assert kind is PolicyError
        assert "policy.enclaves.allow_simulated = true" in sentence


class TestKilled:
    """Nothing may hang: a dead process is noticed at once, whatever the patience."""

    @pytest.mark.timeout(600)
    @pytest.mark.parametrize("victim", ["clinic", "insurer"])
    @pytest.mark.parametrize(
        "function",
        [
            "isthmus.tee.quotes:attest",
            "isthmus.alignment.attested.buckets:sort",
            "isthmus.alignment.attested.buckets:starts",
        ],
    )
    def test_enclave_is_named_to_its_party_and_stops_the_other(
        self, victim: str, function: str
    ) -> None:
        enclaves = with_first_line(killed_when_it_calls(function), victim)
        star = align(TWO, enclaves=enclaves)
        kind, sentence = error_of(star, victim)
        assert kind is ChannelError
        assert re.match(r"our enclave was .*signal 9", sentence)
        (peer,) = set(TWO) - {victim}
        kind, sentence = error_of(star, peer)
        assert issubclass(kind, IsthmusError)
        assert sentence == f"'{victim}' stopped: ChannelError"


class TestMemory:
    ROWS = {name: [b"%016d" % number for number in range(400_000)] for name in TWO}

    def needed(self) -> int:
        star = align(self.ROWS, enclaves=in_a_process, memory_mib=100)
        kind, sentence = error_of(star, "clinic")
        assert kind is JobError
        found = re.search(r"needs (\d+) MiB.*`alignment.memory_mib` is 100. Agree on", sentence)
        assert found is not None
        return int(found[1])

    def test_that_is_too_little_is_refused_before_identifiers_go_in(self) -> None:
        refuses = "import isthmus.alignment.attested.enclave as e\ndel e.IdentifierBlock"
        star = align(self.ROWS, enclaves=with_first_line(refuses, "clinic"), memory_mib=100)
        kind, sentence = error_of(star, "clinic")
        assert kind is JobError
        assert "`alignment.memory_mib` is 100" in sentence

    def test_that_it_asks_for_is_enough(self) -> None:
        star = align(self.ROWS, enclaves=in_a_process, memory_mib=self.needed())
        assert len(rows_of(star, self.ROWS)) == 400_000

    def test_is_limited_by_the_machine_and_not_by_promises(self) -> None:
        careless = "import isthmus.alignment.attested.memory as m\nm.check = lambda _: None"
        star = align(self.ROWS, enclaves=with_first_line(careless, *TWO), memory_mib=150)
        assert not star.found
        own = [error for error in star.raised.values() if type(error) is not PeerError]
        assert own  # of the first enclave that met the limit; the other party hears of it
        for error in own:  # what meets it first decides: where a library does, it may only abort
            assert re.match(
                "the enclave needs more memory than 150 MiB|our enclave (ended|was ended)",
                str(error),
            )
