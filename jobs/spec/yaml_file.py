"""Reads a YAML file that a person wrote into a pydantic model, and says every problem of it at once in plain words."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from jobs.errors import ConfigError, Problem
from jobs.seal import Damaged, unseal_yaml
from jobs.spec.model_keys import fields_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = ["did_you_mean", "place_of", "read_yaml"]

_Model = TypeVar("_Model", bound=BaseModel)
_Place = tuple[str | int, ...]


def read_yaml(path: Path, model: type[_Model], extra: Mapping[str, object] | None = None) -> _Model:
    """Read `path` as a `model`.

    Args:
        path: the file; a mapping at its top.
        model: what it must be; refuse unknown keys in it with `extra="forbid"`.
        extra: keys that do not stand in the file but follow from it, such as its name.

    Raises:
        ConfigError: with every problem of the file, each with its line.

    """
    lines, content = _parse(path)
    given = extra or {}
    problems = [
        (lines[(key,)], Problem(f"{path}:{lines[(key,)]}", key, "is not a key here", "it follows from the file's name"))
        for key in given
        if key in content
    ]
    try:
        model_read = model.model_validate({**content, **given})
    except ValidationError as error:
        reader = _Reader(str(path), model, content, lines)
        problems += map(reader.problem, _without_consequences(error.errors(include_url=False)))
        raise ConfigError([problem for _, problem in sorted(problems, key=itemgetter(0))]) from error
    if problems:
        raise ConfigError([problem for _, problem in problems])
    return model_read


def place_of(path: Path, *key: str) -> str:
    """Return `file:line` of a key in a file that has been read, or the file alone where the key is not written."""
    lines, _ = _parse(path)
    return f"{path}:{lines[key]}" if key in lines else str(path)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "did you mean …?" when a known word is near, or else the list of known words."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(words)}" if words else "there are none"


def _parse(path: Path) -> tuple[dict[_Place, int], dict[str, Any]]:
    """Return the line of every key, and the content."""
    name = str(path)
    try:
        text = unseal_yaml(path.read_bytes()).decode()
    except Damaged as error:
        remedy = "it was written by SonicGrid; whoever changes it on purpose removes its first and its last line"
        raise ConfigError([Problem(name, "", str(error), remedy)]) from error
    except FileNotFoundError as error:
        remedy = "check the path; it is relative to the folder where you are"
        raise ConfigError([Problem(name, "", "there is no such file", remedy)]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(name, "", f"cannot be read: {error}", "it must be a text file in UTF-8")]) from error
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            lines: dict[_Place, int] = {}
            problems = list(_walk(node, (), lines, name, set())) if node is not None else []
            if problems:
                raise ConfigError(problems)
            content = loader.construct_document(node) if node is not None else {}
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        what = getattr(error, "problem", None) or str(error)
        remedy = "indent with spaces, and quote a text that holds ': ' or '#' or starts with '*'"
        raise ConfigError([Problem(where, "", f"is not YAML: {what}", remedy)]) from error
    if not isinstance(content, dict):
        raise ConfigError([Problem(name, "", "is not a list of keys", "write one 'key: value' on each line")])
    return lines, content


def _walk(node: yaml.Node, place: _Place, lines: dict[_Place, int], name: str, seen: set[int]) -> Iterable[Problem]:
    """Note the line of every key under `node`; yield a problem for each key that stands twice."""
    lines[place] = node.start_mark.line + 1
    if id(node) in seen:  # an alias: walked where its anchor stands, and it may even contain itself
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*place, str(key.value))
            line = key.start_mark.line + 1
            if here in lines:
                remedy = f"keep one; the first is on line {lines[here]}"
                yield Problem(f"{name}:{line}", _dotted(here), "stands twice", remedy)
            yield from _walk(value, here, lines, name, seen)
            lines[here] = line
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _walk(value, (*place, index), lines, name, seen)


def _dotted(place: _Place) -> str:
    """Write a place as people do: jobs.memory, inputs[2]."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _without_consequences(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Drop what follows from another complaint.

    A list is too short because of its bad elements; a key is missing because it stands there misspelt.
    """
    places = [detail["loc"] for detail in details]
    unknown = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden"]

    def follows(detail: ErrorDetails) -> bool:
        *parent, key = detail["loc"] or ("",)
        if detail["type"] == "too_short":
            return any(place[: len(detail["loc"])] == detail["loc"] and place != detail["loc"] for place in places)
        misspelt = [str(place[-1]) for place in unknown if list(place[:-1]) == parent]
        return detail["type"] == "missing" and bool(difflib.get_close_matches(str(key), misspelt, n=1))

    return [detail for detail in details if not follows(detail)]


@dataclass(frozen=True)
class _Reader:
    """Turns pydantic's errors into problems."""

    file: str
    model: type[BaseModel]
    content: dict[str, Any]
    lines: dict[_Place, int]

    def problem(self, detail: ErrorDetails) -> tuple[int, Problem]:
        """Return the line and the problem."""
        place = self._place(detail)
        line = next((self.lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in self.lines), None)
        what, remedy = self._words(detail, place)
        return line or 0, Problem(f"{self.file}:{line}" if line else self.file, _dotted(place), what, remedy)

    def _place(self, detail: ErrorDetails) -> _Place:
        """Drop what pydantic adds to a place for the branches of a union and for keys."""
        place: list[str | int] = []
        value: Any = self.content
        last = len(detail["loc"]) - 1
        for index, part in enumerate(detail["loc"]):
            inside = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)
            if inside:
                place.append(part)
                value = value[part]
            elif index == last and detail["type"] == "missing":
                place.append(part)
        key = detail.get("ctx", {}).get("key")
        return (*place, key) if key else tuple(place)

    def _words(self, detail: ErrorDetails, place: _Place) -> tuple[str, str]:
        kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
        expected = {
            "int": "a whole number",
            "float": "a number",
            "string": "a text",
            "bool": "true or false",
            "tuple": "a list",
            "list": "a list",
            "model": "a group of keys",
            "dict": "a group of keys",
        }
        if kind == "missing":
            return "is missing", self._how_to_write(place)
        if kind == "extra_forbidden":
            return "is not a key here", did_you_mean(str(place[-1]), fields_at(self.model, place[:-1]))
        if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
            bound = next(iter(context.values()))
            relation = {"greater_than": "more than", "greater_than_equal": "at least", "less_than": "less than"}
            return f"is {given!r}", f"must be {relation.get(kind, 'at most')} {bound}"
        if kind == "literal_error":
            return f"is {given!r}", f"must be {context['expected']}"
        if kind in ("too_short", "string_too_short"):
            return "is empty", "give at least one"
        if kind == "string_too_long":
            return "is too long", f"at most {context['max_length']} characters"
        if kind == "string_pattern_mismatch":
            return f"is {given!r}", "letters, digits, '-' and '_' only, a letter or digit first"
        if "remedy" in context:
            return detail["msg"], str(context["remedy"])
        stem = kind.split("_")[0]
        if stem in expected:
            group = "a list" if isinstance(given, list) else "a group of keys"
            shown = "empty" if given is None else group if isinstance(given, dict | list) else repr(given)
            return f"is {shown}", f"must be {expected[stem]}"
        return detail["msg"], ""

    def _how_to_write(self, place: _Place) -> str:
        """Return how a missing key is written, where its model knows an example."""
        fields = fields_at(self.model, place[:-1])
        field = fields.get(str(place[-1]))
        if field is None or not field.examples:
            return f"keys here: {', '.join(sorted(fields))}"
        return f"write `{place[-1]}: {field.examples[0]}`: {field.description}"
