"""The workbench's words in Chinese: `python docs/translations.py` brings the catalogue in line with the code and compiles it.

Texts are English in templates and code. What is new gets an empty translation, what is gone is removed, what is there keeps
its translation; `--check` fails when either file is stale or a text is untranslated.
"""

from __future__ import annotations

import ast
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib

REVIEW = Path(__file__).resolve().parents[1] / "src" / "jcml" / "review"
CATALOGUE = REVIEW / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
COMPILED = CATALOGUE.with_suffix(".mo")
CALLS = {"gettext": "m", "gettext_lazy": "m", "_": "m", "ngettext": "mp", "ngettext_lazy": "mp", "pgettext": "cm", "pgettext_lazy": "cm", "npgettext": "cmp", "npgettext_lazy": "cmp"}
STRING = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"(?<![\w.])(gettext|pgettext|ngettext|npgettext|_)\(({STRING}(?:, {STRING})*)")
HEAD = {
    "Project-Id-Version": "jcml", "Language": "zh_Hans", "MIME-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit", "Plural-Forms": "nplurals=1; plural=0;",
}


class Text(NamedTuple):
    """A text that readers see: its context, itself, its plural; the last is empty where it has none."""

    context: str | None
    single: str
    plural: str


def of_template(source: str, origin: str = "") -> Iterator[Text]:
    """The texts of a template, found by what Django itself uses for it."""
    from django.utils.translation.template import templatize

    for name, strings in CALL.findall(templatize(source, origin)):
        yield _text(CALLS[name], [ast.literal_eval(s) for s in re.findall(STRING, strings)])


def of_code(source: str) -> Iterator[Text]:
    """The texts of a module: calls of gettext and its kin with literal strings."""
    for node in ast.walk(ast.parse(source)):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if isinstance(node, ast.Call) and name in CALLS:
            strings = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if len(strings) >= len(CALLS[name]):
                yield _text(CALLS[name], strings)


def _text(form: str, strings: list[str]) -> Text:
    given = dict(zip(form, strings, strict=False))
    return Text(given.get("c"), given["m"], given.get("p", ""))


def texts() -> dict[Text, list[str]]:
    """Every text of the workbench with the files that it is in."""
    found: dict[Text, list[str]] = {}
    for path in sorted([*REVIEW.rglob("*.html"), *REVIEW.rglob("*.py")]):
        name, source = path.relative_to(REVIEW).as_posix(), path.read_text(encoding="utf-8")
        for text in of_template(source, name) if path.suffix == ".html" else of_code(source):
            places = found.setdefault(text, [])
            if name not in places:
                places.append(name)
    return found


def renewed(old: polib.POFile) -> polib.POFile:
    """The catalogue with exactly the texts of today."""
    kept = {(e.msgctxt, e.msgid): e for e in old if not e.obsolete}
    new = polib.POFile(wrapwidth=0)
    new.metadata = dict(HEAD)
    one_each: dict[tuple[str | None, str], tuple[str, list[str]]] = {}
    for text, places in texts().items():
        plural, already = one_each.get((text.context, text.single), ("", []))
        one_each[text.context, text.single] = (plural or text.plural, sorted({*already, *places}))
    for (context, single), (plural, places) in sorted(one_each.items(), key=lambda kv: (kv[0][1], kv[0][0] or "")):
        before = kept.get((context, single))
        said = (before.msgstr or before.msgstr_plural.get(0, "")) if before else ""
        entry = polib.POEntry(msgid=single, msgctxt=context, occurrences=[(p, "") for p in places], flags=["python-format"] if "%(" in single or "%%" in single else [])
        if plural:
            entry.msgid_plural, entry.msgstr_plural = plural, {0: said}
        else:
            entry.msgstr = said
        new.append(entry)
    return new


def main(check: bool) -> int:
    """Write both files, or only say whether they are up to date and complete."""
    old = polib.pofile(str(CATALOGUE), wrapwidth=0) if CATALOGUE.exists() else polib.POFile(wrapwidth=0)
    new = renewed(old)
    untranslated = [e.msgid for e in new if not (e.msgstr or e.msgstr_plural.get(0))]
    written, compiled = f"{new}\n", new.to_binary()
    stale = not CATALOGUE.exists() or CATALOGUE.read_text(encoding="utf-8") != written or not COMPILED.exists() or COMPILED.read_bytes() != compiled
    if not check:
        CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
        CATALOGUE.write_text(written, encoding="utf-8")
        COMPILED.write_bytes(compiled)
    print(f"{len(new)} texts, {len(untranslated)} without translation" + (", the files are stale" if stale and check else ""))
    for text in untranslated:
        print(f"  {text!r}")
    return 1 if untranslated or (stale and check) else 0


if __name__ == "__main__":
    os.environ.setdefault("JCML_REVIEW_HOME", tempfile.mkdtemp())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jcml.review.settings")
    sys.exit(main("--check" in sys.argv[1:]))
