"""The slots of the pool, as the collector knows them now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import htcondor2

from jobs.errors import PoolError
from jobs.pool.client import enter_pool

if TYPE_CHECKING:
    import classad2

__all__ = ["slot_ads"]


def slot_ads() -> list[classad2.ClassAd]:
    """Return the whole ad of every slot of the pool that jobs would go to, dynamic slots not among them.

    A dynamic slot is a part of a partitionable one, whose ad stands for it.

    Raises:
        PoolError: there is no pool, or its collector does not answer.

    """
    enter_pool()
    try:
        ads: list[classad2.ClassAd] = htcondor2.Collector().query(
            htcondor2.AdType.Startd, constraint="DynamicSlot =!= true"
        )
    except (htcondor2.HTCondorException, RuntimeError, ValueError) as error:
        message = f"no HTCondor collector answers ({error}); start the embedded pool with `sonicgrid pool up`"
        raise PoolError(message) from error
    return ads
