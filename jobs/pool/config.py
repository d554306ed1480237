"""The configuration of an embedded pool: HTCondor's text, made from a few facts and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.pool.htcondor import HTCondor

__all__ = ["DOMAIN", "MEMORY_PER_SLOT_MB", "PoolFiles", "client_config", "daemon_config"]

DOMAIN = "sonicgrid.local"
"""Names the pool to itself (accounting, file system, trust); nothing ever looks it up."""

MEMORY_PER_SLOT_MB = 2048
"""Advertised, not reserved: a job that waits for a remote GPU may ask for 1.5 GB and seldom touches it."""


@dataclass(frozen=True)
class PoolFiles:
    """Where an embedded pool keeps what; everything lies under one folder."""

    folder: Path

    def __post_init__(self) -> None:
        """Refuse a path that HTCondor's configuration language would read as something else.

        Raises:
            SetupError: the path holds such a character.
        """
        bad = sorted({character for character in str(self.folder) if character in "\n\r$#\"'\\"})
        if bad:
            named = " ".join(map(repr, bad))
            message = (
                f"HTCondor's configuration cannot carry {named}, which the pool's folder {self.folder} has in its path"
            )
            raise SetupError(f"{message}: choose another with --folder or SONICGRID_POOL")

    @property
    def condor(self) -> Path:
        """All of HTCondor's own files."""
        return self.folder / "condor"

    @property
    def client_config(self) -> Path:
        """Configuration of commands and bindings; knows the user's token and not the signing key."""
        return self.condor / "client_config"

    @property
    def daemon_config(self) -> Path:
        """Configuration of the daemons; by this name in their environment they are told from everything else."""
        return self.condor / "daemon_config"

    @property
    def signing_key(self) -> Path:
        """The pool's secret: who reads it can be anybody in this pool."""
        return self.condor / "keys" / "POOL"

    @property
    def tokens(self) -> Path:
        """Folder of the user's token."""
        return self.condor / "tokens"

    @property
    def log(self) -> Path:
        """Logs and address files of the daemons."""
        return self.condor / "log"

    @property
    def spool(self) -> Path:
        """The job queue."""
        return self.condor / "spool"

    @property
    def execute(self) -> Path:
        """Scratch folders of running jobs."""
        return self.condor / "execute"

    @property
    def run(self) -> Path:
        """Pipes and locks, worthless after a reboot."""
        return self.condor / "run"


def client_config(files: PoolFiles, htcondor: HTCondor, port: int) -> str:
    """Return the configuration for HTCondor's commands and for its Python bindings.

    It keeps out everything else that HTCondor would read: the system's configuration, the user's ``~/.condor``. And it
    does not say where the signing key lies: a client that finds the key makes itself a daemon's token with it, which
    may not submit.
    """
    return f"""# Written by `sonicgrid pool up`; the next one overwrites it.
RELEASE_DIR = {htcondor.release}
BIN = {htcondor.bin}
SBIN = {htcondor.sbin}
LIBEXEC = {htcondor.libexec}
LOCAL_DIR = {files.condor}
LOG = {files.log}
SPOOL = {files.spool}
EXECUTE = {files.execute}
LOCK = {files.run}
RUN = {files.run}
ETC = {files.condor}
LOCAL_CONFIG_FILE =
LOCAL_CONFIG_DIR =
USER_CONFIG_FILE =

CONDOR_HOST = 127.0.0.1
COLLECTOR_HOST = 127.0.0.1:{port}
NETWORK_INTERFACE = 127.0.0.1
BIND_ALL_INTERFACES = False
ENABLE_IPV4 = True
ENABLE_IPV6 = False
NO_DNS = True
DEFAULT_DOMAIN_NAME = {DOMAIN}
UID_DOMAIN = {DOMAIN}
FILESYSTEM_DOMAIN = {DOMAIN}
TRUST_DOMAIN = {DOMAIN}

# Jobs go on while a schedd that died comes back; after a kill of the whole pool they wait this long for a starter
# that is no more, and then start again (HTCondor's default of 40 minutes is for a schedd on another machine).
JOB_DEFAULT_LEASE_DURATION = 20

SEC_DEFAULT_AUTHENTICATION = REQUIRED
SEC_DEFAULT_INTEGRITY = REQUIRED
SEC_DEFAULT_ENCRYPTION = REQUIRED
SEC_DEFAULT_AUTHENTICATION_METHODS = IDTOKENS
SEC_CLIENT_AUTHENTICATION_METHODS = IDTOKENS
SEC_TOKEN_DIRECTORY = {files.tokens}
SEC_TOKEN_SYSTEM_DIRECTORY = {files.tokens}
SEC_PASSWORD_DIRECTORY = {files.condor / "none"}
SEC_TOKEN_POOL_SIGNING_KEY_FILE = {files.condor / "none" / "POOL"}
"""


def daemon_config(files: PoolFiles, htcondor: HTCondor, port: int, sites: Mapping[str, int]) -> str:
    """Return the configuration of the daemons.

    Args:
        files: the pool's folder.
        htcondor: the installation that the pool runs.
        port: TCP port on loopback for the whole pool.
        sites: static one-core slots per site name.
    """
    return "\n".join([client_config(files, htcondor, port), _DAEMONS.format(files=files, port=port), _slots(sites)])


def _slots(sites: Mapping[str, int]) -> str:
    """Return one slot type per site; memory is said, not measured, so that all slots exist on a small machine too."""
    total = sum(sites.values())
    lines = [f"NUM_CPUS = {total}", f"MEMORY = {total * MEMORY_PER_SLOT_MB}", "STARTD_ATTRS = GLIDEIN_Site"]
    for number, (site, slots) in enumerate(sites.items(), start=1):
        lines += [
            f"SLOT_TYPE_{number} = cpus=1, mem={MEMORY_PER_SLOT_MB}",
            f"NUM_SLOTS_TYPE_{number} = {slots}",
            f'SLOT_TYPE_{number}_GLIDEIN_Site = "{site}"',
        ]
    return "\n".join(lines) + "\n"


_DAEMONS = f"""
DAEMON_LIST = MASTER, COLLECTOR, NEGOTIATOR, SCHEDD, STARTD
USE_SHARED_PORT = True
SHARED_PORT_PORT = {{port}}
SEC_PASSWORD_DIRECTORY = {{files.signing_key.parent}}
SEC_TOKEN_POOL_SIGNING_KEY_FILE = {{files.signing_key}}
COLLECTOR_BOOTSTRAP_SSL_CERTIFICATE = False

# Daemons hold the signing key and are condor@password; the user's token makes everybody else of {DOMAIN}.
ALLOW_READ = condor@password, *@{DOMAIN}
ALLOW_WRITE = condor@password, *@{DOMAIN}
ALLOW_DAEMON = condor@password, condor@{DOMAIN}
ALLOW_NEGOTIATOR = condor@password, condor@{DOMAIN}
ALLOW_ADMINISTRATOR = condor@password, *@{DOMAIN}
# The network throttle sets concurrency limits, and nothing else, while the pool runs.
ENABLE_RUNTIME_CONFIG = True
SETTABLE_ATTRS_ADMINISTRATOR = *_LIMIT
# Limits that are set while the pool runs are lost when the negotiator starts again: then nothing may start, not all.
CONCURRENCY_LIMIT_DEFAULT_net = 0
CONCURRENCY_LIMIT_DEFAULT_link = 0
CONCURRENCY_LIMIT_DEFAULT_gpu = 0
CONCURRENCY_LIMIT_DEFAULT_jobs = 0

# One user, no owner at the keyboard: a slot runs what it gets to the end.
START = True
SUSPEND = False
CONTINUE = True
PREEMPT = False
KILL = False
WANT_SUSPEND = False
RANK = 0
NEGOTIATOR_CONSIDER_PREEMPTION = False
STARTD_DETECT_GPUS = False
# A job that was asked to stop gets so many seconds before it is killed.
MachineMaxVacateTime = 10
MAX_STARTER_LOG = 1 Mb
RUNBENCHMARKS = False

# It should feel instant. HTCondor's defaults are for thousands of machines: minutes.
NEGOTIATOR_INTERVAL = 2
NEGOTIATOR_MIN_INTERVAL = 1
NEGOTIATOR_CYCLE_DELAY = 1
SCHEDD_INTERVAL = 2
SCHEDD_MIN_INTERVAL = 1
UPDATE_INTERVAL = 5
PERIODIC_EXPR_INTERVAL = 5
MASTER_BACKOFF_CONSTANT = 1
# A daemon that cannot start for a while, as when programs are being replaced, is tried again within this time.
MASTER_BACKOFF_CEILING = 20
# Programs that are replaced count from the next `pool up` on; HTCondor would restart the pool two minutes later.
MASTER_NEW_BINARY_RESTART = NEVER

SCHEDD_ALLOW_LATE_MATERIALIZATION = True
SCHEDD_MATERIALIZE_LOG = $(LOG)/MaterializeLog
MAX_JOBS_RUNNING = 10000
MAX_JOBS_SUBMITTED = 1000000
JOB_START_DELAY = 0
JOB_START_COUNT = 100
JOB_STOP_DELAY = 0
JOB_STOP_COUNT = 100
JOB_IS_FINISHED_COUNT = 100
"""
