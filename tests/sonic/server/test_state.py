"""The state of a set of servers survives as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sonic.errors import SetupFailed
from sonic.server.state import STATE_FILE, ServersState, ServerState, read_state, write_state

if TYPE_CHECKING:
    from pathlib import Path

SERVER = ServerState(role="triton-1", pid=12, started=1.5, grpc_port=1, http_port=2, metrics_port=3)
STATE = ServersState(fingerprint="f", envoy_pid=13, envoy_started=1.75, port=4, admin_port=5, servers=(SERVER,))


def test_state_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Writing and reading gives the same state and leaves no other file; its addresses are on loopback."""
    write_state(tmp_path, STATE)

    assert read_state(tmp_path) == STATE
    assert [path.name for path in tmp_path.iterdir()] == [STATE_FILE]
    assert STATE.endpoint == "127.0.0.1:4"
    assert STATE.metrics_endpoints == ("127.0.0.1:3",)
    assert STATE.ports == {1, 2, 3, 4, 5}


def test_no_file_is_no_state_and_a_foreign_file_is_an_error(tmp_path: Path) -> None:
    """A folder without servers has none; a file that is no state is named, with the remedy."""
    assert read_state(tmp_path) is None
    (tmp_path / STATE_FILE).write_text('{"pool": "yes"}')

    with pytest.raises(SetupFailed, match=r"servers\.json is not a state.*remove it"):
        read_state(tmp_path)
