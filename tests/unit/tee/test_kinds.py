"""Which library reads which evidence, and what is said where it is not installed."""

import sys

import pytest

import isthmus.tee
from isthmus.core.extras import MissingExtraError
from isthmus.tee import kinds
from isthmus.tee.evidence import Evidence, Kind
from tests.unit.tee.amd_pki import Amd
from tests.unit.tee.aws_pki import Aws
from tests.unit.tee.intel_pki import Intel

REPORT, DOCUMENT, QUOTE = Amd().evidence(), Aws().evidence(), Intel().evidence(Kind.SGX)
NEEDS = {"cbor2": "nitro", "dcap_qvl": "dcap"}


def uninstall(monkeypatch: pytest.MonkeyPatch, *libraries: str) -> None:
    for library in libraries:
        monkeypatch.setitem(sys.modules, library, None)
        forget(monkeypatch, NEEDS[library])


def forget(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Let the next import of a module of `isthmus.tee` load it once more."""
    monkeypatch.delitem(sys.modules, f"isthmus.tee.{module}", raising=False)
    monkeypatch.delattr(isthmus.tee, module, raising=False)


def named(library: str) -> str:
    """Pattern of a sentence that names a library and how to install it."""
    return (
        rf"^reading evidence of this kind needs the extra `tee`, and its module {library!r} is not "
        r"installed\..* `pip install '\.\[tee\]'`\.$"
    )


class TestKindOf:
    @pytest.mark.parametrize("evidence", [REPORT, DOCUMENT, QUOTE], ids=lambda e: e.kind.value)
    def test_is_told_by_the_form(self, evidence: Evidence) -> None:
        assert kinds.kind_of(evidence.document) is evidence.kind

    @pytest.mark.parametrize(
        ("missing", "evidence"), [("cbor2", QUOTE), ("dcap_qvl", DOCUMENT)], ids=["sgx", "nitro"]
    )
    def test_takes_no_library_but_that_of_the_evidence(
        self, missing: str, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        uninstall(monkeypatch, missing)
        assert kinds.kind_of(evidence.document) is evidence.kind

    @pytest.mark.parametrize(
        ("missing", "evidence"), [("cbor2", DOCUMENT), ("dcap_qvl", QUOTE)], ids=["nitro", "sgx"]
    )
    def test_names_the_library_that_is_missing(
        self, missing: str, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        uninstall(monkeypatch, missing)
        with pytest.raises(MissingExtraError, match=named(missing)):
            kinds.kind_of(evidence.document)

    def test_names_both_libraries_where_either_may_know(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        uninstall(monkeypatch, *NEEDS)
        both = r"the extra `tee`, and its modules 'cbor2' and 'dcap_qvl' are not installed\."
        with pytest.raises(MissingExtraError, match=both):
            kinds.kind_of(DOCUMENT.document)
        assert kinds.kind_of(REPORT.document) is Kind.SNP


class TestReader:
    @pytest.mark.parametrize(
        ("missing", "kind"),
        [("cbor2", Kind.NITRO), ("dcap_qvl", Kind.SGX), ("dcap_qvl", Kind.TDX)],
    )
    def test_names_the_library_that_is_missing(
        self, missing: str, kind: Kind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        uninstall(monkeypatch, *NEEDS)
        with pytest.raises(MissingExtraError, match=named(missing)):
            kinds.reader(kind)

    def test_does_not_blame_the_extra_for_another_module(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        forget(monkeypatch, "nitro")
        monkeypatch.setitem(sys.modules, "msgspec", None)
        with pytest.raises(ModuleNotFoundError, match="msgspec"):
            kinds.reader(Kind.NITRO)
