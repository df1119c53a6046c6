"""The files in `deploy` can be read, and start the program that there is."""

import configparser
import importlib.util
import re
import shlex
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

from tests.docs.reader import ROOT

DEPLOY = ROOT / "deploy"
GUIDE = (ROOT / "docs/guides/enclaves.md").read_text()
PROGRAM = ["-S", "-P", "-m", "isthmus.alignment.attested"]
DEFINED = dict(re.findall(r"-D(\w+)=(\S+)", GUIDE))
"""What the guide gives the manifest."""

GRAMINE = SimpleNamespace(libos="/gramine/libsysdb.so", runtimedir=lambda: "/gramine/lib")


@pytest.fixture(scope="module", name="manifest")
def make_manifest() -> dict[str, Any]:
    text = (DEPLOY / "gramine/isthmus-enclave.manifest.template").read_text()
    strict = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - TOML
    return tomllib.loads(strict.from_string(text).render(gramine=GRAMINE, **DEFINED))


def unit(name: str) -> configparser.ConfigParser:
    """A systemd unit; of keys that occur twice the last one."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keys as they are written
    parser.read_string((DEPLOY / "vm" / name).read_text())
    return parser


def instruction(name: str) -> str:
    """The last instruction of its kind in the Dockerfile of Nitro, in one line."""
    text = (DEPLOY / "nitro/Dockerfile").read_text().replace("\\\n", " ")
    found: list[str] = re.findall(rf"^{name} (.*)$", text, re.MULTILINE)
    return found[-1]


class TestProgram:
    def test_is_there(self) -> None:
        assert importlib.util.find_spec(f"{PROGRAM[-1]}.__main__")

    def test_is_what_each_of_them_starts(self, manifest: dict[str, Any]) -> None:
        assert manifest["loader"]["argv"] == [DEFINED["entrypoint"], *PROGRAM]
        service = unit("isthmus-enclave@.service")["Service"]
        assert shlex.split(service["ExecStart"])[1:] == PROGRAM
        assert f"EXEC:python3 {' '.join(PROGRAM)}" in instruction("CMD")

    def test_finds_only_pinned_libraries(self) -> None:
        lines = (DEPLOY / "requirements.txt").read_text().splitlines()
        wanted = [line.partition("#")[0].strip() for line in lines]
        pinned = (ROOT / "constraints.txt").read_text()
        assert [name for name in wanted if name and f"\n{name}==" not in pinned] == []


class TestGramine:
    def test_is_no_debug_enclave_and_attests(self, manifest: dict[str, Any]) -> None:
        assert manifest["sgx"]["debug"] is False
        assert manifest["sgx"]["remote_attestation"] == "dcap"

    def test_lets_nothing_of_the_host_in(self, manifest: dict[str, Any]) -> None:
        assert "allowed_files" not in manifest["sgx"]
        assert not [key for key in manifest["loader"] if key.startswith("insecure")]
        assert all(isinstance(value, str) for value in manifest["loader"]["env"].values())

    def test_trusts_all_that_it_mounts(self, manifest: dict[str, Any]) -> None:
        mounted = {mount["uri"] for mount in manifest["fs"]["mounts"] if "uri" in mount}
        trusted = {uri.rstrip("/") for uri in manifest["sgx"]["trusted_files"]}
        assert mounted <= trusted


class TestVirtualMachine:
    def test_line_is_standard_input_and_output_of_the_program(self) -> None:
        service = unit("isthmus-enclave@.service")["Service"]
        assert service["StandardInput"] == service["StandardOutput"] == "socket"
        assert service["StandardError"] == "journal"
        assert unit("isthmus-enclave.socket")["Socket"]["Accept"] == "yes"


class TestLine:
    def test_is_where_the_guide_lets_the_party_call(self) -> None:
        listening = unit("isthmus-enclave.socket")["Socket"]["ListenStream"].rpartition(":")[2]
        assert f"VSOCK-LISTEN:{listening}," in instruction("CMD")
        assert set(re.findall(r"VSOCK-CONNECT:\d+:(\d+)", GUIDE)) == {listening}


class TestNitro:
    @pytest.mark.parametrize("path", ["constraints.txt", "deploy/requirements.txt", "src"])
    def test_image_is_built_from_what_docker_may_see(self, path: str) -> None:
        ignored = (DEPLOY / "nitro/Dockerfile.dockerignore").read_text().splitlines()
        assert "*" in ignored
        assert f"!{path}" in ignored
        assert Path(ROOT / path).exists()
