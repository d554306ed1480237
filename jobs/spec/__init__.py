"""What people write: campaign specs and site configs, typed at the edge."""

from __future__ import annotations
