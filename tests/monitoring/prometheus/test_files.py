"""The files for Prometheus and Grafana are sound, and ask for metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from monitoring.collecting.read_metrics import WANTED
from monitoring.prometheus.exposition import ALL_METRICS
from monitoring.prometheus.make_grafana import grafana_dashboard, main
from tests.builders.promql import FILES, alert_rules, grafana_expressions, metric_names

if TYPE_CHECKING:
    from tests.monitoring.prometheus.conftest import Promtool

CHECKOUT = FILES.parents[1]
_OURS = {metric.name for metric in ALL_METRICS} | {
    f"{metric.name}_{part}"
    for metric in ALL_METRICS
    if metric.kind == "histogram"
    for part in ("bucket", "count", "sum")
}
KNOWN = _OURS | set(WANTED)
"""Ours, and those of Triton and Envoy that the collector reads too."""


def panels() -> list[dict[str, Any]]:
    """Return the panels of grafana.json."""
    found: list[dict[str, Any]] = json.loads((FILES / "grafana.json").read_text(encoding="utf-8"))["panels"]
    return found


def test_the_sample_configuration_is_sound(promtool: Promtool) -> None:
    """Prometheus takes the sample and finds the rules beside it."""
    assert "1 rule files found" in promtool("check", "config", FILES / "prometheus.yaml")


def test_the_rules_are_sound(promtool: Promtool) -> None:
    """Prometheus takes every rule, and none is there twice."""
    assert f"{len(alert_rules())} rules found" in promtool("check", "rules", FILES / "alerts.yaml")


def test_alerts_fire_when_they_must(promtool: Promtool, tmp_path: Path) -> None:
    """What alerts_test.yaml lets happen gives the alerts that it names, and no others of that name."""
    tests = tmp_path / "alerts_test.yaml"
    shutil.copy(Path(__file__).with_name("alerts_test.yaml"), tests)
    shutil.copy(FILES / "alerts.yaml", tmp_path)
    assert "SUCCESS" in promtool("test", "rules", tests)


def test_every_alert_is_tried_by_that() -> None:
    """Each alert must fire at least once in alerts_test.yaml."""
    text = Path(__file__).with_name("alerts_test.yaml").read_text(encoding="utf-8")
    fired = set(re.findall(r"alertname: (\w+)\n +exp_alerts:\n", text))
    assert {rule["alert"] for rule in alert_rules() if "alert" in rule} == fired


def test_every_alert_says_what_and_where_to_read_on() -> None:
    """Severity, summary and description are there, and the runbook has a heading for the alert."""
    for rule in alert_rules():
        if "alert" not in rule:
            continue
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert anchor == rule["alert"].lower()
        assert f"\n## {rule['alert']}\n" in (CHECKOUT / page).read_text(encoding="utf-8")


def test_runbooks_are_for_alerts_that_there_are() -> None:
    """The page has a section for each alert, in the order of the file, and for nothing else."""
    text = (CHECKOUT / "docs" / "how-to" / "answer-an-alert.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", text, re.M) == [rule["alert"] for rule in alert_rules() if "alert" in rule]


@pytest.mark.parametrize("rule", alert_rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_ask_for_metrics_that_there_are(rule: dict[str, Any]) -> None:
    """A metric in a rule is ours, or of Triton or Envoy; a recorded series is one that is recorded here."""
    recorded = {other["record"] for other in alert_rules() if "record" in other}
    assert metric_names(rule["expr"]) <= KNOWN
    assert set(re.findall(r"\b[a-z]+:\w+:\w+", rule["expr"])) <= recorded


def test_grafana_asks_for_metrics_that_there_are() -> None:
    """Each metric in grafana.json is ours, or of Triton or Envoy."""
    expressions = dict.fromkeys(expression for _, expression in grafana_expressions())
    assert set().union(*map(metric_names, expressions)) <= KNOWN
    assert all(map(metric_names, expressions))


def test_names_are_found_in_expressions() -> None:
    """Labels and recorded series are not taken for metrics."""
    expression = 'sum by (envoy_cluster_name) (nv_a{envoy_b="c"}) and on (sonicgrid_x) campaign:sonicgrid_d:sum > 0'
    assert metric_names(expression) == {"nv_a"}


def test_the_grafana_file_is_what_the_program_makes(capsys: pytest.CaptureFixture[str]) -> None:
    """Who changes the panels makes the file anew: `python -m monitoring.prometheus.make_grafana`."""
    assert main() == 0
    assert (FILES / "grafana.json").read_text(encoding="utf-8") == capsys.readouterr().out


def test_the_grafana_file_has_what_grafana_needs() -> None:
    """Identity, schema, variables; panels with places that do not overlap, and queries that can be told apart."""
    dashboard = grafana_dashboard()
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,40}", dashboard["uid"])
    assert dashboard["schemaVersion"] >= 39
    assert dashboard["title"]
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == [
        "datasource",
        "campaign",
        "site",
        "link",
    ]
    assert [number for number, _ in enumerate(panels(), 1)] == [panel["id"] for panel in panels()]
    cells: Counter[tuple[int, int]] = Counter()
    for panel in panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells.update(
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        )
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        names = [target["refId"] for target in panel["targets"]]
        assert names == sorted(set(names))
        assert names
        assert panel["fieldConfig"]["defaults"]["unit"]
    assert set(cells.values()) == {1}


def test_variables_that_panels_use_are_there() -> None:
    """No query has a variable that nobody chooses."""
    known = {variable["name"] for variable in grafana_dashboard()["templating"]["list"]} | {"__rate_interval"}
    for _, expression in grafana_expressions():
        assert set(re.findall(r"\$(\w+)", expression)) <= known
