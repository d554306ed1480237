"""The first look: hands a planned campaign's jobs to HTCondor, as many as its sites may have now."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jobs.errors import JobsError, PoolError
from jobs.layout import CampaignFolder
from jobs.running.queue import open_queue
from jobs.throttle.keep import Shift


def main() -> None:
    """Put the site configs into force and hand jobs over; where a throttle is at work already, it does that itself."""
    parser = argparse.ArgumentParser(prog="python -m jobs.throttle.begin", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="the folder of the campaign's results")
    parser.add_argument("--sites-folder", type=Path, required=True, help="the folder of site configs")
    arguments = parser.parse_args()
    folder = CampaignFolder(arguments.folder.resolve())
    try:
        with Shift(folder, arguments.sites_folder).on() as shift:
            if not shift.look_if_due():
                sys.stdout.write("another process keeps the throttle and hands the jobs over\n")
            _list_clusters(folder)
    except JobsError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)


def _list_clusters(folder: CampaignFolder) -> None:
    try:
        for cluster in open_queue().clusters(folder):
            where = ", ".join(cluster.sites)
            line = f"block {cluster.block}: cluster {cluster.cluster}, {len(cluster.jobs)} jobs for {where}\n"
            sys.stdout.write(line)
    except PoolError as error:
        # It restarts: whoever keeps the throttle hands the jobs over when it is back.
        sys.stdout.write(f"waiting: {error}\n")


if __name__ == "__main__":
    main()
