"""Parts of benchmarks/campaign_sim.py: a campaign of the paper's size on a simulated clock."""

from __future__ import annotations
