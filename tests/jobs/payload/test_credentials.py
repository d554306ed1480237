"""A site names files for all its workers; each job finds its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.block import SiteAccess, TlsFiles
from jobs.payload.credentials import find_credentials
from sonic.credentials import Credentials
from sonic.errors import CredentialsUnusable


def access(tls: TlsFiles | None = None, token_file: str | None = None) -> SiteAccess:
    """How a site's jobs reach the pool."""
    return SiteAccess(endpoints=("a:1",), wire_format="patches", tls=tls, token_file=token_file)


def test_without_keys_there_is_nothing_to_show() -> None:
    """No TLS and no token unless the site says so; an empty `tls` is TLS with what the worker trusts."""
    assert find_credentials(access()) == Credentials()
    assert find_credentials(access(TlsFiles())) == Credentials(tls=True)


def test_variables_are_the_jobs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTCondor gives each job another folder for its credentials, and both ways of writing a variable are known."""
    monkeypatch.setenv("_CONDOR_CREDS", "/scratch/dir_7/creds")
    monkeypatch.setenv("PILOT", "/pilot")
    tls = TlsFiles(ca="/cvmfs/ca.pem", certificate="${PILOT}/cert.pem", key="$PILOT/key.pem")
    assert find_credentials(access(tls, "$_CONDOR_CREDS/pool.use")) == Credentials(
        ca_file=Path("/cvmfs/ca.pem"),
        certificate_file=Path("/pilot/cert.pem"),
        key_file=Path("/pilot/key.pem"),
        token_file=Path("/scratch/dir_7/creds/pool.use"),
        tls=True,
    )


@pytest.mark.parametrize("written", ["$NOT_HERE/token", "${NOT_HERE}/token", "/a/$NOT_HERE"])
def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    """Another worker may have it, so the job must not go on to ask with a file of that odd name."""
    monkeypatch.delenv("NOT_HERE", raising=False)
    with pytest.raises(CredentialsUnusable, match=r"token_file .* NOT_HERE|token_file .*\$\{?NOT_HERE"):
        find_credentials(access(TlsFiles(), written))
