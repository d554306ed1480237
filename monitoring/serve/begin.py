"""From what somebody wishes of a dashboard to one that listens: campaigns, token, port, collector."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitoring.errors import CannotServe
from monitoring.find_campaigns import CampaignFinder
from monitoring.serve.access import Access, is_loopback, keep_token
from monitoring.serve.campaigns import Campaigns
from monitoring.serve.recipes import Recipes
from monitoring.serve.server import Server, address_of, listen
from monitoring.serve.supervise import collector_command
from monitoring.store.place import store_folder

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from jobs.layout import CampaignFolder
    from monitoring.serve.recipes import Pages

__all__ = ["Begun", "Wishes", "begin"]


@dataclass(frozen=True)
class Wishes:
    """What a dashboard is to be.

    Attributes:
        named: campaigns that are shown wherever they lie.
        results: folder below which every campaign is shown.
        host, port: to listen on; port 0 for a free one.
        token: whether one is asked for on the loopback interface, too.
        certificate, key: for TLS.
        store_folder: where the stores lie; None for the user's own folder.
        metrics_urls: further pages in the format of Prometheus.
        collect: whether a collector runs beside.

    """

    named: tuple[CampaignFolder, ...]
    results: Path
    host: str
    port: int
    token: bool = False
    certificate: Path | None = None
    key: Path | None = None
    store_folder: Path | None = None
    metrics_urls: tuple[str, ...] = ()
    collect: bool = True


@dataclass(frozen=True)
class Begun:
    """A dashboard whose port is taken; browsers that come now wait for it to run.

    Attributes:
        address: to open, with the token if there is one.
        campaigns: that it shows.
        in_the_clear: whether others' networks can read along.

    """

    address: str
    campaigns: Campaigns
    in_the_clear: bool
    _server: Server
    _listener: socket.socket

    def run(self) -> None:
        """Answer until SIGTERM or Ctrl-C."""
        # The server passes the signal on when it has ended, and that is no failure.
        before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._server.run(sockets=[self._listener])
        except KeyboardInterrupt:
            pass
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._listener.close()


def begin(wishes: Wishes, pages: Pages, say: Callable[[str], None]) -> Begun:
    """Take the port and get everything ready.

    Args:
        wishes: what is asked for.
        pages: the recipes of all pages.
        say: is told what goes wrong with the collector.

    Raises:
        CannotServe: port, token or certificate are not usable.

    """
    if wishes.key is not None and wishes.certificate is None:
        raise CannotServe("--tls-key is of no use without --tls-certificate; name both, or neither")
    only_here = is_loopback(wishes.host)
    token = keep_token(store_folder() / "token") if wishes.token or not only_here else ""
    campaigns = Campaigns(CampaignFinder(wishes.named, wishes.results), wishes.store_folder)
    command = collector_command(wishes.named, wishes.results, wishes.store_folder, wishes.metrics_urls)
    over_tls = wishes.certificate is not None
    server = Server(
        Recipes(campaigns, pages),
        Access(token, over_tls),
        collector=command if wishes.collect else (),
        say=say,
        certificate=wishes.certificate,
        key=wishes.key,
    )
    listener = listen(wishes.host, wishes.port)
    address = address_of(listener, over_tls=over_tls, token=token)
    return Begun(address, campaigns, not only_here and not over_tls, server, listener)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
