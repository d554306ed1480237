"""Which keys a pydantic model takes at a place of its file, for errors that know what could have stood there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo

__all__ = ["fields_at"]


def fields_at(model: type[BaseModel], place: Iterable[str | int]) -> dict[str, FieldInfo]:
    """Return the fields that may stand at a place below `model`, by the key that people write; none if it has no model.

    Args:
        model: of the whole file.
        place: keys of groups and of mappings, and positions in lists, from the top of the file.

    """
    annotation: Any = model
    for part in place:
        if isinstance(part, str):
            annotation = _under(annotation, part)
    inner = _inner_model(annotation)
    return {} if inner is None else {key: field for key, field in _fields(inner).items() if not field.exclude}


def _under(annotation: Any, key: str) -> Any:  # noqa: ANN401 - a type expression has no type of its own
    """Return the type of what stands under a key of a model or of a mapping."""
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    model = _inner_model(annotation)
    field = _fields(model).get(key) if model else None
    return field.annotation if field else None


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _inner_model(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - a type expression has no type of its own
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inner_model(part)) is not None), None)
