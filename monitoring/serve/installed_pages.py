"""The pages that the dashboard has."""

from __future__ import annotations

from monitoring.pages.campaign import campaign
from monitoring.pages.job import job
from monitoring.pages.jobs import jobs
from monitoring.pages.overview import overview
from monitoring.pages.site import site
from monitoring.serve.recipes import Pages

__all__ = ["PAGES"]

PAGES = Pages(overview, campaign, site, jobs, job)
