"""The round protocol over real lines, on which children come and go."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from isthmus.core.errors import ChannelError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.messages import EncoderRequest
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.privacy.spec import Privacy, SecureAggregation
from isthmus.horizontal.rounds.inbox import Inbox
from isthmus.horizontal.rounds.local_training import Train
from isthmus.horizontal.rounds.memory import ChildMemory, MasterMemory
from isthmus.horizontal.rounds.protocol import Received, Trained, child, master
from isthmus.horizontal.rounds.training import Training
from isthmus.horizontal.spec import Rounds
from isthmus.transport.grpc import Identity, Listener, dial, listen
from tests.faults.parties import ANY_PORT, party, quietly
from tests.federation import ENCODER, INITIAL, mean, secure_training, shift, trainer_of
from tests.identities import identity

NAMES = ("a", "b", "c")


class Star:
    """A master that listens, and children that dial it."""

    def __init__(self, listener: Listener, identities: Mapping[str, Identity]) -> None:
        self.listener = listener
        self.identities = identities
        self.inbox = Inbox(EncoderRequest)

    def child(self, name: str, train: Train, privacy: Privacy | None = None) -> Received:
        ours, theirs = self.identities[name], self.identities["master"]
        address, certificate = self.listener.address, theirs.certificate
        with dial(ours, address, "master", certificate, 20, quietly) as line:
            make = trainer_of(train, privacy=privacy)
            return child(line, ENCODER, make, Telemetry(), ChildMemory(), identity(name))

    def admit(self, name: str) -> None:
        self.inbox.admit(self.listener.accept(name, 20, quietly))

    def master(self, spec: Rounds, training: Training | None = None) -> Trained:
        wanted = training or Training(ENCODER, INITIAL, mean)
        return master(self.inbox, wanted, spec, Telemetry(), MasterMemory())


@pytest.fixture
def identities() -> dict[str, Identity]:
    return {name: party(name) for name in ("master", *NAMES)}


class TestOverGrpc:
    def test_updates_are_summed_under_masks(self, identities: dict[str, Identity]) -> None:
        trusted = {name: identities[name].certificate for name in NAMES}
        asked = SecureAggregation()
        with (
            listen(identities["master"], ANY_PORT, trusted) as listener,
            ThreadPoolExecutor(3) as threads,
        ):
            star = Star(listener, identities)
            privacy = Privacy(secure_aggregation=asked)
            running = [threads.submit(star.child, name, shift(1.0), privacy) for name in NAMES]
            for name in NAMES:
                star.admit(name)
            trained = star.master(Rounds(count=2, quorum=3, deadline=30.0), secure_training(asked))
            assert trained.parameters["w"] == pytest.approx(np.full((2, 2), 2.0))
            assert {it.result().model for it in running} == {trained.model}
            star.inbox.close()

    def test_a_child_that_loses_its_line_comes_back_on_another_one(
        self, identities: dict[str, Identity]
    ) -> None:
        trusted = {name: identities[name].certificate for name in NAMES}
        lost = threading.Event()

        def loses(parameters: Parameters, number: int) -> tuple[Parameters, Mapping[str, float]]:
            if number == 2:
                lost.set()
                raise ChannelError("the cable was pulled")
            return shift(1.0)(parameters, number)

        with (
            listen(identities["master"], ANY_PORT, trusted) as listener,
            ThreadPoolExecutor(5) as threads,
        ):
            star = Star(listener, identities)
            honest = [threads.submit(star.child, name, shift(1.0)) for name in ("a", "b")]
            fails = threads.submit(star.child, "c", loses)
            for name in NAMES:
                star.admit(name)
            running = threads.submit(star.master, Rounds(count=3, quorum=3, deadline=30.0))
            lost.wait()
            again = threads.submit(star.child, "c", shift(1.0))
            star.admit("c")
            trained = running.result()
            assert trained.holders == NAMES
            assert [set(it.taken) for it in trained.rounds] == [set(NAMES)] * 3
            assert again.result().model == trained.model
            assert {it.result().model for it in honest} == {trained.model}
            assert isinstance(fails.exception(), ChannelError)
            star.inbox.close()

    def test_a_second_process_of_a_child_is_named_in_the_record_and_changes_nothing(
        self, identities: dict[str, Identity]
    ) -> None:
        trusted = {name: identities[name].certificate for name in NAMES}
        inbox, refused = Inbox(EncoderRequest), list[BaseException | None]()
        with (
            listen(
                identities["master"], ANY_PORT, trusted, on_second=inbox.note_second
            ) as listener,
            ThreadPoolExecutor(5) as threads,
        ):
            star = Star(listener, identities)
            star.inbox = inbox

            def waits(
                parameters: Parameters, number: int
            ) -> tuple[Parameters, Mapping[str, float]]:
                if number == 2:
                    refused.append(threads.submit(star.child, "c", shift(1.0)).exception())
                return shift(1.0)(parameters, number)

            trains = {"a": shift(1.0), "b": shift(1.0), "c": waits}
            children = [threads.submit(star.child, name, train) for name, train in trains.items()]
            for name in NAMES:
                star.admit(name)
            trained = star.master(Rounds(count=3, quorum=3, deadline=60.0))
            assert [it.second_processes for it in trained.rounds] == [(), ("c",), ()]
            assert [set(it.taken) for it in trained.rounds] == [set(NAMES)] * 3
            assert {it.result().model for it in children} == {trained.model}
            assert "another process with the key of 'c'" in str(refused[0])
            star.inbox.close()
