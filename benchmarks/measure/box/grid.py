"""A grid in a box from its start to its end: network, inference servers, pool; it is gone whatever happens."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.pool.client import enter_pool
from jobs.pool.folders import runtime_folder
from jobs.pool.install import install as install_htcondor
from measure.box.commands import check_requirements
from measure.box.condor import start_condor
from measure.box.network import build_network
from measure.box.registry import central_pool, register_box, servers_of
from sonic.server.install import install as install_servers
from sonic.server.pool import start_servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from jobs.pool.state import PoolState
    from measure.box.network import BoxNetwork
    from measure.box.plan import BoxPlan
    from sonic.server.state import ServersState

__all__ = ["Box", "grid_in_a_box"]


@dataclass(frozen=True)
class Box:
    """A running grid in a box.

    Attributes:
        plan: sites and links.
        network: namespaces, addresses, and where each link's traffic is counted.
        pool: HTCondor; this process and its children talk to it.
        servers: Triton and Envoy, on the far side.
        folder: for the benchmark's own files, seen from every site.

    """

    plan: BoxPlan
    network: BoxNetwork
    pool: PoolState
    servers: ServersState
    folder: Path


@contextmanager
def grid_in_a_box(plan: BoxPlan, say: Callable[[str], None], *, servers: int = 1) -> Iterator[Box]:
    """Have a grid in a box that this process and its children submit to.

    Args:
        plan: sites and links.
        say: takes lines of progress.
        servers: Triton servers on the far side.

    Raises:
        CannotRun: this machine or user cannot have one.
        BenchmarkFailed: it does not start.
        SetupError: HTCondor cannot be installed.
        SetupFailed: Triton or Envoy cannot be installed or started.

    """
    check_requirements()
    # SIGTERM would end Python without a `finally`, and leave namespaces and daemons behind.
    signal.signal(signal.SIGTERM, _exit)
    folder = Path(tempfile.mkdtemp(prefix="sonicgrid-box-"))
    with register_box(folder, say) as tag:
        network = build_network(plan, tag)
        say(f"{len(plan.sites)} sites, {plan.slots} slots; the far side is {network.address}")
        htcondor = install_htcondor(runtime_folder(), say)
        install_servers(runtime_folder(), say)
        running = start_servers(
            servers_of(folder), servers, runtime=runtime_folder(), address=network.address, report=say
        )
        say(f"HTCondor {htcondor.version}")
        pool = start_condor(folder, htcondor, network, running.endpoint)
        os.environ["SONICGRID_POOL"] = str(central_pool(folder))
        enter_pool()
        own = folder / "benchmark"
        own.mkdir()
        yield Box(plan, network, pool, running, own)
        say("taking the box down")


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
