"""What is a URL and what is a path."""

from __future__ import annotations

import pytest

from jobs.reco.url import is_url


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("root://server.example.org//store/a.root", True),
        ("https://server.example.org/a.root", True),
        ("/data/a.root", False),
        ("data/a:b.root", False),
        ("://a.root", False),
    ],
)
def test_urls_have_a_scheme(name: str, expected: bool) -> None:
    """Only what begins with a scheme and :// is a URL; a colon in a path is none."""
    assert is_url(name) is expected
