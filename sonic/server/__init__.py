"""The inference side of a pool: the model repository, Triton servers, and Envoy before them."""

from __future__ import annotations
