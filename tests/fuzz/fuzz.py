"""Coverage-guided fuzzing: `python -m tests.fuzz.fuzz TARGET --seconds 600`, or `make fuzz` for every target.

It begins with the inputs of `corpus/TARGET`; what reaches something new goes into the folder of `--corpus`. An input
that shows a fault is written there as `found-…`, and the exit status is not 0.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import mkdtemp

import atheris

from tests.fuzz.mutate_json import mutate_json
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    """Fuzz one target until the time is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.fuzz", description="Fuzz a reader of bytes.")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0, help="of the mutations; 0 for another one each time")
    parser.add_argument("--corpus", type=Path, help="folder for new inputs; by default one in the temporary folder")
    options = parser.parse_args()
    new = options.corpus or Path(mkdtemp(prefix=f"fuzz-{options.target}-"))
    new.mkdir(parents=True, exist_ok=True)
    target = TARGETS[options.target]
    with atheris.instrument_imports(include=list(target.modules)):
        run = target.make(Path(mkdtemp(prefix="fuzz-files-")))
    arguments = [
        sys.argv[0],
        f"-max_total_time={options.seconds}",
        f"-seed={options.seed}",
        f"-max_len={target.longest_bytes}",
        "-timeout=20",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
        f"-artifact_prefix={new}/found-",
        str(new),
        str(CORPUS / options.target),
    ]
    if target.json:
        atheris.Setup(arguments, run, custom_mutator=_mutate)
    else:
        atheris.Setup(arguments, run)
    atheris.Fuzz()


def _mutate(data: bytes, longest: int, seed: int) -> bytes:
    """Change values inside of JSON, and now and then the bytes themselves."""
    changed = mutate_json(data, seed) if seed % 4 else None
    if changed is None or len(changed) > longest:
        return bytes(atheris.Mutate(data, longest))
    return changed


if __name__ == "__main__":
    main()
