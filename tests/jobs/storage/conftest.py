"""One XRootD server for the tests of storages that do not harm it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders.xrootd_server import XrootdServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XrootdServerProcess]:
    """A running server, alive at the end of each test."""
    started = XrootdServerProcess(tmp_path_factory.mktemp("xrootd")).start()
    try:
        yield started
    finally:
        started.stop()
