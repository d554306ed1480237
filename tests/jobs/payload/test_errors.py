"""Every exception has its exit class, decided in one place."""

from __future__ import annotations

import errno

import pytest

from jobs import errors as jobs_errors
from jobs.exits import ExitClass
from jobs.payload.errors import OutputRefused, WorkerUnfit, class_of_error
from jobs.payload.stop import Stopped
from jobs.reco import errors as reco_errors
from sonic import errors as sonic_errors


@pytest.mark.parametrize(
    ("error", "exit_class"),
    [
        (Stopped(), ExitClass.STOPPED),
        (reco_errors.InputAway("x"), ExitClass.INPUT_AWAY),
        (reco_errors.NotRoot("x"), ExitClass.BAD_INPUT),
        (reco_errors.EventBad("x"), ExitClass.BAD_INPUT),
        (reco_errors.EntriesOutOfRange("x"), ExitClass.BAD_INPUT),
        (OutputRefused("x"), ExitClass.OUTPUT),
        (sonic_errors.EndpointAway("x"), ExitClass.POOL_AWAY),
        (sonic_errors.EndpointNotReady("x"), ExitClass.POOL_NOT_READY),
        (sonic_errors.EndpointSilent("x"), ExitClass.POOL_SILENT),
        (sonic_errors.EndpointOverloaded("x"), ExitClass.POOL_OVERLOADED),
        (sonic_errors.EndpointUntrusted("x"), ExitClass.POOL_UNTRUSTED),
        (sonic_errors.RequestRefused("x"), ExitClass.POOL_REFUSED),
        (sonic_errors.TokenRefused("x"), ExitClass.POOL_DENIED),
        (sonic_errors.ModelMissing("x"), ExitClass.MODEL_MISSING),
        (sonic_errors.ModelMismatch("x"), ExitClass.MODEL_MISMATCH),
        (sonic_errors.RequestTooLarge("x"), ExitClass.REQUEST_TOO_LARGE),
        (sonic_errors.BadAnswer("x"), ExitClass.ANSWER_INCOMPLETE),
        (sonic_errors.AnswerIncomplete("x"), ExitClass.ANSWER_INCOMPLETE),
        (sonic_errors.AnswerNotFinite("x"), ExitClass.ANSWER_NOT_FINITE),
        (sonic_errors.CredentialsUnusable("x"), ExitClass.CREDENTIALS),
        (sonic_errors.MessageDamaged("x"), ExitClass.MESSAGE_DAMAGED),
        (sonic_errors.MessageInvalid("x"), ExitClass.POOL_REFUSED),
        (sonic_errors.ModelUnusable("x"), ExitClass.WORKER),
        (WorkerUnfit("x"), ExitClass.WORKER),
        (MemoryError(), ExitClass.WORKER),
        (ImportError("libx.so"), ExitClass.WORKER),
        (jobs_errors.CampaignError("x"), ExitClass.USAGE),
        (OSError(errno.ENOSPC, "x"), ExitClass.OUTPUT),
        (OSError(errno.EDQUOT, "x"), ExitClass.OUTPUT),
        (OSError(errno.EIO, "x"), ExitClass.BUG),
        (ZeroDivisionError("x"), ExitClass.BUG),
        (KeyboardInterrupt(), ExitClass.BUG),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_every_error_has_its_class(error: BaseException, exit_class: ExitClass) -> None:
    """The class must be that of the most fitting row, and a bug where nobody foresaw it."""
    assert class_of_error(error) is exit_class


def test_no_error_of_input_or_client_counts_as_a_bug() -> None:
    """An error that is added to the trees must not fall through to BUG unnoticed."""
    for module in (reco_errors, sonic_errors):
        for name in module.__all__:
            if name not in ("SonicError", "SetupFailed"):  # a base, and one that only starting servers raises
                assert class_of_error(getattr(module, name)("x")) is not ExitClass.BUG, name
