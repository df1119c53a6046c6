"""Only code that computes correctly on this machine is used; gmpy2 takes over otherwise."""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.crypto import keys
from isthmus.crypto.kernel import library as compiled
from isthmus.crypto.kernel import loading, self_test
from isthmus.crypto.kernel.library import Function, Functions, Library

NAMES = [field.name for field in fields(Functions)]


@pytest.fixture
def load_anew() -> Iterator[Callable[[], str | None]]:
    """Asks as if nobody had asked before."""

    def available() -> str | None:
        loading._found.cache_clear()  # noqa: SLF001
        return loading.available()

    yield available
    loading._found.cache_clear()  # noqa: SLF001


class TestAvailable:
    def test_is_said_without_a_compiled_library(
        self,
        load_anew: Callable[[], str | None],
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        monkeypatch.setattr(loading, "LIBRARY", tmp_path / "kernel.so")
        assert load_anew() == "it was not compiled when isthmus was installed"
        with pytest.raises(RuntimeError, match="it was not compiled"):
            loading.library()

    def test_is_said_of_a_file_that_is_no_library(
        self,
        load_anew: Callable[[], str | None],
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        (tmp_path / "kernel.so").write_bytes(b"\x7fELF" + bytes(60))
        monkeypatch.setattr(loading, "LIBRARY", tmp_path / "kernel.so")
        assert "kernel.so" in (load_anew() or "")

    def test_is_said_of_code_of_another_revision(
        self, library: Library, load_anew: Callable[[], str | None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # It could read and write where new code has nothing.
        assert library
        monkeypatch.setattr(compiled, "source_digest", lambda: "of later source")
        assert load_anew() == "it was compiled from other source: install isthmus again"

    def test_is_said_of_a_processor_without_the_instructions(
        self, library: Library, load_anew: Callable[[], str | None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert library

        class Code:
            def __init__(self, _path: str) -> None:
                self.usable = lambda: 0

        monkeypatch.setattr(ctypes, "CDLL", Code)
        assert load_anew() == "this processor has no AVX-512 IFMA"


class TestSelfTest:
    def test_passes_here(self, library: Library) -> None:
        assert self_test.failing(library) is None

    @pytest.mark.parametrize("limbs", [27, 40, 60])
    @pytest.mark.parametrize("name", NAMES)
    def test_finds_a_function_that_computes_wrongly(
        self, library: Library, name: str, limbs: int
    ) -> None:
        broken = {**library, limbs: replace(library[limbs], **{name: wrong(library[limbs], name)})}
        failing = self_test.failing(broken)
        assert failing is not None
        assert failing.endswith(f"of {limbs} limbs")

    def test_hands_over_to_gmpy2(
        self, library: Library, load_anew: Callable[[], str | None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = {**library, 40: replace(library[40], times=wrong(library[40], "times"))}
        monkeypatch.setattr(loading, "load", lambda _path: broken)
        with pytest.warns(RuntimeWarning, match="gmpy2 takes over: its self-test failed"):
            assert load_anew() == "its self-test failed: times of 40 limbs computes wrongly"
        assert keys.running("okamoto-uchiyama", "auto") == "gmpy2"
        with pytest.raises(SpecError, match="cannot run here: its self-test failed"):
            keys.running("okamoto-uchiyama", "kernel")


def wrong(functions: Functions, name: str) -> Function:
    """The function, with one bit of what it writes turned over."""
    right: Function = getattr(functions, name)

    def compute(constants: np.ndarray[Any, Any], out: np.ndarray[Any, Any], *rest: Any) -> None:
        right(constants, out, *rest)
        out.reshape(-1)[out.size // 2 // 8 * 8] ^= 1

    return compute
