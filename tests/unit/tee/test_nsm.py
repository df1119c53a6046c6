"""A security module that the test plays; no real one was ever asked."""

import ctypes
import sys
from pathlib import Path
from typing import Any

import cbor2
import pytest

from isthmus.core.errors import SpecError
from isthmus.core.extras import MissingExtraError
from isthmus.tee import nsm

REPORT_DATA = bytes(range(64))


class Module:
    """Answers a request as the device does: through the addresses that the call brings."""

    def __init__(self, answer: object) -> None:
        self._answer = cbor2.dumps(answer)
        self.requests: list[Any] = []

    def __call__(self, opened: int, operation: int, exchange: nsm.Exchange) -> None:
        assert opened > 0
        assert operation == 0xC020_0A00
        assert ctypes.sizeof(exchange) == 32
        request = ctypes.string_at(exchange.request.address, exchange.request.size)
        self.requests.append(cbor2.loads(request))
        assert exchange.answer.size >= len(self._answer)
        ctypes.memmove(exchange.answer.address, self._answer, len(self._answer))
        exchange.answer.size = len(self._answer)


@pytest.fixture
def device(tmp_path: Path) -> Path:
    (tmp_path / "nsm").touch()
    return tmp_path / "nsm"


class TestAttest:
    def test_binds_the_report_data_as_user_data(self, device: Path) -> None:
        module = Module({"Attestation": {"document": b"a document"}})
        assert nsm.attest(REPORT_DATA, device, module) == b"a document"
        bound = {"user_data": REPORT_DATA, "nonce": None, "public_key": None}
        assert module.requests == [{"Attestation": bound}]

    def test_a_refusal_is_shown(self, device: Path) -> None:
        with pytest.raises(SpecError, match="refuses to attest: InvalidOperation"):
            nsm.attest(REPORT_DATA, device, Module({"Error": "InvalidOperation"}))

    @pytest.mark.parametrize("answer", [None, {"Attestation": {}}, {"Error": 7}, ["Attestation"]])
    def test_any_other_answer_is_refused(self, device: Path, answer: object) -> None:
        with pytest.raises(SpecError, match="something else than a document"):
            nsm.attest(REPORT_DATA, device, Module(answer))

    def test_a_device_that_is_not_there_is_an_error_of_the_system(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            nsm.attest(REPORT_DATA, tmp_path / "nsm")

    def test_a_missing_library_is_named_with_how_to_install_it(
        self, device: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        module = Module({})
        monkeypatch.setitem(sys.modules, "cbor2", None)
        with pytest.raises(
            MissingExtraError, match=r"the image of a Nitro enclave needs .* '\.\[tee\]'"
        ):
            nsm.attest(REPORT_DATA, device, module)
        assert module.requests == []
