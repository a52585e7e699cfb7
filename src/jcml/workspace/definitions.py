"""Definition files: Python that may only define.

A definition is data written in Python. Before it runs, its syntax tree is checked: assignments, calls, table classes
and imports from `jcml.features`, `jcml.tables`, `datetime` and neighbouring files; no functions, loops, conditions,
private names or other modules. It runs with a handful of built-in names, loaded by path, and is never imported
under its own name. Who approves a definition approves what it says, not what a program might do.
"""

from __future__ import annotations

import ast
import builtins
import types
from collections.abc import Collection, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jcml import features, tables
from jcml.errors import ConfigurationError, InputMissing, JcmlError, Place, nearest
from jcml.features.language import PARAMETERS, USED, Parameters
from jcml.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATEMENTS = (ast.Assign, ast.AnnAssign, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Expr)
_EXPRESSIONS = (
    ast.Call, ast.keyword, ast.Attribute, ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.BinOp,
    ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Starred, ast.ListComp, ast.DictComp, ast.comprehension,
    ast.JoinedStr, ast.FormattedValue, ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.Subscript,
)
_REFUSED_OPERATORS = (ast.Pow, ast.LShift, ast.MatMult)
_REFUSED_ATTRIBUTES = {"format", "format_map", "mro"}
_BUILTINS = {n: getattr(builtins, n) for n in ("dict", "tuple", "list", "set", "str", "int", "float", "True", "False", "None", "__build_class__")}
_MODULES: dict[str, Collection[str]] = {
    "jcml.features": features.__all__, "jcml.tables": tables.__all__, "datetime": ("date", "datetime", "timedelta"),
}
_LARGEST = 200_000


def check_syntax(path: Path) -> ast.Module:
    """Parse a definition file and refuse what a definition may not contain.

    Raises
    ------
    ConfigurationError
        JC1210, not Python (a repeated keyword is one case); JC1211, something a definition may not contain.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "bad.py"
    >>> _ = file.write_text("import os")
    >>> try:
    ...     check_syntax(file)
    ... except ConfigurationError as error:
    ...     print(error.code, error.where.line)
    JC1211 1
    """
    try:
        raw = path.read_bytes()
        if len(raw) > _LARGEST:
            raise ConfigurationError("JC1210", Place(path), problem=f"{len(raw):,} bytes")
        tree = ast.parse(raw.decode("utf-8-sig"), filename=str(path))
    except FileNotFoundError:
        raise InputMissing("JC1100", Place(path)) from None
    except UnicodeDecodeError:
        raise ConfigurationError("JC1110", Place(path)) from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", 0) or 0
        raise ConfigurationError("JC1210", Place(path, line, getattr(error, "offset", 0) or 0), problem=getattr(error, "msg", str(error))) from None
    for statement in tree.body:
        _check_statement(path, statement)
    return tree


def _refuse(path: Path, node: ast.AST, what: str) -> ConfigurationError:
    return ConfigurationError("JC1211", Place(path, getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1), what=what)


def _check_statement(path: Path, node: ast.stmt) -> None:
    if not isinstance(node, _STATEMENTS):
        raise _refuse(path, node, type(node).__name__)
    if isinstance(node, ast.Import | ast.ImportFrom):
        _check_import(path, node)
        return
    if isinstance(node, ast.ClassDef):
        if node.decorator_list or node.keywords:
            raise _refuse(path, node, "decorator / class keyword")
        for base in node.bases:
            _check_expression(path, base)
        named: set[str] = set()
        for line in node.body:
            if not isinstance(line, ast.Assign | ast.Expr):
                raise _refuse(path, line, type(line).__name__)
            _check_statement(path, line)
            _refuse_twice(path, [t for t in getattr(line, "targets", ()) if isinstance(t, ast.Name)], named)
        return
    for part in ast.iter_child_nodes(node):
        _check_expression(path, part)


def _check_expression(path: Path, node: ast.AST) -> None:
    for inner in ast.walk(node):
        if not isinstance(inner, _EXPRESSIONS) or isinstance(inner, _REFUSED_OPERATORS):
            raise _refuse(path, inner if hasattr(inner, "lineno") else node, type(inner).__name__)
        if isinstance(inner, ast.Dict):
            _refuse_twice(path, [k for k in inner.keys if isinstance(k, ast.Constant)], set())
        if isinstance(inner, ast.Attribute) and (inner.attr.startswith("_") or inner.attr in _REFUSED_ATTRIBUTES):
            raise _refuse(path, inner, "." + inner.attr)
        if isinstance(inner, ast.Name) and inner.id.startswith("__"):
            raise _refuse(path, inner, inner.id)


def _refuse_twice(path: Path, nodes: Sequence[ast.Name | ast.Constant], seen: set[Any]) -> None:
    """Python lets the last of two equal names win; here that is a mistake."""
    for node in nodes:
        name = node.id if isinstance(node, ast.Name) else node.value
        if name in seen:
            place = Place(path, node.lineno, node.col_offset + 1)
            raise ConfigurationError("JC1210", place, problem=f"repeated: {name!r}")
        seen.add(name)


def _check_import(path: Path, node: ast.Import | ast.ImportFrom) -> None:
    if isinstance(node, ast.Import):
        raise _refuse(path, node, "import " + node.names[0].name)
    if not node.level and node.module not in _MODULES:
        raise _refuse(path, node, f"from {node.module} import …")
    if any(n == "*" or n.startswith("_") for a in node.names for n in (a.name, a.asname or "")):
        raise _refuse(path, node, "import *")
    if not node.level:
        # beside its own words a module holds the modules it uses, and through them everything
        given = _MODULES[node.module or ""]
        for wrong in (a.name for a in node.names if a.name not in given):
            error = _refuse(path, node, f"from {node.module} import {wrong}")
            error.facts["nearest"] = nearest(wrong, given)
            raise error


class Definitions:
    """Loads definition files of one workspace, each once.

    Parameters
    ----------
    folder : Path
        The `features` folder.
    parameters : Parameters
        The workspace's dated parameters.

    Examples
    --------
    >>> Definitions(Path("features"), Parameters({}, (), ())).loaded
    {}
    """

    def __init__(self, folder: Path, parameters: Parameters) -> None:
        self.folder = folder.resolve()
        self.parameters = parameters
        self.loaded: dict[Path, types.ModuleType] = {}
        self.loading: list[Path] = []

    def load(self, path: Path) -> types.ModuleType:
        """Run a definition file, once; its line is named in every error.

        Raises
        ------
        ConfigurationError
            JC1210 to JC1214, and whatever its expressions raise.
        """
        path = path.resolve()
        if path in self.loaded:
            return self.loaded[path]
        if path in self.loading:
            raise ConfigurationError("JC1214", Place(path), files=" → ".join(p.name for p in [*self.loading, path]))
        tree = check_syntax(path)
        module = types.ModuleType("features." + ".".join(path.relative_to(self.folder).with_suffix("").parts))
        module.__file__ = str(path)
        given = dict(_BUILTINS)
        given["__import__"] = lambda name, _g=None, _l=None, names=(), level=0: self._import(path, name, names or (), level)
        module.__dict__["__builtins__"] = given
        self.loading.append(path)
        token = PARAMETERS.set(self.parameters)
        try:
            with _located(path):
                exec(_compiled(tree, path), module.__dict__)  # noqa: S102
        finally:
            PARAMETERS.reset(token)
            self.loading.pop()
        self.loaded[path] = module
        return module

    def _import(self, path: Path, name: str, names: tuple[str, ...], level: int) -> Any:
        if not level:
            if name not in _MODULES:
                raise ConfigurationError("JC1211", what=f"import {name}")
            import importlib

            return importlib.import_module(name)
        folder = path.parent
        for _ in range(level - 1):
            folder = folder.parent
        target = folder.joinpath(*name.split(".")) if name else folder
        if not target.is_relative_to(self.folder):
            raise ConfigurationError("JC1211", what="import from outside features/")
        file = target.with_suffix(".py")
        if not file.is_file():
            known = [p.stem for p in target.parent.glob("*.py")]
            raise ConfigurationError("JC1213", problem=f"no file {file.name}", nearest=nearest(target.name, known))
        module = self.load(file)
        for wanted in names:
            if not hasattr(module, wanted):
                raise ConfigurationError(
                    "JC1213", problem=f"no {wanted} in {file.name}", nearest=nearest(wanted, vars(module))
                )
        return module

    def model(self, path: Path) -> tuple[Any, set[str]]:
        """The object called `supervision_model` of a definition file, and the parameters it uses.

        Raises
        ------
        ConfigurationError
            JC1212, if the file has no such object.
        """
        from jcml.features import SupervisionModel

        used: set[str] = set()
        token = USED.set(used)
        try:
            module = self.load(path)
        finally:
            USED.reset(token)
        found = getattr(module, "supervision_model", None)
        if not isinstance(found, SupervisionModel):
            raise ConfigurationError("JC1212", Place(path))
        return found, used

    def tables(self) -> dict[str, type[Table]]:
        """Every contract in `features/tables/`, by name.

        Raises
        ------
        ConfigurationError
            JC1215, if two contracts have one name.
        """
        found: dict[str, type[Table]] = {}
        for path in sorted((self.folder / "tables").glob("[!_]*.py")):
            for made in vars(self.load(path)).values():
                is_contract = isinstance(made, type) and issubclass(made, Table) and made.columns
                if is_contract and found.setdefault(made.name, made) is not made:
                    raise ConfigurationError("JC1215", Place(path), table=made.name)
        return found


def _compiled(tree: ast.Module, path: Path) -> types.CodeType:
    """The code of a checked tree; some errors of syntax, a repeated keyword for one, only show here."""
    try:
        return compile(tree, str(path), "exec")
    except SyntaxError as error:
        raise ConfigurationError("JC1210", Place(path, error.lineno or 0, error.offset or 0), problem=error.msg) from None


@contextmanager
def _located(path: Path) -> Iterator[None]:
    """Give errors the line of the definition that caused them."""
    try:
        yield
    except JcmlError as error:
        if error.where is None:
            error.where = _line(error, path)
        raise
    except NameError as error:
        known = ["SupervisionModel", *dir(__import__("jcml.features", fromlist=["x"]))]
        name = getattr(error, "name", "") or ""
        raise ConfigurationError("JC1213", _line(error, path), problem=str(error), nearest=nearest(name, known)) from None
    except Exception as error:  # whatever running it raises is the definition's doing
        near = nearest(error.name or "", dir(error.obj)) if isinstance(error, AttributeError) else ""
        raise ConfigurationError("JC1213", _line(error, path), problem=str(error) or type(error).__name__, nearest=near) from None


def _line(error: BaseException, path: Path) -> Place:
    line = 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return Place(path, line)


def read_parameters(folder: Path) -> Parameters:
    """The dated parameters of a workspace: every YAML file of `features/parameters`.

    Raises
    ------
    ConfigurationError
        JC1216, if the values of a parameter do not hold together.

    >>> read_parameters(Path("/nowhere")).numbers
    {}
    """
    from decimal import Decimal

    from jcml.features.language import Parameter
    from jcml.strict_yaml import read_yaml
    from jcml.workspace.shapes import CalendarFile, ParameterEntry

    numbers: dict[str, Parameter] = {}
    holidays: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()
    for path in sorted(folder.glob("*.yaml")):
        if path.stem == "calendar":
            calendar = read_yaml(path, CalendarFile)
            holidays, workdays = calendar.holidays, calendar.workdays
            continue
        entries: Mapping[str, ParameterEntry] = read_yaml(path, dict[str, ParameterEntry])
        for name, entry in entries.items():
            values = []
            for start, number in sorted(entry.values.items()):
                try:
                    day, amount = date.fromisoformat(start), Decimal(str(number))
                except (ValueError, ArithmeticError):
                    raise ConfigurationError("JC1216", Place(path), name=name, value=f"{start}: {number}") from None
                values.append((day, int((amount * 10**entry.decimals).to_integral_value())))
            if not values:
                raise ConfigurationError("JC1216", Place(path), name=name, value="-")
            numbers[f"{path.stem}.{name}"] = Parameter(
                entry.zh, entry.en, entry.unit, tuple(values), entry.decimals, entry.basis, entry.status
            )
    return Parameters(numbers, holidays, workdays)
