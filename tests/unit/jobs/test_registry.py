"""What a row promises its module keeps, and each table belongs to one kind of job."""

import importlib
import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import isthmus
from isthmus.core import extras
from isthmus.core.errors import SpecError
from isthmus.core.extras import MissingExtraError
from isthmus.horizontal.system import RoundsSystem
from isthmus.jobs import registry
from isthmus.jobs.capabilities import ModelFamilyCode
from isthmus.jobs.load import load_job
from isthmus.jobs.plan import PartyFamilyCode
from isthmus.jobs.registry import FAMILIES, ROWS, Family, Row
from isthmus.system import (
    Describes,
    Exports,
    LocalSystem,
    NamesDatasets,
    Predicts,
    ScoresRows,
    Shares,
)
from isthmus.transport.message import Message
from isthmus.vertical.scoring_system import ScoringSystem
from isthmus.vertical.system import AlignedSystem, PlansAhead
from tests.unit.jobs.desk import Desk

SYSTEMS: Mapping[str, type] = {
    "aligned": AlignedSystem,
    "rounds": RoundsSystem,
    "local": LocalSystem,
}
"""What the family of a row asks of its module."""

KERNEL: Mapping[str, type] = {
    "aligned": PartyFamilyCode,
    "rounds": PartyFamilyCode,
    "local": ModelFamilyCode,
}
"""What the kernel asks of the module of a family."""


OPTIONAL: tuple[type, ...] = (NamesDatasets, Describes, Predicts, Exports, Shares, PlansAhead)
"""Functions that a system may have or not: of one organisation, and the last over columns."""


def promised(protocol: type) -> dict[str, Callable[..., Any]]:
    """The functions of a protocol, those that it takes over included, by name."""
    functions = dict[str, Callable[..., Any]]()
    for kind in reversed(protocol.__mro__):
        if kind.__module__.startswith("isthmus."):
            functions |= {n: f for n, f in vars(kind).items() if inspect.isfunction(f)}
    return {name: function for name, function in functions.items() if not name.startswith("_")}


def assert_keeps(module: ModuleType, protocol: type) -> None:
    """The module has every name of the protocol; its functions take the same arguments."""
    assert isinstance(module, protocol)
    for name, function in promised(protocol).items():
        _, *parameters = inspect.signature(function).parameters.values()  # but for self
        named = {each.name: None for each in parameters if each.kind is each.KEYWORD_ONLY}
        arguments = [None] * (len(parameters) - len(named))
        inspect.signature(getattr(module, name)).bind(*arguments, **named)


class TestRows:
    @pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.table))
    def test_lead_to_modules_that_are_systems_of_their_family(self, row: Row) -> None:
        system = registry.load_system(row)
        scores = isinstance(system, ScoresRows)
        assert_keeps(system, ScoringSystem if scores else SYSTEMS[row.family])

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.table))
    def test_have_further_functions_as_their_callers_call_them(self, row: Row) -> None:
        module = registry.load_system(row)
        for protocol in OPTIONAL:
            if any(hasattr(module, name) for name in promised(protocol)):
                assert row.family == ("aligned" if protocol is PlansAhead else "local")
                assert_keeps(module, protocol)

    @pytest.mark.parametrize("family", FAMILIES, ids=lambda family: str(family.name))
    def test_of_families_lead_to_modules_that_the_kernel_can_use(self, family: Family) -> None:
        assert_keeps(registry.load_family(family.name), KERNEL[family.name])

    def test_have_tables_and_families_of_their_own(self) -> None:
        tables = [row.table for row in ROWS] + [name for each in FAMILIES for name in each.tables]
        assert len(set(tables)) == len(tables)
        assert {row.family for row in ROWS} <= {family.name for family in FAMILIES}

    def test_name_extras_that_there_are(self) -> None:
        assert {row.extra for row in ROWS} - {None} <= extras.EXTRAS.keys()


class TestRowOf:
    def test_is_the_system_that_the_job_asks_for(self) -> None:
        found = registry.row_of({"alignment": object(), "boosting": object(), "regression": None})
        assert found is registry.row("boosting")

    def test_is_none_where_the_job_trains_nothing(self) -> None:
        assert registry.row_of({"alignment": object(), "regression": None}) is None

    def test_refuses_two_systems(self) -> None:
        with pytest.raises(SpecError, match=r"trains one thing, .* tables \[boosting\], \[encoder"):
            registry.row_of({"encoders": object(), "boosting": object()})


class TestNames:
    def test_of_systems_that_are_not_there_are_refused(self) -> None:
        with pytest.raises(SpecError, match="of a system 'forest', which this version does not h"):
            registry.row("forest")

    def test_of_families_that_are_not_there_are_refused(self) -> None:
        with pytest.raises(SpecError, match="of a family 'pairwise', which this version does not"):
            registry.family("pairwise")


class TestTables:
    """Of another family: nothing would come of one."""

    def test_of_one_organisation_are_refused_where_parties_align_rows(self, desk: Desk) -> None:
        desk.edit_job("[alignment]", '[datasets.people]\npath = "people.csv"\n\n[alignment]')
        with pytest.raises(
            SpecError, match=r"job\.toml: the table \[datasets\] belongs to a job with"
        ):
            load_job(desk.job)

    @pytest.mark.parametrize("job", ["examples/fusion/job.toml", "examples/health/alone.toml"])
    def test_of_aligned_columns_are_refused_where_nobody_aligns(
        self, job: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "job.toml"
        file.write_text(f'{Path(job).read_text()}\n[alignment]\nmethod = "cryptographic"\n')
        with pytest.raises(
            SpecError, match=r"job\.toml: the table \[alignment\] belongs to a job with"
        ):
            load_job(file)


class TestLoadSystem:
    def test_says_which_extra_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extras, "find_spec", lambda _: None)
        with pytest.raises(
            MissingExtraError, match=r"a job with the table \[weighting\] needs the extra `horiz"
        ):
            registry.load_system(registry.row("weighting"))

    def test_needs_no_extra_for_a_system_of_the_core(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extras, "find_spec", lambda _: None)
        assert registry.load_system(registry.row("regression")).NUMBERS_ONLY

    @pytest.mark.parametrize(
        ("table", "before", "policy"),
        [
            ("multitask", None, "PASSIVE"),
            ("multitask", "ACTIVE", "ACTIVE"),
            ("regression", None, None),
        ],
    )
    def test_tells_threads_of_pytorch_not_to_spin_unless_somebody_told_them(
        self, table: str, before: str | None, policy: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OMP_WAIT_POLICY", before or "")
        if before is None:
            monkeypatch.delenv("OMP_WAIT_POLICY")
        registry.load_system(registry.row(table))
        assert os.environ.get("OMP_WAIT_POLICY") == policy


class TestMessageModules:
    def test_are_all_that_declare_messages(self) -> None:
        package = Path(isthmus.__file__).parent
        files = [file.relative_to(package.parent) for file in package.rglob("messages.py")]
        declaring = {importlib.import_module(".".join(f.with_suffix("").parts)) for f in files}
        assert set(registry.message_modules()) == declaring
        assert all(any(_is_message(it) for it in vars(module).values()) for module in declaring)


def _is_message(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Message) and found is not Message
