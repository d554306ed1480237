"""Whole numbers as records and heartbeats may hold them: such that whoever reads them can hold them, and sums of them.

JSON has no largest number; SQLite, Parquet and NumPy have one, and programs that read JSON as floats are exact to 2⁵³.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

__all__ = ["Whole"]

Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""From -2⁵³ to 2⁵³, both included."""
