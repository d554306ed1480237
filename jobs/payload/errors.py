"""What can go wrong on the worker, and the one place that says which exit class an exception belongs to.

JobsError
├── OutputRefused     the output or the record cannot be written: disk full, quota, permission
├── ChirpFailed       HTCondor's starter does not answer the job, or not with what was asked; never ends a job
└── WorkerUnfit       the worker, or the way it was reached, lacks something that this job needs
"""

from __future__ import annotations

import errno

from jobs.errors import CampaignError, InputError, JobsError, UsageError
from jobs.exits import ExitClass
from jobs.payload.stop import Stopped
from jobs.reco.errors import InputAway
from jobs.storage.errors import ClientMissing, StorageRefused
from sonic.errors import (
    AnswerNotFinite,
    BadAnswer,
    CredentialsUnusable,
    EndpointAway,
    EndpointNotReady,
    EndpointOverloaded,
    EndpointSilent,
    EndpointUntrusted,
    MessageDamaged,
    MessageInvalid,
    ModelMismatch,
    ModelMissing,
    ModelUnusable,
    RequestRefused,
    RequestTooLarge,
    TokenRefused,
)

__all__ = ["ChirpFailed", "OutputRefused", "WorkerUnfit", "class_of_error"]


class ChirpFailed(JobsError):
    """HTCondor's starter does not answer, or not with what was asked."""


class OutputRefused(JobsError):
    """The file system does not take the output."""


class WorkerUnfit(JobsError):
    """The job cannot run on this worker; it may on another one."""


_CLASSES: tuple[tuple[type[BaseException], ExitClass], ...] = (
    (Stopped, ExitClass.STOPPED),
    (InputAway, ExitClass.INPUT_AWAY),
    (InputError, ExitClass.BAD_INPUT),
    (OutputRefused, ExitClass.OUTPUT),
    (ClientMissing, ExitClass.WORKER),
    (StorageRefused, ExitClass.OUTPUT),
    (EndpointNotReady, ExitClass.POOL_NOT_READY),
    (EndpointSilent, ExitClass.POOL_SILENT),
    (EndpointOverloaded, ExitClass.POOL_OVERLOADED),
    (EndpointUntrusted, ExitClass.POOL_UNTRUSTED),
    (EndpointAway, ExitClass.POOL_AWAY),
    (TokenRefused, ExitClass.POOL_DENIED),
    (ModelMissing, ExitClass.MODEL_MISSING),
    (ModelMismatch, ExitClass.MODEL_MISMATCH),
    (RequestTooLarge, ExitClass.REQUEST_TOO_LARGE),
    (RequestRefused, ExitClass.POOL_REFUSED),
    # A pool that keeps answering nonsense has a broken server: another try may find other servers.
    (AnswerNotFinite, ExitClass.ANSWER_NOT_FINITE),
    (BadAnswer, ExitClass.ANSWER_INCOMPLETE),
    (MessageDamaged, ExitClass.MESSAGE_DAMAGED),
    (MessageInvalid, ExitClass.POOL_REFUSED),
    (CredentialsUnusable, ExitClass.CREDENTIALS),
    (ModelUnusable, ExitClass.WORKER),
    (WorkerUnfit, ExitClass.WORKER),
    (MemoryError, ExitClass.WORKER),
    (ImportError, ExitClass.WORKER),
    (CampaignError, ExitClass.USAGE),
    (UsageError, ExitClass.USAGE),
)
"""The first row that fits counts, so a subclass stands before its base."""


_FULL = (errno.ENOSPC, errno.EDQUOT)


def class_of_error(error: BaseException) -> ExitClass:
    """Return the exit class of whatever ended an attempt; what nobody foresaw is a bug."""
    for kind, exit_class in _CLASSES:
        if isinstance(error, kind):
            return exit_class
    # Wherever a full disk is met, waiting helps.
    return ExitClass.OUTPUT if isinstance(error, OSError) and error.errno in _FULL else ExitClass.BUG
