"""Watching a campaign on a real terminal, through a pipe, and beside another collector, to its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import termios
import time
from typing import TYPE_CHECKING

from monitoring.collect import Collector
from monitoring.store.place import find_store
from tests.monitoring.terminal.conftest import environment, watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.monitoring.terminal.conftest import Driven, Terminal


def test_it_follows_a_campaign_to_its_end(driven: Driven, watch_on: Callable[..., Terminal]) -> None:
    """Each change is seen; when the campaign is complete the last picture is left standing, with exit code 0."""
    terminal = watch_on(driven.campaign.folder.root)
    terminal.until(lambda text: "10 pending" in text)
    driven.start(0, 1, 2)
    terminal.until(lambda text: "3 running" in text)
    driven.start(*range(3, 10))
    driven.finish(*range(10))
    driven.end()
    assert terminal.end() == 0
    assert "10 done" in terminal.text
    assert "running" not in terminal.text.replace("no driver", "")
    assert terminal.glass.scrolled == []
    assert not terminal.glass.wrapped


def test_a_campaign_that_is_not_complete_is_one(driven: Driven, watch_on: Callable[..., Terminal]) -> None:
    """A campaign that ends with a job missing ends the watch with exit code 1; so does one that ended before."""
    driven.start(*range(10))
    driven.finish(*range(9))
    terminal = watch_on(driven.campaign.folder.root)
    terminal.until(lambda text: "1 running" in text)
    driven.end(9)
    assert terminal.end() == 1
    assert "1 failed" in terminal.text
    again = watch_on(driven.campaign.folder.root)
    assert again.end() == 1
    assert "9 done" in again.text


def test_few_bytes_and_none_when_nothing_changes(driven: Driven, watch_on: Callable[..., Terminal]) -> None:
    """On a slow line a change of a few jobs costs less than 250 bytes, and silence costs nothing."""
    driven.start(*range(9))
    terminal = watch_on(driven.campaign.folder.root)
    terminal.until(lambda text: "9 running" in text)
    while terminal.read(1.5):
        pass
    before = len(terminal.raw)
    assert not terminal.read(3.0)
    driven.finish(4)
    terminal.until(lambda text: "8 running" in text and "1 done" in text)
    while terminal.read(1.5):
        pass
    assert 0 < len(terminal.raw) - before < 250


def test_ctrl_c_leaves_the_picture_and_the_terminal_as_it_was(
    driven: Driven, watch_on: Callable[..., Terminal]
) -> None:
    """Ctrl-C ends it with 130, without a word; what was typed did not show, and the echo is back."""
    terminal = watch_on(driven.campaign.folder.root)
    terminal.until(lambda text: "10 pending" in text)
    os.write(terminal.near, b"zzz")
    time.sleep(0.5)
    os.write(terminal.near, b"\x03")
    assert terminal.end() == 130
    assert "10 pending" in terminal.text
    assert "Traceback" not in terminal.text
    assert "zzz" not in terminal.text
    assert termios.tcgetattr(terminal.far)[3] == terminal.mode[3]


def test_q_ends_it_too(driven: Driven, watch_on: Callable[..., Terminal]) -> None:
    """As in every pager."""
    terminal = watch_on(driven.campaign.folder.root)
    terminal.until(lambda text: "10 pending" in text)
    os.write(terminal.near, b"q")
    assert terminal.end() == 130


def test_another_size_is_another_picture(driven: Driven, watch_on: Callable[..., Terminal]) -> None:
    """When the window is made smaller the picture is drawn anew to fit, and goes on."""
    terminal = watch_on(driven.campaign.folder.root)
    terminal.until(lambda text: "10 pending" in text)
    while terminal.read(0.5):
        pass
    terminal.resize(40, 8)
    terminal.until(lambda text: "10 pending" in text)
    driven.start(0)
    terminal.until(lambda text: "1 running" in text)
    assert terminal.glass.scrolled == []
    assert not terminal.glass.wrapped


def test_after_a_pause_it_goes_on_below(driven: Driven, watch_on: Callable[..., Terminal]) -> None:
    """After Ctrl-Z and `fg` the picture is drawn again, under what the shell has written."""
    terminal = watch_on(driven.campaign.folder.root)
    terminal.until(lambda text: "10 pending" in text)
    terminal.program.send_signal(signal.SIGSTOP)
    terminal.program.send_signal(signal.SIGCONT)
    terminal.until(lambda text: text.count("10 pending") == 2)


def test_ascii_and_no_colour(driven: Driven, watch_on: Callable[..., Terminal]) -> None:
    """A terminal without UTF-8 gets ASCII, and one that wants no colour gets none."""
    driven.start(0, 1)
    terminal = watch_on(driven.campaign.folder.root, LC_ALL="C", NO_COLOR="1")
    terminal.until(lambda text: "2 running" in text).encode("ascii")
    assert b"\x1b[1m" in terminal.raw
    assert not re.search(rb"\x1b\[[\d;]*[349]\dm", terminal.raw)


def test_through_a_pipe_it_prints_lines(driven: Driven, tmp_path: Path) -> None:
    """Where there is no terminal each change is one line, at the end stands the picture, and nothing steers."""
    with subprocess.Popen(
        watcher(driven.campaign.folder.root), env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline().strip().endswith("10 pending")
        driven.start(*range(10))
        driven.finish(*range(10))
        driven.end()
        rest = program.stdout.read()
    assert program.returncode == 0
    assert "10 done" in rest.splitlines()[-1]
    assert "\x1b" not in rest


def test_a_dumb_terminal_gets_lines_too(driven: Driven, watch_on: Callable[..., Terminal]) -> None:
    """TERM=dumb moves no cursor: as through a pipe."""
    terminal = watch_on(driven.campaign.folder.root, TERM="dumb")
    terminal.until(lambda text: "10 pending" in text)
    driven.start(0)
    terminal.until(lambda text: "1 running" in text and "10 pending" in text)


def test_it_reads_what_another_collector_writes(
    driven: Driven, watch_on: Callable[..., Terminal], tmp_path: Path
) -> None:
    """Where a dashboard collects already its store is read; when that ends, the watch collects itself."""
    folder = driven.campaign.folder
    store = find_store(folder, driven.campaign.name, tmp_path / "state" / "sonicgrid" / "dashboard")
    other = Collector(folder, store, embedded_pool=False)
    other.catch_up()
    terminal = watch_on(folder.root)
    terminal.until(lambda text: "10 pending" in text)
    driven.start(0)
    other.catch_up()
    terminal.until(lambda text: "1 running" in text)
    other.close()
    driven.start(1)
    terminal.until(lambda text: "2 running" in text)


def test_where_nothing_can_be_kept_it_is_shown_all_the_same(driven: Driven, watch_on: Callable[..., Terminal]) -> None:
    """A home that cannot be written is no reason to see nothing."""
    blocked = driven.campaign.folder.root / "file"
    blocked.touch()
    terminal = watch_on(driven.campaign.folder.root, XDG_STATE_HOME=str(blocked))
    terminal.until(lambda text: "10 pending" in text)


def test_a_campaign_that_nobody_plans_is_an_error(tmp_path: Path) -> None:
    """Without a manifest and without a driver there is nothing to wait for."""
    ran = subprocess.run(watcher(tmp_path), env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert "sonicgrid submit" in ran.stderr
