"""What is said where a library of an extra is not installed."""

import pytest

from isthmus.core import extras
from isthmus.core.extras import EXTRAS, MissingExtraError

EVERY_MODULE = [(extra, module) for extra, modules in EXTRAS.items() for module in modules]
each_module = pytest.mark.parametrize(("extra", "module"), EVERY_MODULE)


def sentence(extra: str, module: str) -> str:
    return (
        f"it needs the extra `{extra}`, and its module {module!r} is not installed. In a checkout "
        f"of isthmus, run `pip install '.[{extra}]'`."
    )


class TestRequire:
    @each_module
    def test_names_the_extra_of_a_module_that_is_not_installed(
        self, extra: str, module: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(extras, "find_spec", lambda name: None if name == module else name)
        with pytest.raises(MissingExtraError) as caught:
            extras.require(extra, "it")
        assert str(caught.value) == sentence(extra, module)
        assert caught.value.exit_code == 2

    @pytest.mark.parametrize("extra", [None, *EXTRAS])
    def test_lets_pass_what_is_installed(
        self, extra: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(extras, "find_spec", lambda name: name)
        extras.require(extra, "it")


class TestAdvised:
    @each_module
    @pytest.mark.parametrize("below", ["", ".below"])
    def test_names_the_extra_of_a_module_that_cannot_be_imported(
        self, extra: str, module: str, below: str
    ) -> None:
        name = f"{module}{below}"
        with pytest.raises(MissingExtraError) as caught, extras.advised("it"):
            raise ModuleNotFoundError(name=name)
        assert str(caught.value) == sentence(extra, name)

    def test_does_not_blame_an_extra_for_another_module(self) -> None:
        with pytest.raises(ModuleNotFoundError, match="msgspec"), extras.advised("it"):
            raise ModuleNotFoundError("No module named 'msgspec'", name="msgspec")

    def test_does_not_blame_an_extra_for_a_library_that_is_broken(self) -> None:
        with pytest.raises(ImportError, match="libtorch") as caught, extras.advised("it"):
            raise ImportError("libtorch.so: cannot open shared object file", name="torch")
        assert not isinstance(caught.value, MissingExtraError)


class TestAdvice:
    def test_names_several_modules_of_an_extra(self) -> None:
        assert extras.advice("it", "cbor2", "dcap_qvl") == (
            "it needs the extra `tee`, and its modules 'cbor2' and 'dcap_qvl' are not installed. "
            "In a checkout of isthmus, run `pip install '.[tee]'`."
        )
