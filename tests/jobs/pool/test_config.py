"""The text that HTCondor gets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs.errors import SetupError
from jobs.pool.config import PoolFiles, client_config, daemon_config
from jobs.pool.htcondor import HTCondor

HTCONDOR = HTCondor(
    release=Path("/opt/condor"),
    bin=Path("/opt/condor/bin"),
    sbin=Path("/opt/condor/sbin"),
    libexec=Path("/opt/condor/libexec"),
    version="23.9.6",
)
FILES = PoolFiles(Path("/data/my pool"))


def settings(text: str) -> dict[str, str]:
    """Return what HTCondor makes of a text: the last value of each name."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def test_client_cannot_reach_the_signing_key() -> None:
    """Nothing in the clients' configuration leads to the key that makes daemons' tokens."""
    assert str(FILES.signing_key.parent) not in client_config(FILES, HTCONDOR, 5000)
    assert settings(daemon_config(FILES, HTCONDOR, 5000, {"local": 1}))["SEC_TOKEN_POOL_SIGNING_KEY_FILE"] == str(
        FILES.signing_key
    )


def test_everything_listens_on_loopback_and_on_the_pools_port() -> None:
    """No address but loopback's appears, and collector and shared port agree on the port."""
    found = settings(daemon_config(FILES, HTCONDOR, 5000, {"local": 1}))
    assert found["COLLECTOR_HOST"] == "127.0.0.1:5000"
    assert found["SHARED_PORT_PORT"] == "5000"
    assert (found["NETWORK_INTERFACE"], found["BIND_ALL_INTERFACES"]) == ("127.0.0.1", "False")
    assert found["SEC_DEFAULT_AUTHENTICATION"] == "REQUIRED"


def test_whoever_speaks_with_a_daemon_shows_a_token_and_is_not_overheard() -> None:
    """Authentication by tokens, integrity and encryption are required of clients and daemons alike."""
    for text in (client_config(FILES, HTCONDOR, 5000), daemon_config(FILES, HTCONDOR, 5000, {"local": 1})):
        found = settings(text)
        assert found["SEC_DEFAULT_AUTHENTICATION"] == "REQUIRED"
        assert found["SEC_DEFAULT_AUTHENTICATION_METHODS"] == found["SEC_CLIENT_AUTHENTICATION_METHODS"] == "IDTOKENS"
        assert found["SEC_DEFAULT_INTEGRITY"] == found["SEC_DEFAULT_ENCRYPTION"] == "REQUIRED"


def test_every_site_gets_its_slots() -> None:
    """Each site is a slot type of its own that advertises its name; cores and memory cover them all."""
    found = settings(daemon_config(FILES, HTCONDOR, 5000, {"FNAL": 8, "CERN": 4}))
    assert (found["NUM_SLOTS_TYPE_1"], found["SLOT_TYPE_1_GLIDEIN_Site"]) == ("8", '"FNAL"')
    assert (found["NUM_SLOTS_TYPE_2"], found["SLOT_TYPE_2_GLIDEIN_Site"]) == ("4", '"CERN"')
    assert int(found["NUM_CPUS"]) == 12
    slot_mb = int(re.sub(r".*mem=", "", found["SLOT_TYPE_1"]))
    assert slot_mb >= 1500
    assert int(found["MEMORY"]) >= 12 * slot_mb


def test_no_other_configuration_is_read() -> None:
    """The system's and the user's own configuration of HTCondor are shut out."""
    found = settings(client_config(FILES, HTCONDOR, 5000))
    assert found["LOCAL_CONFIG_FILE"] == found["LOCAL_CONFIG_DIR"] == found["USER_CONFIG_FILE"] == ""


@pytest.mark.parametrize("name", ["cost$", 'a"b', "a#b", "line\nbreak"])
def test_a_path_that_the_configuration_cannot_carry_is_refused(name: str) -> None:
    """The error names the folder and the way out, before anything is written."""
    with pytest.raises(SetupError, match="--folder"):
        PoolFiles(Path("/data") / name)
