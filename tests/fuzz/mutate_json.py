"""Changes one place of a JSON document: bytes at random hardly ever stay JSON, and what is none is refused at once."""

from __future__ import annotations

import json
import random
from typing import Any

__all__ = ["mutate_json"]

_ODD: tuple[Any, ...] = (
    *(None, True, "", "0", "done", [], {}, [0], -1, 0, 1, 2, 0.5, 1e308, -1e-9, 2**63, -(2**64)),
    *(float("nan"), float("inf"), "NaN", "\ud800", "a" * 300, "../../x", {"version": 1}),
)


def mutate_json(data: bytes, seed: int) -> bytes | None:
    """Return the document with one value changed, taken away, doubled or added; None if it is not JSON."""
    try:
        document = json.loads(data)
    except ValueError:
        return None
    draw = random.Random(seed)
    place, within = document, None
    while isinstance(place, dict | list) and place and (within is None or draw.random() < 0.7):
        key = draw.choice(list(place) if isinstance(place, dict) else range(len(place)))
        within, place = (place, key), place[key]
    if within is None:
        document = draw.choice(_ODD)
    else:
        _change(*within, draw)
    return json.dumps(document).encode(errors="surrogatepass")


def _change(holder: Any, key: Any, draw: random.Random) -> None:  # noqa: ANN401 - a list or an object of JSON
    how = draw.randrange(5)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, list):
        holder.append(holder[key])
    elif how == 1:
        holder[f"{key}_"] = holder[key]
    elif how == 2 and isinstance(holder[key], int | float):
        holder[key] = holder[key] * draw.choice((-1, 2, 10**6, 1e-6, 10**20))
    elif how == 3 and isinstance(holder[key], str):
        holder[key] = holder[key][: draw.randrange(len(holder[key]) + 1)] + draw.choice(("", "x", "\0", "\u202e"))
    else:
        holder[key] = draw.choice(_ODD)
