"""Settings files as models: a TOML file held to one, with every fault it has in its line.

A model is a table of the file. It refuses unknown keys and converts nothing: text is no number, ``1`` is not ``true``.
What a key means, and an example of it, stand in its field, where messages and the JSON Schemas of ``docs/schemas`` take
them from.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from suanheng.config.errors import BadSettings, Fault
from suanheng.config.toml_lines import Place, lines_of

_LONGEST_SHOWN = 60


class Table(BaseModel):
    """A table of a settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Text = Annotated[str, Field(min_length=1)]

Model = TypeVar("Model", bound=Table)


def refusal(expected: str, got: str | None = None, do: str | None = None) -> PydanticCustomError:
    """What a validator raises.

    Args:
        expected: what must hold, as in "expected …".
        got: what was found, where it is not the value itself; a secret must not be repeated.
        do: what to do, where that is more than to write something like the example of the field.
    """
    return PydanticCustomError("refusal", "{expected}", {"expected": expected, "got": got, "do": do})


def did_you_mean(word: object, known: Collection[str]) -> str | None:
    """Advice for a word that is misspelled; ``None`` where no known one is near."""
    near = difflib.get_close_matches(str(word), known, n=1) or difflib.get_close_matches(str(word).upper(), known, n=1)
    return f"did you mean {near[0]}?" if near else None


@dataclass(frozen=True)
class Like:
    """What marks a field as text of a form.

    Attributes:
        pattern: the form, for programs.
        words: the form, for people.
    """

    pattern: str
    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}

    def _checked(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise refusal(self.words)
        return value


def only_once(value: Any, info: ValidationInfo) -> Any:
    """Refuse a value that an entry further up in the file has for the same key; for use with ``AfterValidator``."""
    assert info.context is not None
    seen = info.context.setdefault(f"seen {info.field_name}", set())
    if value in seen:
        raise refusal(f"every {info.field_name} once", f"{_told(value)} again", "rename it or remove one of them")
    seen.add(value)
    return value


def read(path: Path, model: type[Model], context: Mapping[str, Any] | None = None) -> Model:
    """Read a settings file.

    Args:
        path: the TOML file.
        model: what it must hold.
        context: what validators of the model want to know besides the file.

    Raises:
        BadSettings: the file is missing, is not TOML, or breaks the model; with every fault.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except FileNotFoundError:
        advice = f"create a workspace with: suanheng init {path.parent}"
        raise BadSettings(
            f"{path} does not exist:", [Fault(path.name, None, "the file", "a settings file", "none", advice)]
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fault = Fault(path.name, _line_of(error), "the file", "TOML", f"not TOML: {error}", "repair that line")
        raise BadSettings(f"{path} is not a TOML file:", [fault]) from None
    try:
        return model.model_validate(content, context=dict(context or {}))
    except ValidationError as error:
        lines = lines_of(text)
        found = [(_place(each), each) for each in error.errors(include_url=False)]
        faults = [_fault(path.name, lines, place, model, each) for place, each in found]
    raise BadSettings(f"{path} cannot be used:", sorted(faults, key=lambda fault: fault.line or 0))


def json_schema(model: type[Table]) -> dict[str, Any]:
    """JSON Schema of a settings file, in draft 7, which editors of TOML understand."""
    stated = model.model_json_schema(schema_generator=_SchemaWithoutNull)
    return {"$schema": "http://json-schema.org/draft-07/schema#", **_without_noise(stated)}


class _SchemaWithoutNull(GenerateJsonSchema):
    """What may be left out is left out: TOML has no null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])


def _without_noise(node: Any) -> Any:
    """A schema without titles, which repeat the keys, and without defaults that are null."""
    if isinstance(node, list):
        return [_without_noise(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if (key, value) != ("default", None)}
    if isinstance(kept.get("title"), str):
        del kept["title"]
    return {key: _without_noise(value) for key, value in kept.items()}


def _line_of(error: tomllib.TOMLDecodeError | UnicodeDecodeError) -> int:
    if isinstance(error, UnicodeDecodeError):
        return error.object.count(b"\n", 0, error.start) + 1
    stated = re.search(r"\(at line (\d+)", str(error))
    return int(stated[1]) if stated else 1


def _place(error: ErrorDetails) -> Place:
    return tuple(error["loc"])


def _fault(file: str, lines: Mapping[Place, int], place: Place, model: type[Table], error: ErrorDetails) -> Fault:
    ways = [place[:length] for length in range(len(place), 0, -1)]
    line = next((lines[way] for way in ways if way in lines), 1)
    table, field = _field(model, place)
    expected, got, do = _words(error, table, field)
    return Fault(file, line, _shown(place), expected, got, do)


def _words(error: ErrorDetails, table: type[Table], field: FieldInfo | None) -> tuple[str, str, str]:
    """What was expected and found, and what to do."""
    kind, context, key = error["type"], error.get("ctx", {}), str(error["loc"][-1])
    got = _told(error["input"])
    example = f"write e.g. {key} = {_as_toml(field.examples[0])}" if field and field.examples else "correct it"
    if kind == "extra_forbidden":
        known = sorted(each.alias or name for name, each in table.model_fields.items())
        return f"one of the keys {', '.join(known)}", key, did_you_mean(key, known) or "remove it"
    if kind == "missing":
        return f"the key {key}", "nothing", example.replace("write", "add", 1)
    if kind == "refusal":
        return context["expected"], context["got"] or got, context["do"] or example
    if kind == "literal_error":
        allowed = re.findall("'([^']*)'", context["expected"])
        return f"one of {', '.join(allowed)}", got, did_you_mean(error["input"], allowed) or example
    return _TYPES[kind].format(key=key, **context), got, example


_TYPES = {
    "string_type": "text",
    "string_too_short": "some text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "date_type": "a day without quotes",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "dict_type": "a table",
    "model_type": "a table",
    "path_type": "a path",
    "list_type": "entries that each begin with [[{key}]]",
}
"""What each kind of error of pydantic that a model here can meet says was expected."""


def _field(model: type[Table], place: Place) -> tuple[type[Table], FieldInfo | None]:
    """The table a place is in, and its field there; no field where the key is unknown."""
    table, field, below = model, None, model
    for step in place:
        if isinstance(step, str):
            table = below
            field = next((each for name, each in table.model_fields.items() if (each.alias or name) == step), None)
            if field is None:
                break
            below = _table_in(field.annotation) or below
    return table, field


def _table_in(annotation: Any) -> type[Table] | None:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    return next(filter(None, map(_table_in, get_args(annotation))), None)


def _shown(place: Place) -> str:
    """A place as the file writes it: ``warehouse.threads``, ``[[site]] number 2, time_zone``."""
    if len(place) > 1 and isinstance(place[1], int):
        entry = f"[[{place[0]}]] number {place[1] + 1}"
        return ", ".join([entry, *([_shown(place[2:])] if place[2:] else [])])
    return ".".join(map(str, place)) or "the file"


def _told(value: Any) -> str:
    """A value as the file writes it, or what it is where it is long."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    text = _as_toml(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def _as_toml(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False, default=str)
