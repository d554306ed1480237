"""Every expression in the files for Prometheus and Grafana, and the names of metrics in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FILES", "alert_rules", "grafana_expressions", "metric_names"]

FILES = Path(__file__).resolve().parents[2] / "monitoring" / "prometheus"

_METRIC = re.compile(r"\b(?:sonicgrid|nv|envoy)_\w+")


def alert_rules() -> list[dict[str, Any]]:
    """Return the rules of alerts.yaml, recording ones too."""
    groups = yaml.safe_load((FILES / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def grafana_expressions() -> Iterator[tuple[str, str]]:
    """Yield where it stands and the expression, for each query of grafana.json: panels, annotations, variables."""
    dashboard = json.loads((FILES / "grafana.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"].removeprefix("label_values(").rpartition(",")[0]


def metric_names(expression: str) -> set[str]:
    """Return the metrics that an expression asks for; names of labels and of recorded series are none."""
    without_labels = re.sub(r"\{[^}]*\}|\b(?:by|on|without|ignoring) \([^)]*\)|\b\w+:[\w:]+", "", expression)
    return set(_METRIC.findall(without_labels))
