"""The archive that carries a job's whole environment to a worker: interpreter, packages, and nothing else."""

from __future__ import annotations
