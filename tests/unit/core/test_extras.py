"""What is said where a library of an extra is not installed."""

import pytest

from isthmus.core import extras
from isthmus.core.extras import EXTRAS, ON_DEMAND, MissingExtraError

EVERY_MODULE = [(extra, module) for extra, modules in EXTRAS.items() for module in modules]
each_module = pytest.mark.parametrize(("extra", "module"), EVERY_MODULE)


def sentence(extra: str, module: str) -> str:
    return (
        f"it needs the extra `{extra}`, and its module {module!r} is not installed. In a checkout "
        f"of isthmus, run `pip install '.[{extra}]'`."
    )


class TestRequire:
    @pytest.mark.parametrize(
        ("extra", "module"), [each for each in EVERY_MODULE if each[1] not in ON_DEMAND]
    )
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

    @pytest.mark.parametrize("module", sorted(ON_DEMAND))
    def test_leaves_it_to_some_jobs_to_ask_for_what_only_they_need(
        self, module: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(extras, "find_spec", lambda name: None if name == module else name)
        for extra in EXTRAS:
            extras.require(extra, "it")
        with pytest.raises(MissingExtraError, match=f"module {module!r} is not installed"):
            extras.require_module(module, "it")


class TestAdvised:
    @each_module
    @pytest.mark.parametrize("below", ["", ".below"])
    def test_names_the_extra_of_a_module_that_cannot_be_imported(
        self, extra: str, module: str, below: str
    ) -> None:
        name = f"{module}{below}"
        with pytest.raises(MissingExtraError) as caught, extras.advised("it", extra):
            raise ModuleNotFoundError(name=name)
        assert str(caught.value) == sentence(extra, name)

    def test_names_one_extra_that_brings_the_module_where_none_is_preferred(self) -> None:
        with pytest.raises(MissingExtraError, match="extra `horizontal`"), extras.advised("it"):
            raise ModuleNotFoundError(name="torch")

    def test_names_no_extra_that_does_not_bring_the_module(self) -> None:
        with (
            pytest.raises(MissingExtraError, match="extra `tee`"),
            extras.advised("it", "paramserver"),
        ):
            raise ModuleNotFoundError(name="cbor2")

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
