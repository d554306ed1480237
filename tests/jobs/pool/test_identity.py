"""Who the daemons run as."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from jobs.errors import SetupError
from jobs.pool.identity import daemon_prefix


def no_account(_: int) -> pwd.struct_passwd:
    """Answer as the account database does for an unknown number."""
    raise KeyError


def test_ordinary_user_runs_the_daemons_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account of its own is all that HTCondor asks for."""
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam("nobody").pw_uid)
    assert daemon_prefix() == []


@pytest.mark.parametrize("uid", [0, 54321])
def test_root_and_unknown_numbers_get_an_ordinary_users_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int
) -> None:
    """HTCondor refuses both, so the daemons see an account that this machine has and that is not root."""
    unshare = tmp_path / "unshare"
    unshare.write_text("#!/bin/sh\nexit 0\n")
    unshare.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(pwd, "getpwuid", no_account)
    prefix = daemon_prefix()
    mapped = next(int(option.removeprefix("--map-user=")) for option in prefix if option.startswith("--map-user="))
    assert prefix[:2] == [str(unshare), "--user"]
    assert mapped != 0
    assert mapped in {account.pw_uid for account in pwd.getpwall()}


def test_machine_that_forbids_user_namespaces_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's words and the way out are in the error."""
    unshare = tmp_path / "unshare"
    unshare.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    unshare.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SetupError, match=r"Operation not permitted.*ordinary user"):
        daemon_prefix()
