"""The campaigns of these tests lived an hour ago: the store has fine bins of them."""

from __future__ import annotations

import pytest

from tests.builders.collected import MINUTE


@pytest.fixture(autouse=True)
def an_hour_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the clock of whoever asks for the time of day."""
    monkeypatch.setattr("monitoring.collect.time.time", lambda: MINUTE + 4000.0)
