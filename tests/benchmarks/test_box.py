"""The network of a grid in a box, for real where root may make one: its links are narrow, counted, and never left."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from measure.box.commands import CannotRun, check_requirements, in_namespace, ip_json
from measure.box.network import NAMESPACE, build_network
from measure.box.plan import BoxPlan, BoxSite, Link, SharedLink
from measure.box.registry import register_box, remove_leftovers
from measure.sampler import LinkSampler
from measure.traffic import largest_window_mbps

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

PLAN = BoxPlan(
    (BoxSite(Link("near", 40, 0.5), 1), BoxSite(Link("far", 40, 0.5), 1), BoxSite(Link("alone", 20, 0.5), 1)),
    (SharedLink(Link("sea", 60, 0.5), ("near", "far")),),
)

SINK = """
import socket, sys, threading
server = socket.create_server((sys.argv[1], 0))
print(server.getsockname()[1], flush=True)
def drain(taken):
    while taken.recv(1 << 16):
        pass
while True:
    threading.Thread(target=drain, args=(server.accept()[0],), daemon=True).start()
"""

SENDER = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as far_side:
    far_side.sendall(bytes(int(sys.argv[3])))
    far_side.shutdown(socket.SHUT_WR)
    far_side.recv(1)
"""

KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from measure.box.network import build_network
from measure.box.plan import BoxPlan, BoxSite, Link
from measure.box.registry import register_box
with register_box(Path(sys.argv[3]), print, Path(sys.argv[2])) as tag:
    build_network(BoxPlan((BoxSite(Link("near", 40, 0.5), 1),)), tag)
    print(tag, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _where_it_can_be() -> None:
    try:
        check_requirements()
    except CannotRun as reason:
        pytest.skip(f"no grid in a box here: {reason}")


def _names() -> list[str]:
    return [str(row.get("name") or row.get("ifname")) for row in ip_json("netns", "list") + ip_json("link", "show")]


def test_links_are_as_narrow_as_planned_and_counted_at_their_far_ends(tmp_path: Path) -> None:
    """Two sites that send at once share 60 Mb/s, one alone gets its 20, every byte is counted, nothing stays."""
    sent = 3_000_000
    folder = tmp_path / "box"
    with register_box(folder, lambda _line: None, tmp_path / "registry") as tag:
        network = build_network(PLAN, tag)
        sink = subprocess.Popen([sys.executable, "-c", SINK, network.address], stdout=subprocess.PIPE, text=True)
        try:
            assert sink.stdout is not None
            port = sink.stdout.readline().strip()
            with LinkSampler(network.meters) as sampler:
                senders = [
                    subprocess.Popen(
                        in_namespace(
                            site.namespace, [sys.executable, "-c", SENDER, network.address, port, str(sent * size)]
                        )
                    )
                    for site, size in zip(network.sites, (3, 3, 1), strict=True)
                ]
                assert [sender.wait(timeout=30) for sender in senders] == [0, 0, 0]
                time.sleep(0.2)
        finally:
            sink.kill()
            sink.communicate()
        assert any(f"{NAMESPACE}-{tag}-" in name for name in _names())
    counters = sampler.counters()
    carried = {name: int(counter.total_bytes[-1] - counter.total_bytes[0]) for name, counter in counters.items()}
    largest = {name: largest_window_mbps(counter) for name, counter in counters.items()}

    assert sent < carried["alone"] < 1.08 * sent
    assert 6 * sent < carried["sea"] < 6 * 1.08 * sent
    # Headers are counted, a bucket that was idle lets 64 kB more through in a second.
    assert 15 < largest["alone"] < 21.5
    assert 50 < largest["sea"] < 62
    assert not [name for name in _names() if tag in name]


def test_what_a_killed_run_left_is_removed_at_the_next(tmp_path: Path) -> None:
    """A box whose owner lives is left alone; once the owner is killed, namespaces, interfaces and files go."""
    registry, folder = tmp_path / "registry", tmp_path / "box"
    folder.mkdir()
    owner = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(BENCHMARKS), str(registry), str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout is not None
        tag = owner.stdout.readline().strip()
        assert remove_leftovers(lambda _line: None, registry) == 0
        assert [name for name in _names() if tag in name]
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.communicate()

    assert remove_leftovers(lambda _line: None, registry) == 1
    assert not [name for name in _names() if tag in name]
    assert not folder.exists()
    assert not list(registry.iterdir())
