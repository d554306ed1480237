"""Which boxes this machine has: one file each, locked by its owner as long as that lives.

The kernel frees the lock of a process that was killed, so the next run finds what such a one left, and removes it.
"""

from __future__ import annotations

import fcntl
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from jobs.pool.config import PoolFiles
from jobs.pool.processes import end_processes, pool_processes
from measure.box.commands import ip_json
from measure.box.network import NAMESPACE, remove_network
from sonic.server.pool import stop_servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

__all__ = ["REGISTRY", "central_pool", "register_box", "remove_box", "remove_leftovers", "servers_of", "site_pool"]

REGISTRY = Path("/run/sonicgrid-box")

_TAGS = "??????"


def central_pool(folder: Path) -> Path:
    """Return the folder of the central manager and the job queue of a box; it is the pool's folder for clients."""
    return folder / "pool"


def site_pool(folder: Path, site: str) -> Path:
    """Return the folder of one site's daemons."""
    return folder / "sites" / site


def servers_of(folder: Path) -> Path:
    """Return the folder of the inference servers."""
    return folder / "servers"


@contextmanager
def register_box(folder: Path, say: Callable[[str], None], registry: Path = REGISTRY) -> Iterator[str]:
    """Have a tag for a new box; what earlier owners left behind is removed first, the box itself at the end.

    Args:
        folder: everything of the box that is a file; removed with it.
        say: takes lines of progress.
        registry: where the boxes of this machine are listed.

    Yields:
        Characters that no other box of this machine has.

    """
    registry.mkdir(parents=True, exist_ok=True)
    remove_leftovers(say, registry)
    tag = secrets.token_hex(3)
    path = registry / tag
    # It gets its name once it is locked: nobody may take it for an abandoned one.
    with path.with_suffix(".new").open("x") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.write(str(folder))
        handle.flush()
        path.with_suffix(".new").rename(path)
        try:
            yield tag
        finally:
            remove_box(tag, folder)
            path.unlink(missing_ok=True)


def remove_leftovers(say: Callable[[str], None], registry: Path = REGISTRY) -> int:
    """Remove the boxes whose owners are gone; returns how many."""
    removed = 0
    for path in registry.glob(_TAGS):
        with suppress(FileNotFoundError), path.open("r+") as handle:
            if not _abandoned(handle):
                continue
            say(f"removing what a run that was killed has left: box {path.name}")
            remove_box(path.name, Path(handle.read() or "/nonexistent"))
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def remove_box(tag: str, folder: Path) -> None:
    """End every process of a box, and delete its network and its files; what is not there is no error."""
    files = [PoolFiles(central_pool(folder)), *map(PoolFiles, (folder / "sites").glob("*"))]
    # A namespace lives as long as its last process, and a master that is killed last has started new children.
    while processes := {process for one in files for process in pool_processes(one)} | _inhabitants(tag):
        end_processes([*processes], patience_s=0)
    stop_servers(servers_of(folder))
    remove_network(tag)
    shutil.rmtree(folder, ignore_errors=True)


def _abandoned(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _inhabitants(tag: str) -> set[psutil.Process]:
    """Return whatever runs in the box's namespaces."""
    places = set()
    for name in (str(namespace["name"]) for namespace in ip_json("netns", "list")):
        if name.startswith(f"{NAMESPACE}-{tag}-"):
            with suppress(OSError):
                status = (Path("/run/netns") / name).stat()
                places.add((status.st_dev, status.st_ino))
    inside = set()
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            status = Path(f"/proc/{process.pid}/ns/net").stat()
            if (status.st_dev, status.st_ino) in places:
                inside.add(process)
    return inside
