"""When HTCondor is installed, and from where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.errors import SetupError
from jobs.pool import install as module
from jobs.pool.htcondor import SYSTEM_FOLDERS, htcondor_on_path
from jobs.pool.install import STAMP, install, installed
from sonic.errors import SetupFailed


def make_htcondor(prefix: Path, version: str = "24.0.1") -> None:
    """Make a folder that looks like an installation of HTCondor."""
    for program in ("usr/bin/condor_version", "usr/bin/condor_config_val", "usr/sbin/condor_master"):
        path = prefix / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho '$CondorVersion: {version} 2026-01-01 $'\n")
        path.chmod(0o755)
    shared_port = prefix / "usr/libexec/condor/condor_shared_port"
    shared_port.parent.mkdir(parents=True)
    shared_port.touch()


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HTCondor on PATH, nor where systems put it, and no way to get one."""

    def fetch(*_: object, **__: object) -> dict[str, str]:
        raise SetupFailed("the mirror does not answer")

    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(module, "htcondor_on_path", lambda: None)
    monkeypatch.setattr(module, "fetch_debian_packages", fetch)
    monkeypatch.setattr(module, "_patchelf", lambda: "patchelf")


@pytest.mark.skipif(
    any((Path(folder) / "condor_master").exists() for folder in SYSTEM_FOLDERS), reason="this machine has HTCondor"
)
def test_htcondor_on_path_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site's own installation is found and nothing is installed beside it."""
    make_htcondor(tmp_path / "site")
    monkeypatch.setenv("PATH", f"{tmp_path}/site/usr/bin:{tmp_path}/site/usr/sbin:/usr/bin:/bin")
    found = install(tmp_path / "runtime", lambda line: pytest.fail(line))
    assert found == htcondor_on_path()
    assert (found.release, found.version) == (tmp_path / "site/usr", "24.0.1")
    assert not (tmp_path / "runtime").exists()


@pytest.mark.usefixtures("bare_machine")
def test_complete_installation_is_kept(tmp_path: Path) -> None:
    """With the stamp of this very place nothing is fetched."""
    make_htcondor(tmp_path / "htcondor")
    (tmp_path / "htcondor" / STAMP).write_text(json.dumps({"prefix": str(tmp_path / "htcondor")}))
    found = installed(tmp_path)
    assert found is not None
    assert install(tmp_path, lambda line: pytest.fail(line)) == found


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize("stamp", [None, "", '{"prefix": "/somewhere/else/htcondor"}'])
def test_interrupted_or_moved_installation_is_made_again(tmp_path: Path, stamp: str | None) -> None:
    """Without a stamp, with a torn one, or in a folder that was moved, the programs cannot be trusted to run."""
    make_htcondor(tmp_path / "htcondor")
    if stamp is not None:
        (tmp_path / "htcondor" / STAMP).write_text(stamp)
    assert installed(tmp_path) is None
    with pytest.raises(SetupError, match="not on PATH and cannot be fetched: the mirror does not answer"):
        install(tmp_path, lambda _: None)
    assert installed(tmp_path) is None
