"""Checks where a campaign's outputs are to go, so that a slip shows before the first job and not after the last."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from jobs.reco.url import is_url
from jobs.spec.site_text import mistake

__all__ = ["StageOut"]

_SERVER = re.compile(r"(?:x?roots?)://[^/@\s:]+(?::\d{1,5})?//[^/]", re.IGNORECASE)


def _check(written: str) -> str:
    if not written.isprintable():
        raise mistake(f"{written!r} has a character that cannot be printed", "write it without")
    if not is_url(written):
        return written
    if "?" in written or "@" in written:
        # What stands there is kept in files that everybody reads.
        remedy = "leave out what follows `?` or precedes `@`: tokens and proxies come from the job's environment"
        raise mistake("a URL of outputs with parameters or a user", remedy)
    if not _SERVER.match(written):
        remedy = "write root://SERVER//PATH, with the two slashes, or roots:// for TLS, or a directory"
        raise mistake(f"{written!r} is no place that outputs can go to", remedy)
    return written


StageOut = Annotated[str, AfterValidator(_check)]
"""A directory, or a folder on an XRootD server."""
