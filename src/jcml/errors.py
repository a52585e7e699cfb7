"""The tree of errors, and how one reads.

```
JcmlError
├── UsageError          2   the command line is wrong
├── CheckFailed         1   it ran, and a check did not hold (gate, leak alarm, replay)
├── DataError          65   bad data, beyond what quarantine takes
├── InputMissing       66   a file, table, clue or model that is not there
├── Unavailable        69   a database or an MLflow server that does not answer
├── OutputError        73   the result cannot be written
├── Busy               75   another run holds this key; try again later
├── NotPermitted       77   a key, digest or signature was refused
└── ConfigurationError 78   a definition, a YAML file or office.toml is wrong
```

Each error has a code. `errors.toml` beside this file holds, for every code and in both languages, what is
wrong, what was expected and what to do next; an error adds where it happened and the facts of the case.
The codes are stable: scripts may rely on them, and `jcml help CODE` explains them.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True)
class Place:
    """Where in a file something is wrong; line and column count from 1, 0 means the file as a whole.

    >>> str(Place(Path("serving/refined_oil_tax.yaml"), 42, 5))
    'serving/refined_oil_tax.yaml:42:5'
    >>> str(Place(Path("office.toml")))
    'office.toml'
    """

    path: Path
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`path`, `path:line` or `path:line:column`."""
        parts = [str(self.path)]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)

    def snippet(self) -> str:
        """The line itself with a caret under the column; empty when the file cannot be read as text."""
        if not self.line:
            return ""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
            text = lines[self.line - 1]
        except (OSError, UnicodeDecodeError, IndexError):
            return ""
        number = f"{self.line:>5} | "
        caret = "\n" + " " * (len(number) + self.column - 1) + "^" if self.column else ""
        return number + text[:160] + caret


class JcmlError(Exception):
    """What jcml says when it cannot go on; never shown with a traceback unless `--debug` asks for one.

    Parameters
    ----------
    code : str
        A key of `errors.toml`, such as ``"JC1103"``.
    where : Place or None
        The file and line to look at.
    **facts : object
        Fill the placeholders of the catalogue's sentences.

    Examples
    --------
    >>> error = ConfigurationError("JC1103", key="capacty", nearest="capacity", allowed="capacity, reasons")
    >>> print(error.text("en").splitlines()[0])
    error JC1103: unknown key "capacty"; did you mean "capacity"?
    >>> error.exit_code
    78
    """

    exit_code: ClassVar[int] = 70
    kind: ClassVar[str] = "internal"

    def __init__(self, code: str, where: Place | None = None, **facts: object) -> None:
        self.code = code
        self.where = where
        self.facts = facts
        super().__init__(code, where, facts)

    def __str__(self) -> str:
        """The message in English, on one line."""
        place = f"{self.where}: " if self.where else ""
        return f"{self.code}: {place}{self.sentence('what', 'en')}"

    def sentence(self, part: str, language: Language) -> str:
        """One part (`what`, `expected`, `next`) of the message with its facts filled in; empty if there is none."""
        template = entry(self.code)[language].get(part, "")
        made = str(template.format_map(_Facts(self.facts))).strip()
        if part == "what" and (guess := self.facts.get("nearest")):
            made += f"；是否应为“{guess}”？" if language == "zh" else f'; did you mean "{guess}"?'
        return made

    def text(self, language: Language) -> str:
        """The whole message, as the command line prints it: what, where, expected, next."""
        word = {"zh": ("错误", "应为：", "下一步："), "en": ("error", "expected: ", "next: ")}[language]
        lines = [f"{word[0]} {self.code}{'：' if language == 'zh' else ': '}{self.sentence('what', language)}"]
        if self.where:
            lines.append(f"  --> {self.where}")
            lines.extend(self.where.snippet().splitlines())
        if expected := self.sentence("expected", language):
            lines.append(f"  {word[1]}{expected}")
        if then := self.sentence("next", language):
            lines.append(f"  {word[2]}{then}")
        return "\n".join(lines)


class UsageError(JcmlError):
    """The command line asks for something that does not exist or does not fit.

    >>> UsageError("JC0001", command="data improt", nearest="import").exit_code
    2
    """

    exit_code = 2
    kind = "usage"


class CheckFailed(JcmlError):
    """Everything ran, and a check did not hold: a gate, a leak alarm, a replay that differs.

    >>> CheckFailed.exit_code
    1
    """

    exit_code = 1
    kind = "check"


class DataError(JcmlError):
    """Data that cannot be used, beyond what the quarantine takes.

    >>> DataError.exit_code
    65
    """

    exit_code = 65
    kind = "data"


class InputMissing(JcmlError):
    """Something named does not exist: a file, a table, a clue, a trained model.

    >>> InputMissing.exit_code
    66
    """

    exit_code = 66
    kind = "missing"


class Unavailable(JcmlError):
    """A database, an MLflow server or an optional library is not there now.

    >>> Unavailable.exit_code
    69
    """

    exit_code = 69
    kind = "unavailable"


class OutputError(JcmlError):
    """A result cannot be written: no space, no right, an I/O error.

    >>> OutputError.exit_code
    73
    """

    exit_code = 73
    kind = "output"


class Busy(JcmlError):
    """Another run holds this key, or the thing is not ready yet; the same command may succeed later.

    >>> Busy.exit_code
    75
    """

    exit_code = 75
    kind = "busy"


class NotPermitted(JcmlError):
    """A digest, key or signature does not fit, or a rule of the house forbids it.

    >>> NotPermitted.exit_code
    77
    """

    exit_code = 77
    kind = "forbidden"


class ConfigurationError(JcmlError):
    """A definition, a plan or the office file is wrong; nothing was run.

    >>> ConfigurationError.exit_code
    78
    """

    exit_code = 78
    kind = "configuration"


class Several(ConfigurationError):
    """All problems of one thing at once, so that they can be mended in one go.

    >>> problems = [ConfigurationError("JC1101", key="capacity"), ConfigurationError("JC1101", key="reasons")]
    >>> Several(problems).text("en").count("JC1101")
    2
    """

    def __init__(self, errors: Iterable[JcmlError]) -> None:
        self.errors = tuple(errors)
        first = self.errors[0]
        super().__init__(first.code, first.where, **first.facts)
        self.exit_code = first.exit_code  # type: ignore[misc]

    def __str__(self) -> str:
        """All messages, one per line."""
        return "\n".join(str(error) for error in self.errors)

    def text(self, language: Language) -> str:
        """All messages, one after the other."""
        return "\n".join(error.text(language) for error in self.errors)


def raise_all(errors: Iterable[JcmlError]) -> None:
    """Raise nothing, the one error, or all of them as `Several`.

    >>> raise_all([])
    """
    found = list(errors)
    if len(found) == 1:
        raise found[0]
    if found:
        raise Several(found)


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Every error code with its texts, as read from `errors.toml`.

    >>> catalogue()["JC1103"]["kind"]
    'configuration'
    """
    return tomllib.loads((Path(__file__).with_name("errors.toml")).read_text(encoding="utf-8"))


def entry(code: str) -> dict[str, Any]:
    """The catalogue entry of one code.

    Raises
    ------
    KeyError
        If the code is not in `errors.toml`; a test keeps this from happening.

    >>> sorted(entry("JC1103")["zh"])
    ['expected', 'next', 'what']
    """
    return catalogue()[code]


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is spelt most like `word`, or an empty string when none is close.

    >>> nearest("capacty", ["capacity", "reasons"])
    'capacity'
    >>> nearest("xyz", ["capacity"])
    ''
    """
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else ""


def preferred_language(environment: Mapping[str, str] = os.environ) -> Language:
    """The language of messages: `JCML_LANG` if set, English for an English locale, otherwise Chinese.

    >>> preferred_language({"LANG": "en_US.UTF-8"})
    'en'
    >>> preferred_language({"LANG": "C.UTF-8"})
    'zh'
    >>> preferred_language({"JCML_LANG": "en", "LANG": "zh_CN.UTF-8"})
    'en'
    """
    chosen = environment.get("JCML_LANG", "")
    if chosen in ("zh", "en"):
        return "zh" if chosen == "zh" else "en"
    locale = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or ""
    return "en" if locale.lower().startswith("en") else "zh"


class _Facts(dict[str, object]):
    """Facts for `str.format_map`; a fact that was not given stays visible as its own name."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"
