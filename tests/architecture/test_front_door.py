"""What a fresh machine can do: the core alone runs every core job, and each extra stands alone.

Machines that test have all extras, so a core path that needs one of them looks healthy there. Here
a path finder takes the place of a machine without them: it finds no module of any extra.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from isthmus.core.extras import EXTRAS, ON_DEMAND
from isthmus.jobs import examples
from isthmus.jobs.registry import FAMILIES, ROWS

ROOT = Path(__file__).parents[2]
HEALTH = ROOT / "examples/health"
JOBS = {
    "regression": HEALTH / "job.toml",
    "boosting": HEALTH / "boosting.toml",
    "baseline": HEALTH / "alone.toml",
    "encoders": ROOT / "examples/encoder/job.toml",
    "weighting": ROOT / "examples/fusion/job.toml",
    "multilingual": ROOT / "examples/multilingual/job.toml",
    "multitask": ROOT / "examples/ads/job.toml",
}
"""An example of each system."""

EXTRA = {row.table: row.extra for row in ROWS}
BRINGS = {"export": {"paramserver"}, "flower": {"horizontal"}, "paramserver": {"ray"}}
"""Extras that an extra brings."""

AFTER_TRAINING = {"prediction"}
"""Systems whose jobs name a run of this machine, so that no example is one."""

CORE = [row.table for row in ROWS if row.extra is None and row.table not in AFTER_TRAINING]
OTHERS = [row.table for row in ROWS if row.extra is not None]

WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
import importlib.util as util
find = util.find_spec
util.find_spec = lambda name, package=None: (
    None if name.partition(".")[0] in {missing} else find(name, package)
)
"""


def without(modules: Sequence[str], code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that finds none of these modules."""
    whole = WITHOUT.format(missing=set(modules) or "set()") + code
    return subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", whole], capture_output=True, text=True, check=False, cwd=ROOT
    )


def command(*arguments: object) -> str:
    """Code that runs a command."""
    return f"from isthmus.cli.main import execute; sys.exit(execute({list(map(str, arguments))}))"


class Ended(NamedTuple):
    """What came of a command."""

    code: int
    out: str
    err: str


COMMANDS = """
import io, json
from contextlib import redirect_stderr, redirect_stdout
from isthmus.cli.main import execute
told = []
for words in {commands}:
    out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = execute(words)
    told.append((code, *(each.buffer.getvalue().decode() for each in (out, err))))
print(json.dumps(told))
"""


def each_without(modules: Sequence[str], commands: Sequence[Sequence[object]]) -> list[Ended]:
    """Run commands one after the other where none of these modules is found.

    They share one interpreter: starting it takes longer than most of them.
    """
    words = [list(map(str, arguments)) for arguments in commands]
    ended = without(modules, COMMANDS.format(commands=words))
    assert ended.returncode == 0, ended.stderr
    return [Ended(*each) for each in json.loads(ended.stdout)]


ALL = sorted({module for modules in EXTRAS.values() for module in modules})


class TestCore:
    def test_is_tried_with_an_example_of_every_system(self) -> None:
        assert JOBS.keys() == {row.table for row in ROWS} - AFTER_TRAINING

    def test_loads_the_kernel_all_families_and_every_core_system(self) -> None:
        rows = [row for row in ROWS if row.extra is None]
        modules = [row.module for row in rows] + [
            family.module for family in FAMILIES if family.name in {row.family for row in rows}
        ]
        kernel = ("load", "check", "explain", "run", "simulate", "report", "finished", "examples")
        modules += [f"isthmus.jobs.{name}" for name in kernel]
        modules += [
            row.module.replace("system", "outcome") for row in rows if row.family != "local"
        ]
        code = "import importlib\n" + "".join(f"importlib.import_module({m!r})\n" for m in modules)
        ended = without(ALL, code)
        assert ended.returncode == 0, ended.stderr

    @pytest.mark.parametrize("file", ["job", "party"])
    def test_shows_every_key_of_a_file(self, file: str) -> None:
        ended = without(ALL, command("schema", file))
        assert ended.returncode == 0, ended.stderr
        assert not ended.stderr

    def test_explains_each_health_job_to_each_party(self) -> None:
        commands = [
            ("explain", HEALTH / f"{job}.toml", "--party", HEALTH / party / "party.toml", "--json")
            for job in ("job", "boosting", "attested")
            for party in ("clinic", "insurer")
        ]
        for ended in each_without(ALL, commands):
            assert ended.code == 0, ended.err
            assert json.loads(ended.out)["flows"]

    def test_trains_alone(self, tmp_path: Path) -> None:
        ended = without(ALL, command("run", JOBS["baseline"], "--into", tmp_path / "run", "--json"))
        assert ended.returncode == 0, ended.stderr
        assert 0.5 < json.loads(ended.stdout)["metrics"]["auc"]["model"] < 1

    @pytest.mark.parametrize("verb", ["check", "simulate"])
    def test_says_which_extra_another_job_needs_before_anything_is_made(
        self, verb: str, tmp_path: Path
    ) -> None:
        runs = ["--runs", tmp_path / "runs"] if verb == "simulate" else []
        found = each_without(ALL, [(verb, JOBS[table], *runs) for table in OTHERS])
        for table, ended in zip(OTHERS, found, strict=True):
            assert ended.code == 2, table
            assert one_sentence(ended.err, EXTRA[table])
        assert not (tmp_path / "runs").exists()

    @pytest.mark.parametrize(
        ("template", "extra"),
        [("encoder", "horizontal"), ("ads", "paramserver"), ("multilingual", "multilingual")],
    )
    def test_makes_no_folder_of_an_example_that_cannot_run(
        self, template: str, extra: str, tmp_path: Path
    ) -> None:
        ended = without(ALL, command("init", template, tmp_path / "trial"))
        assert ended.returncode == 2
        assert one_sentence(ended.stderr, extra)
        assert not (tmp_path / "trial").exists()

    def test_says_which_extra_reads_evidence(self) -> None:
        evidence = ROOT / "pyproject.toml"  # of no kind that the core knows
        ended = without(ALL, command("tee", "inspect", evidence))
        assert ended.returncode == 2
        assert "Traceback" not in ended.stderr


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An example of each system, with its data."""
    made = examples.make("ads", tmp_path_factory.mktemp("ads") / "made").job
    return JOBS | {"multitask": made}


class TestEachExtraAlone:
    @pytest.mark.parametrize("extra", EXTRAS)
    def test_runs_its_own_jobs_and_names_the_extra_of_the_others(
        self, extra: str, jobs: dict[str, Path]
    ) -> None:
        own = {extra} | BRINGS.get(extra, set())
        installed = {module for name in own for module in EXTRAS[name]}
        tables = [*CORE, *OTHERS]
        found = each_without(
            sorted(set(ALL) - installed), [("check", jobs[table]) for table in tables]
        )
        for table, ended in zip(tables, found, strict=True):
            if table in CORE or EXTRA[table] in own:
                assert ended.code == 0, (table, ended.err)
            else:
                assert ended.code == 2, table
                assert one_sentence(ended.err, EXTRA[table])

    @pytest.mark.parametrize("module", sorted(ON_DEMAND))
    def test_runs_jobs_that_do_without_what_only_some_need(
        self, module: str, jobs: dict[str, Path]
    ) -> None:
        ended = without([module], command("check", jobs["multitask"]))
        assert ended.returncode == 0, ended.stderr

    def test_of_flower_is_named_where_a_party_file_asks_for_it(self, tmp_path: Path) -> None:
        party = tmp_path / "party.toml"
        party.write_text('party = "hub"\nengine = "flower"\n\n[flower]\nconnection = "here"\n')
        ended = without(EXTRAS["flower"], command("check", JOBS["encoders"], "--party", party))
        assert ended.returncode == 2
        assert one_sentence(ended.stderr, "flower")


class TestExtras:
    def test_are_those_of_the_package(self) -> None:
        declared = project()["optional-dependencies"]
        assert set(EXTRAS) <= set(declared)
        assert {row.extra for row in ROWS} - {None} <= set(EXTRAS)

    def test_bring_others_as_the_package_says(self) -> None:
        declared = project()["optional-dependencies"]
        found = {
            extra: {
                name for each in declared[extra] for name in re.findall(r"isthmus\[(\w+)\]", each)
            }
            for extra in EXTRAS
        }
        assert {extra: brought for extra, brought in found.items() if brought} == BRINGS

    @pytest.mark.parametrize(
        "page", ["README.md", "CONTRIBUTING.md", *map(str, ROOT.glob("docs/**/*.md"))]
    )
    def test_are_installed_from_a_checkout_wherever_a_page_says_how(self, page: str) -> None:
        assert "'isthmus[" not in (ROOT / page).read_text()
        assert '"isthmus[' not in (ROOT / page).read_text()

    def test_are_installed_from_a_checkout_wherever_the_code_says_how(self) -> None:
        for file in (ROOT / "src").rglob("*.py"):
            assert "pip install 'isthmus" not in file.read_text(), file


def one_sentence(said: str, extra: str | None) -> bool:
    """Whether an error is one line that names the extra and the command that brings it."""
    (line,) = said.strip().splitlines()
    return f"`{extra}`" in line and f"pip install '.[{extra}]'" in line


def project() -> dict[str, Any]:
    """The table [project] of the package."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found
