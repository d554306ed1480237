"""Who runs an embedded pool: never root, and nobody without the pool's own secret.

HTCondor refuses the jobs of root. A user namespace in which root has an ordinary user's number is enough to satisfy
it: inside, the daemons and the jobs are that user; outside, everything that they write is root's. An ordinary user
needs none of this. Who may submit is settled by a token, signed with a key that only this pool has.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from typing import TYPE_CHECKING

from jobs.errors import SetupError
from jobs.pool.config import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jobs.pool.config import PoolFiles
    from jobs.pool.htcondor import HTCondor

__all__ = ["JOB_OWNER", "daemon_prefix", "make_identity"]

JOB_OWNER = "sonicgrid"


def daemon_prefix() -> list[str]:
    """Return what must stand before a daemon's command line: nothing, or the way into a user namespace.

    It takes the namespace for root, and for a number that no account has, as containers are often started with.

    Raises:
        SetupError: it takes a user namespace and this machine forbids them.
    """
    if os.geteuid() != 0 and _has_account(os.geteuid()):
        return []
    unshare = shutil.which("unshare")
    if unshare is None:
        raise SetupError("HTCondor refuses root, and unshare (package util-linux) is not there: run this as a user")
    user = _ordinary_user()
    prefix = [unshare, "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}"]
    tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        message = f"HTCondor refuses root, and this machine forbids user namespaces: {tried.stderr.strip()}"
        raise SetupError(f"{message} (run this as an ordinary user)")
    return prefix


def _has_account(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _ordinary_user() -> pwd.struct_passwd:
    """Return any account but root's: HTCondor looks its number up, and nothing more."""
    accounts = [account for account in pwd.getpwall() if account.pw_uid != 0]
    people = [account for account in accounts if 1000 <= account.pw_uid < 60000]
    if not accounts:
        raise SetupError(
            "HTCondor refuses jobs of root, and /etc/passwd has no other account: add one, or run as a user"
        )
    return (people or accounts)[0]


def make_identity(files: PoolFiles, htcondor: HTCondor, prefix: list[str], environment: Mapping[str, str]) -> None:
    """Make the pool's signing key and its user's token, both 0600, unless they are there.

    Args:
        files: the pool's folder; its daemon configuration must be written.
        htcondor: the installation that the pool runs.
        prefix: of a daemon's command line, see `daemon_prefix`.
        environment: of a daemon.

    Raises:
        SetupError: HTCondor cannot sign a token.
    """
    for folder in (files.signing_key.parent, files.tokens):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    token = files.tokens / JOB_OWNER
    if not files.signing_key.exists():
        _write_secret(files.signing_key, secrets.token_urlsafe(48))
        token.unlink(missing_ok=True)
    if token.exists():
        return
    command = [*prefix, str(htcondor.bin / "condor_token_create"), "-identity", f"{JOB_OWNER}@{DOMAIN}"]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout.strip():
        raise SetupError(f"HTCondor cannot sign the token of the pool in {files.folder}: {done.stderr.strip()}")
    _write_secret(token, done.stdout)


def _write_secret(path: Path, content: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    temporary = path.parent.parent / f"{path.name}.tmp"
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        handle.write(content)
    temporary.replace(path)
