"""``python -m jobs.payload BLOCK_JSON JOB_NUMBER``: what HTCondor starts on the worker."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from jobs.payload.say import say
from jobs.payload.stop import StopSwitch

if TYPE_CHECKING:
    from jobs.payload.write_record import Ending

_HELP = """\
Runs one job of a block: reads its entries from ROOT, gets the network's score of every hit, and writes them to ROOT.

HTCondor starts it on the worker; by hand it repeats a failed job:

  SONICGRID_SITE=local python -m jobs.payload CAMPAIGN/blocks/00000/block.json 12

It leaves a ROOT file in the campaign's outputs folder and a record (JSON) in the block's, both complete or not at
all; SIGTERM ends it cleanly within seconds. Exit status:
"""
_EPILOG = """\
environment:
  SONICGRID_SITE    name of the site, which says how to reach the inference pool (gpu flavour); by default what the
                    slot advertises as GLIDEIN_Site
  SONICGRID_FLAVOUR gpu or cpu, for a job whose flavour is auto; by default gpu
"""


def _exit_table() -> str:
    from jobs.exits import EXITS

    return "\n".join(
        f"  {row.code:3}  {name:12} {row.meaning}" + ("; HTCondor tries again" if row.retry else "")
        for name, row in EXITS.items()
    )


def _arguments() -> argparse.Namespace:
    from jobs.exits import CHECKPOINT_EXIT

    parser = argparse.ArgumentParser(
        prog="python -m jobs.payload",
        description=_HELP + _exit_table(),
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("block", metavar="BLOCK_JSON", type=Path, help="description of the block")
    parser.add_argument("job", metavar="JOB_NUMBER", type=int, help="number of the job in the campaign's manifest")
    parser.add_argument(
        "--returned",
        metavar="FOLDER",
        type=Path,
        help="without a shared file system: leave output and record in this folder, which comes home with the job, "
        "and take input and network file from the working directory, by their names",
    )
    parser.add_argument(
        "--leave-to-save",
        action="store_true",
        help=f"with --returned: end with status {CHECKPOINT_EXIT} when HTCondor is to save that folder and to go on",
    )
    return parser.parse_args()


def _import_lightly() -> None:
    """Spare each of thousands of jobs what its imports would do for nothing; together a quarter of its CPU time."""
    # awkward imports pyarrow where it is installed; None is Python's own way to bar an import.
    sys.modules.setdefault("pyarrow", None)  # type: ignore[arg-type]
    # A slot has one core, and nothing here multiplies matrices with NumPy: OpenBLAS needs no threads.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Imports only add objects; searching them for garbage again and again finds none.
    gc.disable()


def _run(arguments: argparse.Namespace, switch: StopSwitch) -> Ending:
    _import_lightly()
    from jobs.block import read_block
    from jobs.errors import JobsError
    from jobs.layout import CHECKOUT
    from jobs.payload.attempt import Attempt
    from jobs.payload.errors import class_of_error
    from jobs.payload.places import sandbox_places, shared_places
    from jobs.payload.worker import look_around
    from jobs.payload.write_record import Ending

    gc.freeze()
    gc.enable()
    number, returned = arguments.job, arguments.returned
    try:
        block = read_block(arguments.block)
        job = block.find(number)
    except JobsError as error:
        return Ending(class_of_error(error), str(error))
    worker = look_around(os.environ)
    if returned:
        # The one question about a job that ran far away: with whose software?
        say(f"job {number}: {sys.executable} runs the software in {CHECKOUT}\n")
    places = (
        sandbox_places(block, job, worker, returned, leaves_to_save=arguments.leave_to_save)
        if returned
        else shared_places(block, job, worker)
    )
    attempt = Attempt(block, job, worker, switch, places)
    ending = attempt.run()
    done = attempt.progress
    how = "not over" if ending.again else ending.exit_class
    say(f"job {number}: {how}, {done.events} events, {done.hits} hits scored\n")
    return ending


def main() -> NoReturn:
    """Run one job and leave with its exit status."""
    switch = StopSwitch()
    switch.install()
    arguments = _arguments()
    from jobs.exits import CHECKPOINT_EXIT, EXITS

    ending = _run(arguments, switch)
    if ending.error:
        what = "note" if ending.again else "error"
        say(f"{ending.trace}{what}: {ending.error}\n")
    # Everything is on the disk. A thread that still hangs in a read or in gRPC must not hold the process.
    os._exit(CHECKPOINT_EXIT if ending.again else EXITS[ending.exit_class].code)


if __name__ == "__main__":
    main()
