"""Typed messages: what is written is read back, and nothing else is accepted."""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import PeerError
from isthmus.transport.message import (
    Count,
    Encrypted,
    MaskedIntegers,
    Message,
    Protection,
    decode,
    describe,
    encode,
)

SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
FLOATS = arrays.arrays(np.float64, SHAPES, elements=st.floats(-1e100, 1e100, allow_nan=False))
INTEGERS = arrays.arrays(np.int64, SHAPES)


class Residual(Message, frozen=True):
    values: Floats


class Batch(Message, frozen=True):
    rows: Integers
    step: Count = 0
    sealed: Encrypted = b""
    masked: MaskedIntegers = []


class Other(Message, frozen=True):
    values: Floats


class Single(Message, frozen=True):
    values: NDArray[np.float32]


class Choice(Message, frozen=True):
    name: str | None


def residual(data: bytes) -> Residual:
    return decode(data, Residual, "clinic")


def tampered(change: Callable[[dict[str, object]], object]) -> bytes:
    """The encoding of a residual of two rows, after a change to its MessagePack map."""
    fields = msgspec.msgpack.decode(encode(Residual(values=np.array([1.0, 2.0]))))
    change(fields)
    return msgspec.msgpack.encode(fields)


def with_array(dtype: object, shape: object, data: object) -> bytes:
    return tampered(lambda fields: fields.update(values=[dtype, shape, data]))


def buffer(array: Floats, code: int = 1) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(code, array.tobytes())


DEEP = b"\x82\xa4type\xa8Residual\xa6values" + b"\x91" * 100_000 + b"\xc0"


class TestRoundTrip:
    @given(FLOATS)
    def test_floats_of_any_shape_come_back_bit_by_bit(self, values: Floats) -> None:
        read = residual(encode(Residual(values=values))).values
        assert read.shape == values.shape
        assert read.tobytes() == values.tobytes()

    @given(INTEGERS, st.integers(0, 2**40), st.binary(), st.lists(st.binary()))
    def test_all_fields_come_back(
        self, rows: Integers, step: int, sealed: bytes, masked: list[bytes]
    ) -> None:
        sent = Batch(rows=rows, step=step, sealed=sealed, masked=masked)
        read = decode(encode(sent), Batch, "clinic")
        assert np.array_equal(read.rows, rows)
        assert (read.step, read.sealed, read.masked) == (step, sealed, masked)

    def test_an_array_in_another_memory_order_comes_back_in_the_same_order(self) -> None:
        values = np.arange(6.0).reshape(2, 3).T
        assert np.array_equal(residual(encode(Residual(values=values))).values, values)

    def test_a_read_array_cannot_be_written(self) -> None:
        read = residual(encode(Residual(values=np.ones(3)))).values
        with pytest.raises(ValueError, match="read-only"):
            read[0] = 2.0

    def test_what_is_no_field_type_cannot_be_sent(self) -> None:
        with pytest.raises(TypeError, match="complex cannot cross"):
            encode(Residual(values=1j))  # type: ignore[arg-type]


class TestRefusal:
    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(encode(Other(values=np.ones(2))), id="another type"),
            pytest.param(tampered(lambda fields: fields.pop("values")), id="missing field"),
            pytest.param(tampered(lambda fields: fields.update(extra=1)), id="extra field"),
            pytest.param(tampered(dict.clear), id="empty map"),
            pytest.param(encode(Residual(values=np.ones(2)))[:-1], id="cut short"),
            pytest.param(encode(Residual(values=np.ones(2))) + b"\xc0", id="trailing byte"),
            pytest.param(b"", id="nothing"),
            pytest.param(with_array("<i8", [2], buffer(np.ones(2))), id="wrong dtype"),
            pytest.param(with_array("|O", [2], buffer(np.ones(2))), id="dtype of objects"),
            pytest.param(with_array("<f8", [3], buffer(np.ones(2))), id="shape too large"),
            pytest.param(with_array("<f8", [1], buffer(np.ones(2))), id="shape too small"),
            pytest.param(with_array("<f8", [-2, -1], buffer(np.ones(2))), id="negative shape"),
            pytest.param(with_array("<f8", [2**40] * 9, buffer(np.ones(2))), id="vast shape"),
            pytest.param(with_array("<f8", [2], buffer(np.ones(2), code=2)), id="other extension"),
            pytest.param(with_array("<f8", [2], np.ones(2).tobytes()), id="bytes, not a buffer"),
            pytest.param(with_array("<f8", [2], "text"), id="text, not a buffer"),
            pytest.param(with_array("<f8", [1], buffer(np.array([np.nan]))), id="not a number"),
            pytest.param(with_array("<f8", [1], buffer(np.array([np.inf]))), id="infinity"),
            pytest.param(with_array("<f8", [1], buffer(np.array([1e101]))), id="overflows soon"),
            pytest.param(with_array("<f8", [1] * 9, buffer(np.ones(1))), id="many dimensions"),
            pytest.param(with_array("<f8", [2**40] * 99_999, b""), id="endless product"),
            pytest.param(DEEP, id="lists within lists"),
        ],
    )
    def test_names_the_sender_and_the_type(self, data: bytes) -> None:
        with pytest.raises(PeerError, match=r"'clinic' sent something that is not a Residual"):
            residual(data)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_of_what_is_no_number_in_single_precision(self, value: float) -> None:
        with pytest.raises(PeerError, match="not numbers"):
            decode(encode(Single(values=np.full(2, value, np.float32))), Single, "clinic")

    def test_does_not_concern_the_largest_number_in_single_precision(self) -> None:
        sent = Single(values=np.full(2, np.finfo(np.float32).max))
        assert decode(encode(sent), Single, "clinic").values.tolist() == sent.values.tolist()

    @given(st.binary(max_size=64))
    def test_of_noise_is_never_another_error(self, noise: bytes) -> None:
        with pytest.raises(PeerError):
            residual(noise)

    def test_of_a_number_out_of_range(self) -> None:
        with pytest.raises(PeerError, match="step"):
            decode(encode(Batch(rows=np.ones(1, np.int64), step=-1)), Batch, "clinic")

    def test_quotes_a_stranger_in_one_short_printable_line(self) -> None:
        shouted = "\x1b[2J\nall is well " * 1000
        data = tampered(lambda fields: fields.update({shouted: 1}))
        with pytest.raises(PeerError, match="all is well") as refused:
            residual(data)
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 1000


class TestDescribe:
    def test_tells_shape_size_and_protection_of_each_field(self) -> None:
        batch = Batch(rows=np.ones((2, 3), np.int64), sealed=b"secret", masked=[b"a", b"b"])
        told = {value.name: (value.shape, value.protection) for value in describe(batch)}
        assert told == {
            "rows": ((2, 3), Protection.CLEAR),
            "step": ((), Protection.CLEAR),
            "sealed": ((6,), Protection.ENCRYPTED),
            "masked": ((2,), Protection.MASKED),
        }
        assert describe(batch)[0].bytes == 48

    def test_calls_a_field_without_a_value_none(self) -> None:
        assert [value.kind for value in describe(Choice(name=None))] == ["none"]
