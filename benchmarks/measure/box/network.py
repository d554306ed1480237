"""The links of a grid in a box: namespaces, veth pairs, bridges, and a token bucket on each uplink.

The far side is this machine's own network: there the central manager, the job queue and the inference servers live, so
that whoever submits needs no namespace. Nothing is forwarded; every address of the far side belongs to this machine.
"""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from measure.box.commands import ip, ip_json, tc
from measure.errors import BenchmarkFailed

if TYPE_CHECKING:
    from measure.box.plan import BoxPlan, BoxSite, Link

__all__ = ["BoxNetwork", "Meter", "SiteNetwork", "build_network", "remove_network"]

NAMESPACE = "sgbox"
"""What the names of all namespaces begin with."""

BURST = "64kb"
"""What a bucket lets through at line rate after it was idle: 5 ms at 100 Mb/s."""

QUEUE = "200ms"
"""Longest wait in an uplink's queue; what would wait longer is dropped."""

WAN_PORT = "far"
SITE_PORT = "eth0"


@dataclass(frozen=True)
class Meter:
    """Where the traffic of one link is counted: an interface behind its token bucket, and the bucket.

    Attributes:
        link: the link.
        namespace: of the interface that receives what came through; empty for the machine's own.
        interface: its name; what it receives is what the link carried towards the far side.
        bucket_namespace, bucket_interface: the interface that the token bucket is on.

    """

    link: Link
    namespace: str
    interface: str
    bucket_namespace: str
    bucket_interface: str


@dataclass(frozen=True)
class SiteNetwork:
    """Where one site's daemons run."""

    site: BoxSite
    namespace: str
    address: str


@dataclass(frozen=True)
class BoxNetwork:
    """The network of a box.

    Attributes:
        address: of the far side, the same from every site.
        sites: one namespace each.
        meters: one per link, in the order of `BoxPlan.links`.

    """

    address: str
    sites: tuple[SiteNetwork, ...]
    meters: tuple[Meter, ...]


def build_network(plan: BoxPlan, tag: str) -> BoxNetwork:
    """Make the namespaces and links of a plan; `remove_network` takes away whatever there is of them.

    Args:
        plan: sites and links.
        tag: a few characters that no other box of this machine has; part of every name.

    Raises:
        BenchmarkFailed: something cannot be made, or no private addresses are free.

    """
    return _Builder(plan, tag).build()


def remove_network(tag: str) -> None:
    """Delete every namespace and interface of a box; one that is not there is no error."""
    for namespace in ip_json("netns", "list"):
        if str(namespace["name"]).startswith(f"{NAMESPACE}-{tag}-"):
            ip("netns", "del", str(namespace["name"]), check=False)
    # A namespace takes its ends of the pairs along, but only once its last process is gone.
    for interface in ip_json("link", "show"):
        if str(interface["ifname"]).startswith(f"sg{tag}"):
            ip("link", "del", "dev", str(interface["ifname"]), check=False)


class _Builder:
    def __init__(self, plan: BoxPlan, tag: str) -> None:
        self._plan = plan
        self._tag = tag
        self._far_ends = 0
        self._block = _free_block()
        self._subnets = iter(self._block.subnets(new_prefix=24))
        self._address = ""

    def build(self) -> BoxNetwork:
        meters: dict[str, Meter] = {}
        sites: dict[str, SiteNetwork] = {}
        for shared in self._plan.shared:
            wan = self._namespace(f"wan-{shared.link.name}")
            ip("-n", wan, "link", "add", "name", "br0", "type", "bridge")
            ip("-n", wan, "link", "set", "dev", "br0", "up")
            far_end, subnet = self._to_far_side(wan, WAN_PORT)
            ip("-n", wan, "link", "set", "dev", WAN_PORT, "master", "br0", "up")
            _narrow(wan, WAN_PORT, shared.link)
            meters[shared.link.name] = Meter(shared.link, "", far_end, wan, WAN_PORT)
            hosts = subnet.hosts()
            gateway = str(next(hosts))
            for number, name in enumerate(shared.sites):
                site = self._site(name)
                namespace = self._namespace(name)
                port = f"site{number}"
                pair = ("link", "add", "name", SITE_PORT, "type", "veth", "peer", "name", port, "netns", wan)
                ip("-n", namespace, *pair)
                ip("-n", wan, "link", "set", "dev", port, "master", "br0", "up")
                sites[name] = self._open_site(site, namespace, str(next(hosts)), gateway)
                meters[name] = Meter(site.uplink, wan, port, namespace, SITE_PORT)
        for site in self._plan.sites:
            if site.name not in sites:
                namespace = self._namespace(site.name)
                far_end, subnet = self._to_far_side(namespace, SITE_PORT)
                sites[site.name] = self._open_site(site, namespace, str(subnet[2]), str(subnet[1]))
                meters[site.name] = Meter(site.uplink, "", far_end, namespace, SITE_PORT)
        return BoxNetwork(
            self._address,
            tuple(sites[site.name] for site in self._plan.sites),
            tuple(meters[link.name] for link in self._plan.links),
        )

    def _site(self, name: str) -> BoxSite:
        return next(site for site in self._plan.sites if site.name == name)

    def _namespace(self, name: str) -> str:
        namespace = f"{NAMESPACE}-{self._tag}-{name}"
        ip("netns", "add", namespace)
        ip("-n", namespace, "link", "set", "dev", "lo", "up")
        return namespace

    def _to_far_side(self, namespace: str, port: str) -> tuple[str, ipaddress.IPv4Network]:
        """Join a namespace to the far side; returns the far end's name and the subnet, whose first address it has."""
        far_end = f"sg{self._tag}f{self._far_ends}"
        self._far_ends += 1
        subnet = next(self._subnets)
        ip("link", "add", "name", far_end, "type", "veth", "peer", "name", port, "netns", namespace)
        ip("address", "add", f"{subnet[1]}/24", "dev", far_end)
        ip("link", "set", "dev", far_end, "up")
        self._address = self._address or str(subnet[1])
        return far_end, subnet

    def _open_site(self, site: BoxSite, namespace: str, address: str, gateway: str) -> SiteNetwork:
        # Without it TCP hands over packets of up to 64 kB, whose bytes count without the headers of a real link.
        ip("-n", namespace, "link", "set", "dev", SITE_PORT, "gso_max_segs", "1")
        ip("-n", namespace, "address", "add", f"{address}/24", "dev", SITE_PORT)
        ip("-n", namespace, "link", "set", "dev", SITE_PORT, "up")
        ip("-n", namespace, "route", "add", "default", "via", gateway)
        _narrow(namespace, SITE_PORT, site.uplink)
        return SiteNetwork(site, namespace, address)


def _narrow(namespace: str, interface: str, link: Link) -> None:
    bucket = ("root", "tbf", "rate", f"{round(link.rate_mbps * 1000)}kbit", "burst", BURST, "latency", QUEUE)
    tc(namespace, "qdisc", "add", "dev", interface, *bucket)


def _free_block() -> ipaddress.IPv4Network:
    """Return 4,096 private addresses of which this machine has no other route or address."""
    used = [
        ipaddress.IPv4Interface(f"{address['local']}/{address['prefixlen']}").network
        for interface in ip_json("-4", "address", "show")
        for address in interface["addr_info"]
    ]
    destinations = (str(route["dst"]) for route in ip_json("-4", "route", "show", "table", "all"))
    used += [ipaddress.IPv4Network(dst) for dst in destinations if dst[0].isdigit()]
    blocks = list(ipaddress.IPv4Network("10.0.0.0/8").subnets(new_prefix=20))
    for block in random.SystemRandom().sample(blocks, len(blocks)):
        if not any(block.overlaps(network) for network in used if network.prefixlen):
            return block
    raise BenchmarkFailed("every private address 10.0.0.0/8 is in use here")
