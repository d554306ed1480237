"""How a worker gets the Python that runs the payload: sites differ in what a worker can see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from jobs.spec.site_text import mistake

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Environment", "EnvironmentKind"]

EnvironmentKind = Literal["python", "archive", "container"]


def _check_word(text: str) -> str:
    if any(character.isspace() for character in text):
        raise mistake(f"{text!r} has white space in it", "rename it; it goes into a submit description as it is")
    return text


def _check_python(text: str) -> str:
    if not text.startswith("/"):
        raise mistake(f"{text!r} is not an absolute path", "write the path as the workers see it, like /cvmfs/...")
    return text


_Word = Annotated[str, Field(min_length=1), AfterValidator(_check_word)]


class Environment(BaseModel):
    """Exactly one way to a Python that has SonicGrid installed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    python: Annotated[_Word, AfterValidator(_check_python)] | None = Field(
        None, description="Path of a Python on a file system that the workers share, with SonicGrid installed in it"
    )
    archive: _Word | None = Field(
        None, description="Packed archive with Python and SonicGrid, path or URL, which HTCondor transfers to the job"
    )
    container: _Word | None = Field(
        None, description="Image of a container with Python and SonicGrid, such as `docker://...` or a `.sif` file"
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "is empty"
            raise mistake(what, "give exactly one of python, archive, container")
        return self

    @property
    def kind(self) -> EnvironmentKind:
        """Which of the ways it is."""
        return "python" if self.python else "archive" if self.archive else "container"
