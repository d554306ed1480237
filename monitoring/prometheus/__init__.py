"""The dashboard for Prometheus and Grafana: a page of metrics, alert rules, and a dashboard file to import."""

from __future__ import annotations
