"""A campaign from its spec to its records: plan, submit, watch, and the payload that runs on the worker."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("sonicgrid")
