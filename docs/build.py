"""The reference, written from the code: `make docs` writes it, `python docs/build.py --check` fails when it is stale.

A command is described by its own help, an error by the catalogue, a key by the docstring or table of what reads it, an
operator by its docstring. Nothing here describes anything itself.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import click

import jcml.features
import jcml.tables
from jcml.cli.main import COMMANDS
from jcml.cli.main import jcml as group
from jcml.dates import Period
from jcml.durable import STEPS
from jcml.errors import JcmlError, catalogue
from jcml.query import AGGREGATES, OPERATIONS
from jcml.registry.mlflow import CONTENTS, SETTINGS
from jcml.review.site import KEYS as SITE_KEYS
from jcml.review.site import TABLES
from jcml.serving.plan import ServingPlan
from jcml.tables.expression import ColumnExpression, Expression, Rows
from jcml.tables.office import KEYS, UNITS, type_name
from jcml.tables.quality import FINDINGS
from jcml.tables.table import Column, EntityTable, EventTable
from jcml.training.evaluate import METRICS
from jcml.training.plan import TrainingPlan
from jcml.workspace.shapes import CalendarFile, ParameterEntry

HERE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/build.py from the code. Change the code, then run `make docs`. -->\n\n"


def commands() -> str:
    """Every command with its arguments and options."""
    context = click.Context(group, info_name="jcml")
    lines = ["# Commands", "", inspect.cleandoc(group.help or ""), "", "Options of every command stand before its name: `jcml --lang en data ls`.", ""]
    lines += [*_options(group, context), ""]
    lines += _table(("command", "what for"), ((f"[`jcml {n}`](#jcml-{n})", _cell(about)) for n, (_, about) in COMMANDS.items()))
    for name, command in every_command():
        lines += ["", f"{'#' * len(name.split())} {name}", ""]
        lines += [f"`{usage(name, command)}`", "", " ".join((command.help or "").split()), ""]
        if not isinstance(command, click.Group):
            lines += _options(command, context)
    return "\n".join(lines)


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Every command and group below `jcml`, by its whole name."""
    context = click.Context(group, info_name="jcml")
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        yield f"jcml {name}", command
        if isinstance(command, click.Group):
            for child in sorted(command.commands):
                yield f"jcml {name} {child}", command.commands[child]


def usage(name: str, command: click.Command) -> str:
    """The command as one types it."""
    return " ".join([name, *command.collect_usage_pieces(click.Context(command))])


def _options(command: click.Command, context: click.Context) -> list[str]:
    rows = []
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help and (record := parameter.get_help_record(context)):
            rows.append((f"`{_cell(record[0])}`", _cell(record[1])))
    return _table(("option", ""), rows) if rows else []


def errors() -> str:
    """Every exit code, every error code in both languages, and the named steps of durable writing."""
    kinds = sorted((k for k in _below(JcmlError)), key=lambda k: k.exit_code)
    lines = ["# Errors", "", "An error says what is wrong, where (`file:line:column`), what was expected, and what to do next.",
             "`jcml help CODE` prints the same on the command line. The codes are stable.", "", "## Exit codes", ""]
    rows = [("0", "", "done, or done before for this key")]
    rows += [(str(k.exit_code), f"`{k.__name__}`", _cell((inspect.getdoc(k) or "").split("\n\n")[0])) for k in kinds]
    rows += [("70", "", "an error inside jcml; `--debug` shows where"), ("130", "", "interrupted")]
    lines += _table(("code", "error", "meaning"), sorted(rows, key=lambda r: int(r[0])))
    lines += ["", "## Error codes", "", "Words in braces are filled with the facts of the case.", ""]
    for code, entry in sorted(catalogue().items()):
        lines += [f"### {code}", "", f"*{entry['kind']}*", ""]
        for language, colon in (("zh", "："), ("en", ": ")):
            words = {"zh": ("应为", "下一步"), "en": ("expected", "next")}[language]
            said = entry[language]
            parts = [said["what"]] + [f"{w}{colon}{said[k]}" for w, k in zip(words, ("expected", "next"), strict=True) if k in said]
            lines.append("- " + ("。" if language == "zh" else "; ").join(parts))
        lines.append("")
    lines += ["## Durable steps", "", "What holds when a step has just been done; tests stop the process at each.", ""]
    return "\n".join([*lines, *_table(("step", ""), ((f"`{k}`", v) for k, v in STEPS.items()))])


def _below(kind: type[JcmlError]) -> Iterator[type[JcmlError]]:
    for child in kind.__subclasses__():
        if child.__module__ == "jcml.errors" and child.__name__ != "Several":
            yield child


def plans() -> str:
    """Every key of the YAML files of a workspace."""
    lines = ["# Plans", "", "`training/NAME.yaml` says how a supervision model learns, `serving/NAME.yaml` how it is used. A key without",
             "default is required; an unknown key is an error. A period is written `3 months` or `90 days`.", ""]
    for title, shape in (("training/NAME.yaml", TrainingPlan), ("serving/NAME.yaml", ServingPlan)):
        lines += [f"## {title}", "", *_keys(shape), ""]
    lines += ["## Metrics a gate may name", ""]
    lines += _table(("metric", "中文", "", "gate"), ((f"`{n}`", zh, en, f"`{better}`") for n, (zh, en, better) in METRICS.items()))
    lines += ["", "## features/parameters/FILE.yaml", "", "Dated numbers, each with its source; a definition uses one as `parameter(\"FILE.KEY\")`.", ""]
    lines += [*_keys(ParameterEntry), "", "## features/parameters/calendar.yaml", "", *_keys(CalendarFile), ""]
    return "\n".join(lines)


def _keys(shape: Any) -> list[str]:
    return _table(("key", "takes", "default", "meaning"), ((f"`{k}`", t, d, _cell(s)) for k, t, d, s in keys(shape)))


def keys(shape: Any, before: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Every key below a dataclass: its name, what it takes, its default, what it means."""
    hints, said = get_type_hints(shape), described(shape)
    for field in dataclasses.fields(shape):
        kind = hints[field.name]
        inner = next((a for a in (kind, *get_args(kind)) if dataclasses.is_dataclass(a) and a is not Period), None)
        name = before + field.name
        yield name, takes(kind), _default(field), said.get(field.name, "")
        if inner is not None:
            yield from keys(inner, f"{name}[]." if get_origin(kind) is tuple else f"{name}.")


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return "required"
    value = field.default if field.default is not dataclasses.MISSING else field.default_factory()  # type: ignore[misc]
    if dataclasses.is_dataclass(value) and not isinstance(value, Period):
        return ""
    if isinstance(value, Period):
        return f"`{value.months} months`" if value.months else f"`{value.days} days`"
    return "" if value in (None, "", (), {}) else f"`{str(value).lower() if isinstance(value, bool) else list(value) if isinstance(value, tuple) else value}`"


def takes(kind: Any) -> str:
    """What a field accepts, as a reader of YAML says it."""
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(takes(a) for a in get_args(kind) if a is not type(None))
    if get_origin(kind) is Literal:
        return ", ".join(f"`{a}`" for a in get_args(kind))
    if get_origin(kind) is tuple:
        return f"list of {takes(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return f"name: {takes(get_args(kind)[1])}"
    if kind is Period:
        return "period"
    return "keys below" if dataclasses.is_dataclass(kind) else type_name(kind)


def described(shape: Any) -> dict[str, str]:
    """What the `Parameters` section of a docstring says of each name."""
    found: dict[str, str] = {}
    for names, text in re.findall(r"^(\S.*?) :.*\n((?:    .*\n?)*)", section(inspect.getdoc(shape) or "", "Parameters"), re.M):
        for name in names.split(", "):
            found[name.lstrip("*")] = " ".join(text.split())
    return found


def section(doc: str, title: str) -> str:
    """The text of one section of a docstring; empty if there is none."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|^>>>|\Z)", doc, re.M | re.S)
    return found[1] if found else ""


def office() -> str:
    """Every key of `office.toml`."""
    lines = ["# office.toml", "", (inspect.getdoc(jcml.tables.office) or "").split("\n\n", 1)[1], ""]
    for table, allowed in KEYS.items():
        lines += [f"## [{table}]" if table else "## Top", ""]
        lines += [*_table(("key", "takes", "meaning"), ((f"`{n}`", type_name(k), _cell(says)) for n, (k, says) in allowed.items())), ""]
    lines += ["## Units", "", "Each as a multiple of the contract's own unit.", ""]
    lines += [*_table(("unit", "times"), ((u, str(f)) for u, f in UNITS.items())), "", "## What a quality report may point at", ""]
    return "\n".join([*lines, *_table(("finding", "中文", ""), ((f"`{n}`", zh, en) for n, (zh, en) in FINDINGS.items()))])


def review() -> str:
    """Every key of `review.toml`."""
    lines = ["# review.toml", "", "What a site says of its workbench, in the workbench's home. Every key may be left out.", ""]
    lines += _table(("key", "when left out", "meaning"), ((f"`{n}`", f"`{default!r}`" if default != "" else "empty", _cell(says)) for n, (default, says) in SITE_KEYS.items()))
    for table, keys_ in TABLES.items():
        lines += ["", f"## [{table}]", "", *_table(("key", "meaning"), ((f"`{n}`", _cell(says)) for n, says in keys_.items()))]
    return "\n".join(lines)


def language() -> str:
    """The feature language: contracts, windows, values, functions, the model itself."""
    lines = ["# The feature language", "", "Everything a definition file may use. The meaning is fixed, on every engine, by `tests/spec`.", ""]
    lines += ["## Contracts", "", inspect.getdoc(jcml.tables.table) or "", ""]
    for kind in (EventTable, EntityTable, Column):
        lines += [*_entry(kind.__name__, kind, "###"), ""]
    lines += ["Column types: " + ", ".join(f"`{n}`" for n in jcml.tables.__all__ if not n[0].isupper()) + ".", ""]
    for name in ("code", "decimal"):
        lines += _entry(_call(name, getattr(jcml.tables, name)), getattr(jcml.tables, name), "###")
    lines += ["## Windows over rows", "", _windows(), "", "### Of a column or expression", ""]
    lines += _methods(Expression, "column", lambda f: "over" in inspect.signature(f).parameters)
    lines += ["### Of a table, or of rows that were narrowed", "", *_methods(Rows, "Table", lambda f: f.__name__ != "aggregate")]
    lines += ["### Meaning of each", ""]
    lines += _table(("function", "meaning", "no rows"), ((f"`{n}`", m.says, "NULL" if m.empty is None else str(m.empty)) for n, m in AGGREGATES.items()))
    lines += ["", "## Values and conditions", "", "`+ - * /`, `== != < <= > >=`, `& | ~` (Python keeps `and`, `or`, `not` for itself), `abs()`, and:", ""]
    lines += _methods(Expression, "value", lambda f: "over" not in inspect.signature(f).parameters)
    lines += [*_methods(ColumnExpression, "column", lambda f: True), "### Meaning of each operation", ""]
    lines += [*_table(("operation", "meaning"), ((f"`{_cell(n)}`", m) for n, m in OPERATIONS.items())), "", "## Functions", ""]
    for name in jcml.features.__all__:
        found = getattr(jcml.features, name)
        if inspect.isfunction(found):
            lines += _entry(_call(name, found), found, "###")
    lines += ["### as_of", "", "The as-of date of the row, as a value.", "", "### ever", "", "The period without a beginning.", ""]
    return "\n".join([*lines, "## SupervisionModel", "", *_entry("", jcml.features.SupervisionModel, "")])


def _windows() -> str:
    from jcml.query import Aggregate

    return f"`over` and `lag`: {described(Aggregate)['over']} `where`: {described(Aggregate)['where']}"


def _methods(kind: type, before: str, wanted: Callable[[Any], bool]) -> list[str]:
    lines = []
    for name, found in vars(kind).items():
        if name.startswith("_"):
            continue
        if isinstance(found, property):
            if wanted(lambda: None):
                lines.append(f"- `{before}.{name}`: {_first(found)}")
        elif inspect.isfunction(found) and wanted(found):
            lines.append(f"- `{before}.{_call(name, found)}`: {_first(found)}")
    return [*lines, ""]


def _first(found: Any) -> str:
    return " ".join(re.split(r"\n\w+\n-+\n|>>>", inspect.getdoc(found) or "")[0].split())


def _call(name: str, found: Any) -> str:
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in inspect.signature(found).parameters.values() if p.name != "self"]
    return name + re.sub(r" -> .*", "", str(inspect.Signature(parameters)))


def _entry(heading: str, found: Any, mark: str) -> list[str]:
    """A docstring as Markdown: its sections become tables and lists, its examples a block."""
    doc = inspect.getdoc(found) or ""
    prose = re.split(r"^(?:\w+\n-+\n|>>>)", doc, maxsplit=1, flags=re.M)[0].strip()
    lines = [f"{mark} {heading}", "", prose, ""] if heading else [prose, ""]
    if rows := described(found):
        lines += [*_table(("", ""), ((f"`{n}`", _cell(t)) for n, t in rows.items())), ""]
    if example := re.findall(r"^>>>.*?(?=\n\n|\Z)", doc, re.M | re.S):
        lines += ["```python", *example[0].splitlines(), "```", ""]
    return lines


def mlflow() -> str:
    """What a registered version holds."""
    lines = ["# What MLflow holds", "", "A trained model is a run, a model version, and the aliases `challenger` and `champion`. Any MLflow client loads it:", "",
             "```python", "import mlflow", 'mlflow.set_tracking_uri("sqlite:///state/mlflow/mlflow.db")',
             'model = mlflow.pyfunc.load_model("models:/reverse_penalty_link@champion")', "```", "",
             "That gives uncalibrated scores; the calibration is in `jcml.json`. Nothing in it is pickled.", ""]
    for title, items in CONTENTS.items():
        lines += [f"## {title[0].upper()}{title[1:]}", "", *_table(("", ""), ((f"`{n}`", _cell(s)) for n, s in items.items())), ""]
    lines += ["## Settings", "", "Set before MLflow is imported, where the environment does not say otherwise.", ""]
    return "\n".join([*lines, *_table(("variable", "value"), ((f"`{n}`", f"`{v}`") for n, v in SETTINGS.items()))])


def _table(header: tuple[str, ...], rows: Any) -> list[str]:
    return [f"| {' | '.join(header)} |", "|" + "---|" * len(header), *(f"| {' | '.join(r)} |" for r in rows)]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands, "errors.md": errors, "plans.md": plans, "office.md": office, "language.md": language, "mlflow.md": mlflow, "review.md": review,
}


def pages() -> dict[Path, str]:
    """Every page of the reference as it should be."""
    made = {HERE / name: NOTE + re.sub(r"\n{3,}", "\n\n", make()).strip() + "\n" for name, make in PAGES.items()}
    return {**made, HERE / "openapi.json": openapi()}


def openapi() -> str:
    """The workbench's API, which is asked of the API itself; that needs Django, and Django a home."""
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("JCML_REVIEW_HOME", home)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jcml.review.settings")
        import django

        django.setup()
        from jcml.review.api import document_text

        return document_text()


def stale() -> list[Path]:
    """The pages that are not as they should be."""
    return [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main(arguments: list[str]) -> int:
    """Write the reference, or with `--check` say what is stale."""
    old = stale()
    for path in old:
        if "--check" in arguments:
            print(f"stale: {path.name}; run `make docs`", file=sys.stderr)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(pages()[path], encoding="utf-8")
            print(path)
    return 1 if old and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
