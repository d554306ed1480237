"""The two programs that make networks, and why a grid in a box cannot be had where something is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from typing import Any

from measure.errors import BenchmarkFailed

__all__ = ["CannotRun", "check_requirements", "in_namespace", "ip", "ip_json", "tc"]

_FOLDERS = "/usr/sbin:/sbin:/usr/bin:/bin"
_TRIAL = "sgbox-trial"


class CannotRun(BenchmarkFailed):
    """This machine, or this user, cannot have a grid in a box."""


def ip(*arguments: str, check: bool = True) -> None:
    """Run `ip`.

    Raises:
        BenchmarkFailed: it failed and `check` is set.

    """
    _run([_program("ip"), *arguments], check=check)


def ip_json(*arguments: str) -> list[dict[str, Any]]:
    """Run `ip -json` and return what it lists.

    Raises:
        BenchmarkFailed: it failed.

    """
    text = _run([_program("ip"), "-json", *arguments], check=True)
    listed: list[dict[str, Any]] = json.loads(text) if text.strip() else []
    return listed


def tc(namespace: str, *arguments: str) -> str:
    """Run `tc` in a namespace and return what it prints.

    Raises:
        BenchmarkFailed: it failed.

    """
    return _run([_program("tc"), "-netns", namespace, *arguments], check=True)


def in_namespace(namespace: str, command: list[str]) -> list[str]:
    """Return the command line that runs a command in a named namespace."""
    return [_program("ip"), "netns", "exec", namespace, *command]


def check_requirements() -> None:
    """Make sure that namespaces, veth pairs and tbf can be had here, by having each of them for a moment.

    Raises:
        CannotRun: one of them cannot; the message says why and what to do.

    """
    if os.geteuid() != 0:
        raise CannotRun("it makes network namespaces, which only root may: run it as root")
    for program in ("ip", "tc"):
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_FOLDERS}") is None:
            raise CannotRun(f"there is no `{program}`: install the package iproute2")
    name = f"{_TRIAL}-{os.getpid()}"
    device = f"sgt{os.getpid()}"
    steps = (
        ("network namespaces", lambda: ip("netns", "add", name)),
        ("veth pairs", lambda: ip("-n", name, "link", "add", "name", device, "type", "veth", "peer", "name", "peer")),
        ("bridges", lambda: ip("-n", name, "link", "add", "name", "br0", "type", "bridge")),
        (
            "the queueing discipline tbf",
            lambda: tc(name, *f"qdisc add dev {device} root tbf rate 1mbit burst 64kb latency 200ms".split()),
        ),
    )
    try:
        for what, step in steps:
            try:
                step()
            except BenchmarkFailed as error:
                message = f"this kernel gives no {what}: {error}"
                raise CannotRun(message) from error
    finally:
        ip("netns", "del", name, check=False)


@cache
def _program(name: str) -> str:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_FOLDERS}") or name


def _run(command: list[str], *, check: bool) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        message = f"`{' '.join(command)}` failed: {done.stderr.strip() or done.stdout.strip()}"
        raise BenchmarkFailed(message)
    return done.stdout
