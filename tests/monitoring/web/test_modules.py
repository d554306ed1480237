"""What the page's modules work out themselves, run by Node.js: how values are written, stacked and sorted."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from monitoring.web.install import STATIC

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="Node.js is not on PATH")

PAGE_STUB = "globalThis.document = { documentElement: { dataset: {} }, addEventListener() {} };"
PAGE_STUB += "globalThis.location = { href: 'http://localhost/' };"


def run(module: str, expression: str, given: object = None) -> Any:  # noqa: ANN401 - whatever the expression gives
    """Return what an expression gives over a module's exports `m` and an argument `given`, through JSON."""
    code = f"{PAGE_STUB} const m = await import({json.dumps((STATIC / module).as_uri())});"
    code += f"const given = {json.dumps(given)}; console.log(JSON.stringify({expression}));"
    assert NODE is not None
    done = subprocess.run(
        [NODE, "--input-type=module", "--eval", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"TZ": "Europe/Berlin"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def written(*values: tuple[object, str]) -> list[str]:
    """Write values with their units, with plain spaces for the narrow ones."""
    texts = run("format.js", "given.map(([value, unit]) => m.plain(value, unit))", values)
    return [text.replace("\u202f", " ").replace("\u00a0", " ") for text in texts]


def test_nothing_known_is_a_dash_and_zero_is_zero() -> None:
    """None is never shown as a number, nor 0 as nothing."""
    units = ("text", "state", "count", "number", "share", "mbps", "per_s", "per_h", "s", "time", "mb", "code")
    assert set(written(*((None, unit) for unit in units))) == {"\N{EN DASH}"}
    assert written((0, "count"), (0, "share"), (0, "mbps"), (0, "s")) == ["0", "0 %", "0 Mb/s", "0 s"]


def test_shares_do_not_round_to_all_or_nothing() -> None:
    """What is not quite done is not 100 %, and what has begun is not 0 %."""
    shares = [(1, "share"), (0.9999, "share"), (0.995, "share"), (0.00001, "share"), (1.02, "share")]
    assert written(*shares) == ["100 %", "99.9 %", "99.5 %", "<0.1 %", "102 %"]


def test_lengths_of_time_carry_over() -> None:
    """No 60 s beside a minute, and two units at most."""
    lengths = (0.00031, 0.9996, 99.96, 119.7, 3599.7, 12840, 86399.9, 90061, -75)
    expected = ["0.31 ms", "1 s", "1 min 40 s", "2 min", "1 h", "3 h 34 min", "1 d", "1 d 1 h", "\N{MINUS SIGN}75 s"]
    assert written(*((length, "s") for length in lengths)) == expected


def test_amounts_have_thousands_and_units() -> None:
    """Large numbers can be read, and MB become GB and TB."""
    amounts = [(1234567, "count"), (12345.6, "mbps"), (999.97, "mb"), (1e7, "mb"), (5.731, "per_s")]
    assert written(*amounts) == ["1,234,567", "12,346 Mb/s", "1 GB", "10 TB", "5.73 /s"]


def test_time_is_local_with_utc_at_hand() -> None:
    """A moment has its day always, and its UTC."""
    at = 1_700_000_000
    assert run("format.js", "[m.moment(given), m.utc(given)]", at) == [
        "14 Nov 2023, 23:13:20",
        "2023-11-14 22:13:20 UTC",
    ]


def line(key: str, values: list[float | None], role: str = "") -> dict[str, object]:
    """Return a line as the server sends it."""
    return {"key": key, "title": key, "values": values, "role": role}


def test_layers_lie_on_each_other_with_the_last_on_the_axis() -> None:
    """Stacked lines add up, what is not known adds nothing, limits stay out, and a hidden line lies nowhere."""
    plot = {
        "lines": [line("a", [1, None, 3]), line("budget", [9, 9, 9], "limit"), line("b", [10, 20, None])],
        "stacked": True,
    }
    tops = "m.layersOf(given, new Set({})).map((layer) => layer.tops)"
    assert run("plot_layers.js", tops.format("[]"), plot) == [[11, None, 3], [9, 9, 9], [10, 20, None]]
    assert run("plot_layers.js", tops.format("['b']"), plot)[0] == [1, None, 3]


def test_axis_begins_at_zero_and_a_far_limit_does_not_flatten_the_rest() -> None:
    """The limit is in the plot while it is within ten times of what happened."""
    height = "m.heightOf(m.layersOf(given, new Set()), 'mbps')"
    near = {"lines": [line("sent", [80.0]), line("budget", [100.0], "limit")], "stacked": False}
    far = {"lines": [line("sent", [80.0]), line("budget", [10000.0], "limit")], "stacked": False}
    assert run("plot_layers.js", height, near) == pytest.approx(106.0)
    assert run("plot_layers.js", height, far) == pytest.approx(84.8)


def test_rows_are_sorted_with_the_unknown_last() -> None:
    """Whichever way a column is sorted, rows without a value come after those with one."""
    table = {"columns": [{"key": "n"}], "rows": [[2], [None], [10], [1]]}
    expression = "[false, true].map((descending) => m.sortRows(given, { key: 'n', descending }))"
    assert run("sort_table.js", expression, table) == [[[1], [2], [10], [None]], [[10], [2], [1], [None]]]
