"""The files with which a job shows the inference pool who it is, as they are called on this worker.

A site config names them once for all its workers, but HTCondor puts credentials into another folder for each job: so a
path may begin with a variable, which only the job itself can fill in. What is in the files never leaves them here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from sonic.credentials import Credentials
from sonic.errors import CredentialsUnusable

if TYPE_CHECKING:
    from jobs.block import SiteAccess

__all__ = ["find_credentials"]

_VARIABLE = re.compile(r"\$(?:\w+|\{[^}]*\})")


def find_credentials(access: SiteAccess) -> Credentials:
    """Return the files that a site's jobs use, with the variables of this process's environment filled in.

    Raises:
        CredentialsUnusable: a path needs a variable that is not set here.

    """
    tls = access.tls
    return Credentials(
        ca_file=_here("tls.ca", tls.ca) if tls else None,
        certificate_file=_here("tls.certificate", tls.certificate) if tls else None,
        key_file=_here("tls.key", tls.key) if tls else None,
        token_file=_here("token_file", access.token_file),
        tls=tls is not None,
    )


def _here(key: str, written: str | None) -> Path | None:
    if written is None:
        return None
    path = os.path.expandvars(written)
    missing = _VARIABLE.search(path)
    if missing:
        message = (
            f"{key} of the site config is {written}, and {missing[0]} is not set on this worker; "
            f"have HTCondor send the credential with the job, or write the path as workers see it"
        )
        raise CredentialsUnusable(message)
    return Path(path)
