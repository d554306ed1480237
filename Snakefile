# The path of a campaign's data; each rule calls one module of jobs or monitoring.
#
#   snakemake --workflow-profile workflow/profiles/default --config campaign=workflow/campaigns/demo.yaml
#
# `sonicgrid submit` runs the same, with a lock, a log and a progress bar.

import os
import sys
from pathlib import Path

from snakemake.utils import min_version

from jobs.spec.campaign import load_campaign
from jobs.layout import CampaignFolder

min_version("9.14")

# The rules' `python` is the one that runs Snakemake, whether its environment is activated or not.
os.environ.update(PATH=f"{Path(sys.executable).parent}:{os.getenv('PATH', os.defpath)}")

spec = Path(config.get("campaign", "workflow/campaigns/demo.yaml")).resolve()
sites = Path(config.get("sites", Path(workflow.basedir) / "site_configs")).resolve()
folder = CampaignFolder(
    Path(config.get("folder") or load_campaign(spec).folder).resolve()
)


wildcard_constraints:
    block=r"\d{5}",


localrules:
    all,


rule all:
    input:
        folder.root / "complete",


include: "workflow/rules/plan.smk"
include: "workflow/rules/reprocess.smk"
include: "workflow/rules/collect.smk"
