"""Sums of one party's columns times another one's values, by each scheme, honest and not."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from isthmus.core.arrays import Integers
from isthmus.core.errors import PeerError
from isthmus.crypto import keys, radix
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.crypto.lattice.parameters import SLOTS
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message
from isthmus.vertical.regression.products.column_side import ColumnSide
from isthmus.vertical.regression.products.forecast import Products, flows, key_flow
from isthmus.vertical.regression.products.kinds import bounds_of
from isthmus.vertical.regression.products.lines import Workers
from isthmus.vertical.regression.products.messages import (
    EncryptedValues,
    MaskedSums,
    OpenedSums,
    ProductKey,
    ProductSeed,
)
from isthmus.vertical.regression.products.scheme import Bounds, Modular
from isthmus.vertical.regression.products.value_side import ValueSide
from isthmus.vertical.regression.products.workers import LocalWorkers, start_workers
from isthmus.vertical.worker_processes import WorkerDiedError
from tests.roles import Play, play, run_together
from tests.tampering import Tampering
from tests.watching import Watched

BFV = RegressionEncryption("bfv")
OKAMOTO_UCHIYAMA = RegressionEncryption("okamoto-uchiyama", 2048)  # and 1024 by the environment
PAILLIER = RegressionEncryption("paillier", 2048)
SCHEMES = (BFV, OKAMOTO_UCHIYAMA, PAILLIER)
each_scheme = pytest.mark.parametrize("encryption", SCHEMES, ids=lambda it: it.scheme)

BLOCK = 64
GENERATOR = np.random.default_rng(5)


def columns_of(rows: int, count: int) -> radix.Quantised:
    x = GENERATOR.normal(size=(rows, count))
    x[:, 0] = x[:, 0] > 0  # a flag
    return radix.quantise((x - x.mean(axis=0)) / x.std(axis=0))


def values_of(bounds: Bounds, shape: tuple[int, ...]) -> Integers:
    values = bounds.integers(GENERATOR.uniform(-bounds.limit, bounds.limit, shape))
    values[0] = -(2**bounds.residual_bits)  # the largest that there may be
    return values


def sums(
    encryption: RegressionEncryption,
    columns: radix.Quantised,
    *given: Integers,
    ours: int = 1,
    theirs: int = 1,
) -> list[Integers]:
    """What the column side gets of each of the values, with so many workers at either side."""
    bounds = bounds_of(encryption, len(columns), 14, 1.0)
    outputs = None if given[0].ndim == 1 else given[0].shape[1]

    def values(peer: Channel) -> None:
        with start_workers(ours) as workers:
            count = len(columns.steps)
            give = ValueSide(peer, encryption, bounds, count, block_rows=BLOCK, workers=workers)
            for each in given:
                give(each)

    def column(peer: Channel) -> list[Integers]:
        with start_workers(theirs) as workers:
            take = ColumnSide(
                peer,
                columns,
                encryption,
                bounds,
                outputs=outputs,
                block_rows=BLOCK,
                workers=workers,
            )
            return [take() for _ in given]

    found: list[Integers] = run_together(active=values, passive=column)["passive"]
    return found


class TestProducts:
    @each_scheme
    def test_are_exact(self, encryption: RegressionEncryption) -> None:
        columns = columns_of(150, 3)
        bounds = bounds_of(encryption, 150, 14, 1.0)
        values = [values_of(bounds, (150,)) for _ in range(2)]
        found = sums(encryption, columns, *values)
        for each, got in zip(values, found, strict=True):
            assert got.tolist() == (columns.integers().T @ each).tolist()

    @each_scheme
    def test_of_several_outputs_are_as_many_products(
        self, encryption: RegressionEncryption
    ) -> None:
        columns = columns_of(150, 3)
        values = values_of(bounds_of(encryption, 150, 14, 1.0), (150, 4))
        (found,) = sums(encryption, columns, values)
        assert found.tolist() == (columns.integers().T @ values).tolist()

    @each_scheme
    def test_of_a_batch_are_of_its_rows(self, encryption: RegressionEncryption) -> None:
        columns = columns_of(150, 3)
        bounds = bounds_of(encryption, 90, 14, 1.0)
        values = values_of(bounds, (90,))

        def value_side(peer: Channel) -> None:
            ValueSide(peer, encryption, bounds, 3, block_rows=BLOCK)(values)

        def column_side(peer: Channel) -> Integers:
            take = ColumnSide(peer, columns, encryption, bounds, block_rows=BLOCK)
            return take(slice(60, 150))

        found = run_together(active=value_side, passive=column_side)["passive"]
        assert found.tolist() == (columns.integers()[60:].T @ values).tolist()

    def test_of_more_columns_than_a_key_opens_sums(self) -> None:
        columns = columns_of(40, 40)
        values = values_of(bounds_of(BFV, 40, 14, 1.0), (40,))
        (found,) = sums(BFV, columns, values)
        assert found.tolist() == (columns.integers().T @ values).tolist()

    def test_of_values_modulo_the_prime_of_slots_are_sums_modulo_it(self) -> None:
        columns, prime = columns_of(150, 3), SLOTS.plain
        values = GENERATOR.integers(0, prime, 150)
        values[0] = prime - 1

        def value_side(peer: Channel) -> None:
            ValueSide(peer, BFV, Modular(14), 3)(values)

        def column_side(peer: Channel) -> Integers:
            return ColumnSide(peer, columns, BFV, Modular(14))()

        found = run_together(active=value_side, passive=column_side)["passive"]
        exact = columns.integers().astype(object).T @ values.astype(object)
        assert found.tolist() == (exact % prime).tolist()


class TestForecast:
    @each_scheme
    @pytest.mark.parametrize("outputs", [1, 3])
    def test_is_what_was_sent_to_the_byte(
        self, encryption: RegressionEncryption, outputs: int
    ) -> None:
        columns = columns_of(150, 3)
        bounds = bounds_of(encryption, 150, 14, 1.0)
        values = values_of(bounds, (150, outputs))

        def value_side(peer: Channel) -> None:
            give = ValueSide(peer, encryption, bounds, 3, block_rows=BLOCK)
            for _ in range(2):
                give(values)

        def column_side(peer: Channel) -> None:
            take = ColumnSide(peer, columns, encryption, bounds, outputs=outputs, block_rows=BLOCK)
            for _ in range(2):
                take()

        outcome = play(active=value_side, passive=column_side)
        products = Products("active", "passive", rows=150, sums=3, times=2, outputs=outputs)
        forecast = [
            *key_flow(encryption, "active"),
            *flows(encryption, BLOCK, products),
        ]
        for role, sent in outcome.sent.items():
            mine = [flow for flow in forecast if flow.sender == role]
            assert sum(map(len, sent)) == sum(flow.bytes for flow in mine)
            assert len(sent) == sum(flow.count for flow in mine)


class TestWorkers:
    @pytest.mark.parametrize("encryption", [BFV, OKAMOTO_UCHIYAMA], ids=lambda it: it.scheme)
    def test_give_the_same_sums_in_any_number_though_one_dies_at_either_side(
        self, encryption: RegressionEncryption
    ) -> None:
        rows = 4 * 4096 + 5 if encryption is BFV else 6 * BLOCK + 5
        columns = columns_of(rows, 3)
        bounds = bounds_of(encryption, rows, 14, 1.0)
        values = values_of(bounds, (rows, 2))
        killed = list[int]()

        def kill_one(workers: Workers | None) -> None:
            assert isinstance(workers, LocalWorkers)
            pid = workers.line(0).pid
            assert pid
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

        def value_side(peer: Channel) -> None:
            with start_workers(2) as workers:
                line = Watched(peer, EncryptedValues, 2, lambda: kill_one(workers))
                give = ValueSide(line, encryption, bounds, 3, block_rows=BLOCK, workers=workers)
                give(values)
                give(-values)

        def column_side(peer: Channel) -> list[Integers]:
            with start_workers(3) as workers:
                line = Watched(peer, EncryptedValues, 4, lambda: kill_one(workers))
                take = ColumnSide(
                    line, columns, encryption, bounds, outputs=2, block_rows=BLOCK, workers=workers
                )
                return [take(), take()]

        found = run_together(active=value_side, passive=column_side)["passive"]
        exact = columns.integers().T @ values
        assert [each.tolist() for each in found] == [exact.tolist(), (-exact).tolist()]
        assert len(killed) == 2
        assert not set(killed) & {process.pid for process in multiprocessing.active_children()}

    def test_that_die_again_and_again_end_the_run(self) -> None:
        columns = columns_of(40, 3)
        bounds = bounds_of(BFV, 40, 14, 1.0)

        def value_side(peer: Channel) -> None:
            ValueSide(peer, BFV, bounds, 3, workers=Mortal())(values_of(bounds, (40,)))

        def column_side(peer: Channel) -> None:
            ColumnSide(peer, columns, BFV, bounds)()

        outcome = play(active=value_side, passive=column_side)
        assert "look for a lack of memory" in str(outcome.raised["active"])


class Mortal:
    """Workers that have died when they are used."""

    count = 2

    def line(self, number: int) -> "Mortal":
        del number
        return self

    def drop(self, number: int) -> None:
        del number

    def send(self, data: bytes) -> None:
        del data
        raise WorkerDiedError

    def receive(self) -> bytes:
        raise WorkerDiedError


def flipped(data: bytes) -> bytes:
    """The same number of bytes, with every bit set."""
    return b"\xff" * len(data)


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "short": lambda data: data[:-1],
    "long": lambda data: data + bytes(1),
    "empty": lambda data: data[:0],
    "half": lambda data: data[: len(data) // 2],
}


class TestStops:
    """A peer that sends what no honest one does."""

    @each_scheme
    @pytest.mark.parametrize("how", SPOILED)
    @pytest.mark.parametrize("kind", [ProductKey, EncryptedValues])
    def test_at_the_column_side(
        self, encryption: RegressionEncryption, kind: type[Message], how: str
    ) -> None:
        error = cheated(encryption, active=changing(kind, SPOILED[how])).raised["passive"]
        assert_one_sentence(error, f"'active' sent {kind.__name__} that no honest run makes: ")

    @each_scheme
    @pytest.mark.parametrize("how", SPOILED)
    def test_at_opened_sums(self, encryption: RegressionEncryption, how: str) -> None:
        error = cheated(encryption, active=changing(OpenedSums, SPOILED[how])).raised["passive"]
        assert_one_sentence(error, "'active' sent OpenedSums that no honest run makes: ")

    @each_scheme
    @pytest.mark.parametrize("how", SPOILED)
    def test_at_the_value_side(self, encryption: RegressionEncryption, how: str) -> None:
        error = cheated(encryption, passive=changing(MaskedSums, SPOILED[how])).raised["active"]
        assert_one_sentence(error, "'passive' sent MaskedSums that no honest run makes: ")

    @each_scheme
    def test_at_garbage(self, encryption: RegressionEncryption) -> None:
        error = cheated(encryption, active=changing(EncryptedValues, flipped)).raised["passive"]
        assert_one_sentence(error, "'active' sent EncryptedValues that no honest run makes: ")

    @pytest.mark.parametrize("how", SPOILED)
    def test_at_a_seed(self, how: str) -> None:
        error = cheated(BFV, passive=changing(ProductSeed, SPOILED[how])).raised["active"]
        assert_one_sentence(error, "'passive' sent ProductSeed that no honest run makes: ")

    @each_scheme
    def test_where_the_parties_count_other_columns(self, encryption: RegressionEncryption) -> None:
        outcome = cheated(encryption, declared=4)
        assert any(isinstance(error, PeerError) for error in outcome.raised.values())

    def test_at_a_key_of_another_size(self) -> None:
        other = RegressionEncryption("paillier", 3072)
        ours = keys.generate("paillier", "auto", 1088).public.dump()
        error = cheated(other, active=changing(ProductKey, lambda _: ours)).raised["passive"]
        assert_one_sentence(error, "'active' sent ProductKey that no honest run makes: ")

    def test_before_a_worker_hangs(self) -> None:
        cheat = changing(EncryptedValues, flipped)
        error = cheated(BFV, active=cheat, workers=2).raised["passive"]
        assert_one_sentence(error, "'active' sent EncryptedValues that no honest run makes: ")


def assert_one_sentence(error: Exception, start: str) -> None:
    assert isinstance(error, PeerError)
    assert str(error).startswith(start)
    assert "compare `isthmus version`" in str(error)
    assert "\n" not in str(error)


def changing(kind: type[Message], change: Callable[[bytes], bytes]) -> Callable[[Channel], Channel]:
    """Makes a line whose holder changes the bytes of messages of a type."""

    def change_it(message: Any, _seen: dict[str, Any]) -> Message:
        (name,) = message.__struct_fields__
        changed: Message = replace(message, **{name: change(getattr(message, name))})
        return changed

    return lambda line: Tampering(line, kind, change_it)


def honest(line: Channel) -> Channel:
    return line


def cheated(
    encryption: RegressionEncryption,
    *,
    active: Callable[[Channel], Channel] = honest,
    passive: Callable[[Channel], Channel] = honest,
    declared: int = 3,
    workers: int = 1,
) -> Play:
    """A product of three columns in which a side sends something else."""
    rows = 4096 + 5 if workers > 1 else 100
    bounds = bounds_of(encryption, rows, 14, 1.0)
    values, columns = values_of(bounds, (rows,)), columns_of(rows, 3)

    def value_side(peer: Channel) -> None:
        ValueSide(active(peer), encryption, bounds, declared, block_rows=BLOCK)(values)

    def column_side(peer: Channel) -> Integers:
        with start_workers(workers) as ours:
            line = passive(peer)
            return ColumnSide(line, columns, encryption, bounds, block_rows=BLOCK, workers=ours)()

    return play(active=value_side, passive=column_side)
