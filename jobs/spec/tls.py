"""How a site's jobs reach endpoints that want TLS: files on the worker, whose names are all that a config may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from jobs.spec.site_text import mistake

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Tls", "WorkerPath"]


def _check_path(text: str) -> str:
    if text != text.strip() or "\n" in text or not text.startswith(("/", "$")):
        remedy = "write the path as the workers see it, or begin it with a variable, like $_CONDOR_CREDS/pool.use"
        raise mistake(f"{text!r} is not an absolute path", remedy)
    return text


WorkerPath = Annotated[str, AfterValidator(_check_path)]
"""A path on the worker; it may begin with a variable of the job's environment."""


class Tls(BaseModel):
    """The files of a TLS connection, each with a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca: WorkerPath | None = Field(
        None, description="Certificates that the endpoints' certificates are trusted by; by default the worker's own"
    )
    certificate: WorkerPath | None = Field(
        None, description="Certificate that jobs show the endpoints; by default none"
    )
    key: WorkerPath | None = Field(None, description="Key of that certificate")

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        for given, missing in (("certificate", "key"), ("key", "certificate")):
            if getattr(self, given) and not getattr(self, missing):
                raise mistake(f"has a {given} and no {missing}", "give both, or neither")
        return self
