"""YAML into frozen dataclasses, or the line that is wrong; the only door to YAML.

A plan is read against the dataclass it becomes: an unknown, missing or repeated key, a wrong type or a value out
of bounds is an error with its line, column and the nearest right name, all of them at once. Anchors, tags,
includes and templates are refused: a plan says what it means. `true` and `false` are the only booleans.
"""

from __future__ import annotations

import dataclasses
import types
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from jcml.dates import Period, parse_period
from jcml.errors import ConfigurationError, InputMissing, JcmlError, Place, nearest, raise_all

T = TypeVar("T")
_TOO_LARGE = 1_000_000
_DEEPEST = 50


def read_yaml(path: Path, shape: type[T]) -> T:
    """Read a YAML file as a dataclass.

    Parameters
    ----------
    path : Path
        The file; UTF-8, at most 1 MB.
    shape : type
        A frozen dataclass. Its fields are the allowed keys; a field without default is required. Field types may be
        `str`, `int`, `float`, `bool`, `date`, `Period`, `Literal[...]`, dataclasses, `tuple[X, ...]`,
        `dict[str, X]`, and unions of these with None.

    Raises
    ------
    InputMissing
        JC1100, if there is no such file.
    ConfigurationError
        JC1101 to JC1109, with line and column; several at once as `Several`.

    Examples
    --------
    >>> import tempfile
    >>> @dataclasses.dataclass(frozen=True)
    ... class Shape:
    ...     capacity: int
    ...     every: Period
    >>> file = Path(tempfile.mkdtemp()) / "plan.yaml"
    >>> _ = file.write_text("capacity: 40\\nevery: 1 month\\n")
    >>> read_yaml(file, Shape)
    Shape(capacity=40, every=Period(months=1, days=0, unbounded=False))
    """
    root = _compose(path)
    reader = _Reader(path)
    made = reader.build(root, shape, ())
    raise_all(reader.errors)
    return made  # type: ignore[no-any-return]


def _compose(path: Path) -> Any:
    import yaml

    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputMissing("JC1100", Place(path)) from None
    except OSError as error:
        raise InputMissing("JC1111", Place(path), problem=error.strerror or str(error)) from None
    if len(raw) > _TOO_LARGE:
        raise ConfigurationError("JC1106", Place(path), problem=f"{len(raw):,} bytes")
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigurationError("JC1110", Place(path, line)) from None
    try:
        depth = 0
        for event in yaml.parse(source, Loader=yaml.SafeLoader):
            start = event.start_mark
            assert start is not None
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise ConfigurationError("JC1106", Place(path, start.line + 1, start.column + 1), problem="nested too deeply")
            tag = getattr(event, "tag", None)
            if getattr(event, "anchor", None) or isinstance(event, yaml.AliasEvent) or tag not in (None, "!"):
                raise ConfigurationError("JC1107", Place(path, start.line + 1, start.column + 1))
        node = yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path)
        raise ConfigurationError("JC1106", place, problem=error.problem or "") from None
    except yaml.YAMLError as error:
        raise ConfigurationError("JC1106", Place(path), problem=str(error).splitlines()[0]) from None
    if node is None:
        raise ConfigurationError("JC1106", Place(path), problem="empty")
    return node


class _Reader:
    """Builds values from YAML nodes and remembers every problem."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.errors: list[JcmlError] = []

    def place(self, node: Any) -> Place:
        return Place(self.path, node.start_mark.line + 1, node.start_mark.column + 1)

    def wrong(self, node: Any, code: str, keys: tuple[str, ...], **facts: object) -> None:
        name = ".".join(keys) or "-"
        self.errors.append(ConfigurationError(code, self.place(node), **{"key": name, **facts}))

    def build(self, node: Any, shape: Any, keys: tuple[str, ...]) -> Any:
        origin = get_origin(shape)
        if origin in (Union, types.UnionType):
            return self._union(node, shape, keys)
        if dataclasses.is_dataclass(shape) and shape is not Period:
            return self._dataclass(node, shape, keys)
        if origin is tuple:
            return self._sequence(node, get_args(shape)[0], keys)
        if origin is dict:
            return self._mapping(node, get_args(shape)[1], keys)
        return self._scalar(node, shape, keys)

    def _union(self, node: Any, shape: Any, keys: tuple[str, ...]) -> Any:
        options = [a for a in get_args(shape) if a is not type(None)]
        if type(None) in get_args(shape) and getattr(node, "value", "") in ("", "null", "~") and node.id == "scalar":
            return None
        if len(options) == 1:
            return self.build(node, options[0], keys)
        for option in options:
            trial = _Reader(self.path)
            made = trial.build(node, option, keys)
            if not trial.errors:
                return made
        names = " / ".join(_name(o) for o in options)
        self.wrong(node, "JC1105", keys, expected=names, value=_shown(node))
        return None

    def _dataclass(self, node: Any, shape: Any, keys: tuple[str, ...]) -> Any:
        if node.id != "mapping":
            self.wrong(node, "JC1105", keys, expected="key: value", value=_shown(node))
            return None
        hints = get_type_hints(shape)
        known = {f.name: f for f in dataclasses.fields(shape) if f.init}
        given: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, keys)
            if key not in known:
                allowed = ", ".join(known)
                self.wrong(key_node, "JC1103", (*keys, str(key)), nearest=nearest(str(key), known), allowed=allowed)
            elif key in given:
                self.wrong(key_node, "JC1104", (*keys, key))
            else:
                given[key] = self.build(value_node, hints[key], (*keys, key))
        for name, field in known.items():
            required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if required and name not in given:
                self.wrong(node, "JC1101", (*keys, name))
        if self.errors:
            return None
        try:
            return shape(**given)
        except ConfigurationError as error:
            error.where = self.place(node)
            self.errors.append(error)
            return None
        except ValueError as error:
            self.wrong(node, "JC1109", keys, problem=str(error))
            return None

    def _key(self, node: Any, keys: tuple[str, ...]) -> str:
        if node.id != "scalar":
            raise ConfigurationError("JC1105", self.place(node), key=".".join(keys) or "-", value=_shown(node), expected="text")
        return str(node.value)

    def _sequence(self, node: Any, item: Any, keys: tuple[str, ...]) -> Any:
        if node.id != "sequence":
            self.wrong(node, "JC1105", keys, expected="- …", value=_shown(node))
            return ()
        return tuple(self.build(child, item, (*keys, str(i + 1))) for i, child in enumerate(node.value))

    def _mapping(self, node: Any, item: Any, keys: tuple[str, ...]) -> Any:
        if node.id != "mapping":
            self.wrong(node, "JC1105", keys, expected="key: value", value=_shown(node))
            return {}
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, keys)
            if key in made:
                self.wrong(key_node, "JC1104", (*keys, key))
            made[key] = self.build(value_node, item, (*keys, key))
        return made

    def _scalar(self, node: Any, shape: Any, keys: tuple[str, ...]) -> Any:
        if get_origin(shape) is Literal:
            options = get_args(shape)
            if node.id != "scalar" or node.value not in options:
                near = nearest(str(node.value), [str(o) for o in options]) if node.id == "scalar" else ""
                self.wrong(node, "JC1108", keys, value=_shown(node), allowed=", ".join(map(str, options)), nearest=near)
                return None
            return node.value
        if node.id != "scalar":
            self.wrong(node, "JC1105", keys, expected=_name(shape), value=_shown(node))
            return None
        text, quoted = node.value, node.style in ("'", '"', "|", ">")
        try:
            if shape is str or shape is Any:
                return text
            if quoted:
                raise ValueError
            if shape is bool:
                return {"true": True, "false": False}[text]
            if shape is int:
                return int(text)
            if shape is float:
                number = float(text)
                if number != number or number in (float("inf"), float("-inf")):
                    raise ValueError
                return number
            if shape is date:
                return date.fromisoformat(text)
            assert shape is Period, shape
            return parse_period(text)
        except (ValueError, KeyError):
            self.wrong(node, "JC1105", keys, expected=_name(shape), value=_shown(node))
            return None


def place_of(path: Path, *keys: str) -> Place:
    """The place of a key in a YAML file that was read before; of the file where it is not written.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "plan.yaml"
    >>> _ = file.write_text("split:\\n  gap: 1 month\\n")
    >>> place_of(file, "split", "gap").line
    2
    """
    node, found = _compose(path), None
    for key in keys:
        found = next(((k, v) for k, v in node.value if k.value == key), None) if node.id == "mapping" else None
        if found is None:
            return Place(path)
        node = found[1]
    return _Reader(path).place(found[0]) if found else Place(path)


def _name(shape: Any) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true / false", date: "2024-01-31"}
    if shape is Period:
        return "12 months / 90 days"
    if dataclasses.is_dataclass(shape):
        return "key: value"
    if get_origin(shape) is tuple:
        return "- …"
    return names.get(shape, str(shape))


def _shown(node: Any) -> str:
    return str(node.value)[:60] if node.id == "scalar" else {"mapping": "key: value", "sequence": "- …"}[node.id]
