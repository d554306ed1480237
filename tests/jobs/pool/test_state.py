"""What is remembered of a pool, and which pool commands use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs.errors import PoolError, SetupError
from jobs.pool.client import client_command, client_environment, enter_pool, pool_environment
from jobs.pool.folders import pool_folder
from jobs.pool.state import PoolState, find_pool, read_state, write_state


@pytest.fixture(autouse=True)
def no_pool_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests decide alone which pool there is."""
    for name in ("CONDOR_CONFIG", "SONICGRID_POOL", "SONICGRID_RUNTIME"):
        monkeypatch.delenv(name, raising=False)


def make_state(folder: Path) -> PoolState:
    """Write and return the state of a pool that was up."""
    folder.mkdir(parents=True, exist_ok=True)
    state = PoolState(
        folder=str(folder),
        condor_config=str(folder / "condor" / "client_config"),
        condor_bin="/opt/condor/bin",
        condor_libexec="/opt/condor/libexec",
        condor_version="23.9.6",
        port=5000,
        user="sonicgrid",
        sites={"FNAL": 8},
        endpoints=["127.0.0.1:6000"],
        servers=2,
    )
    write_state(state)
    return state


def test_state_survives_the_file(tmp_path: Path) -> None:
    """What is read is what was written, and no other file is left."""
    state = make_state(tmp_path)
    assert read_state(tmp_path) == state
    assert [path.name for path in tmp_path.iterdir()] == ["pool.json"]


@pytest.mark.parametrize("text", ["", "{", '{"folder": 3}'])
def test_broken_state_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    """The file is named, with what to do."""
    (tmp_path / "pool.json").write_text(text)
    with pytest.raises(SetupError, match=r"pool\.json.*pool down"):
        read_state(tmp_path)


def test_folder_comes_from_argument_then_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument wins over SONICGRID_POOL, that over the runtime folder."""
    monkeypatch.setenv("SONICGRID_RUNTIME", str(tmp_path / "runtime"))
    assert pool_folder() == tmp_path / "runtime" / "pool"
    monkeypatch.setenv("SONICGRID_POOL", str(tmp_path / "a"))
    assert pool_folder() == tmp_path / "a"
    assert pool_folder(tmp_path / "b") == tmp_path / "b"


def test_no_pool_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no embedded pool was ever made, jobs go to the user's own HTCondor."""
    monkeypatch.setenv("SONICGRID_RUNTIME", str(tmp_path))
    assert find_pool() is None


def test_users_own_htcondor_wins_unless_the_pool_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A foreign CONDOR_CONFIG hides the default pool, not one that SONICGRID_POOL names, and never itself."""
    monkeypatch.setenv("SONICGRID_RUNTIME", str(tmp_path))
    state = make_state(tmp_path / "pool")
    assert find_pool() == state
    monkeypatch.setenv("CONDOR_CONFIG", "/etc/condor/condor_config")
    assert find_pool() is None
    monkeypatch.setenv("CONDOR_CONFIG", state.condor_config)
    assert find_pool() == state
    monkeypatch.setenv("CONDOR_CONFIG", "/etc/condor/condor_config")
    monkeypatch.setenv("SONICGRID_POOL", str(tmp_path / "pool"))
    assert find_pool() == state


def test_clients_environment_keeps_foreign_settings_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool's configuration is set, HTCondor's overriding variables are gone, in any case of letters."""
    state = make_state(tmp_path)
    monkeypatch.setenv("_CONDOR_COLLECTOR_HOST", "elsewhere")
    monkeypatch.setenv("_condor_schedd_host", "elsewhere")
    monkeypatch.setenv("_CONDOR_SCRATCH_DIR", "/scratch")
    found = client_environment(tmp_path)
    assert found["CONDOR_CONFIG"] == state.condor_config
    assert found["PATH"].split(":")[0] == state.condor_bin
    assert {name for name in found if name.upper().startswith("_CONDOR_")} == {"_CONDOR_SCRATCH_DIR"}


def test_path_does_not_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTCondor's folder is put on PATH once, however often a process enters the pool."""
    state = make_state(tmp_path)
    monkeypatch.setenv("PATH", f"/usr/bin:{state.condor_bin}")
    assert pool_environment(tmp_path)["PATH"] == f"/usr/bin:{state.condor_bin}"


def test_commands_are_the_pools_own(tmp_path: Path) -> None:
    """A command runs from the pool's HTCondor, with its arguments as they are."""
    make_state(tmp_path)
    assert client_command(tmp_path, ["condor_q", "-af", "a b"]) == ["/opt/condor/bin/condor_q", "-af", "a b"]


def test_asking_for_a_pool_that_never_was_says_how_to_start_one(tmp_path: Path) -> None:
    """The error names the folder and the command."""
    with pytest.raises(PoolError, match="sonicgrid pool up"):
        client_environment(tmp_path)


def test_entering_no_pool_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the user's own HTCondor the process stays as it was."""
    monkeypatch.setenv("SONICGRID_RUNTIME", str(tmp_path))
    monkeypatch.setenv("_CONDOR_TOOL_DEBUG", "D_FULLDEBUG")
    assert enter_pool() is None
    assert "CONDOR_CONFIG" not in os.environ
    assert os.environ["_CONDOR_TOOL_DEBUG"] == "D_FULLDEBUG"
