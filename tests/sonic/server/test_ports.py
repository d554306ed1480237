"""Ports are free, handed out once, and kept when possible."""

from __future__ import annotations

import socket

from sonic.server.ports import FIRST_PORT, LAST_PORT, PortPicker, is_free


def test_a_wish_is_granted_unless_the_port_is_taken() -> None:
    """The former port is given again if nobody listens on it, otherwise a free one."""
    wish = PortPicker().pick()
    assert PortPicker().pick(wish) == wish
    with socket.socket() as other:
        other.bind(("127.0.0.1", wish))
        other.listen()

        assert not is_free(wish)
        picked = PortPicker().pick(wish)

    assert picked != wish
    assert FIRST_PORT <= picked < LAST_PORT


def test_no_port_is_handed_out_twice() -> None:
    """Two servers never get the same port, and reserved ones go only to who wishes for them."""
    wish = next(port for port in range(FIRST_PORT, LAST_PORT) if is_free(port))
    picker = PortPicker(reserved=set(range(FIRST_PORT, LAST_PORT - 200)))

    picked = [picker.pick() for _ in range(20)]

    assert len(set(picked)) == 20
    assert min(picked) >= LAST_PORT - 200
    assert picker.pick(wish) == wish
    assert picker.pick(wish) != wish
