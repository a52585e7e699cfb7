"""What the rows of a clue name: the pseudonyms of persons, firms and things, which tell apart what masks make look alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_KINDS: dict[str, tuple[str, str]] = {
    "address": ("地址", "address"), "agent": ("代理人", "agent"), "case": ("案件", "case"), "committee": ("居（村）委会", "committee"), "deduction": ("扣缴单位", "deduction"),
    "enterprise": ("企业", "enterprise"), "establishment": ("经营单位", "establishment"), "inspection": ("检查", "inspection"), "person": ("人员", "person"),
    "phone": ("电话", "phone"), "place": ("场所", "place"), "station": ("加油站", "station"), "vehicle": ("车辆", "vehicle"), "procuratorate": ("检察院", "procuratorate"),
    "city": ("城市", "city"), "postcode": ("邮政编码", "postcode"),
}
_SEPARATORS = str.maketrans("", "", "-－–—·")
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_YEAR = re.compile(r"[(（\[〔【](\d{4})[)）\]〕】]")
_RULES = ("", "name", "resident_id", "mobile", "bank_card")


@dataclass(frozen=True)
class Named:
    """One row of a clue's evidence and what it names: column title to (kind, pseudonym).

    >>> Named("loans", "贷款", "Loans", "L-1", "d", "2025-01-02", {"户名": ("person", "p1")}).day
    '2025-01-02'
    """

    table: str
    zh: str
    en: str
    row: str
    digest: str
    day: str
    names: Mapping[str, tuple[str, str]]


def named(content: Mapping[str, Any]) -> Iterator[Named]:
    """Every row of a clue's content once.

    >>> list(named({"reasons_for": [], "reasons_against": [], "facts": [], "rules": []}))
    []
    """
    told = [s for r in (*content["reasons_for"], *content["reasons_against"]) for s in (r["statement"], *r["also"])]
    seen: dict[tuple[str, str], Named] = {}
    for part in (p for s in (*told, *content["facts"], *content["rules"]) for p in s["parts"]):
        for row in part["rows"]:
            key = (row["table"], row["digest"])
            before = seen.get(key)
            names = {title: (kind, value) for title, (kind, _, value) in ((t, k.partition(":")) for t, k in row.get("keys", {}).items())}
            day = (before.day if before else "") or next((t for t in row["shown"].values() if _is_day(t)), "")[:10]
            seen[key] = Named(
                row["table"], before.zh if before else part["zh"], before.en if before else part["en"], row["row"], row["digest"], day,
                {**(before.names if before else {}), **names},
            )
    yield from seen.values()


def _is_day(text: str) -> bool:
    return len(text) >= 10 and text[4:5] == text[7:8] == "-"


def kind_title(kind: str, english: bool = False) -> str:
    """A kind of linked thing in words; a kind that nobody named here stays as the contract has it.

    >>> kind_title("person"), kind_title("row:loans", english=True), kind_title("guarantor")
    ('人员', 'record in loans', 'guarantor')
    """
    if kind.startswith("row:"):
        return f"record in {kind[4:]}" if english else f"{kind[4:]} 记录"
    return _KINDS[kind][english] if kind in _KINDS else kind


def spellings(text: str) -> set[str]:
    """How a number or name may be written in a source: as typed, half-width without spaces, with the brackets of case numbers.

    >>> sorted(spellings("(2026)苏0102刑初1号"))
    ['(2026)苏0102刑初1号', '〔2026〕苏0102刑初1号', '（2026）苏0102刑初1号']
    """
    plain = text.strip()
    compact = "".join(plain.translate(_HALF_WIDTH).split()).upper()
    found = {plain, compact, compact.translate(_SEPARATORS), _YEAR.sub(r"（\1）", compact), _YEAR.sub(r"〔\1〕", compact)}
    if re.fullmatch(r"(\+?86)?1\d{10}", compact.translate(_SEPARATORS)):
        found.add(compact.translate(_SEPARATORS)[-11:])
    return found - {""}


def masked_forms(text: str) -> set[str]:
    """How the engine shows a raw value when it masks it, under each of its rules; the value itself is not among them.

    >>> sorted(masked_forms("仲小妮"))
    ['仲**', '仲*妮']
    >>> "110105********002X" in masked_forms("11010519491231002x")
    True
    """
    return {_mask(one, rule) for one in spellings(text) for rule in _RULES if len(one) > 1} - {text}


def _mask(value: str, rule: str) -> str:
    first, last = _shown(len(value), rule)
    return value[:first] + "*" * min(len(value) - first - last, 16) + value[len(value) - last :]


def _shown(length: int, rule: str) -> tuple[int, int]:
    if rule == "name":
        return (1, 1) if length > 2 else (length // 2, 0)
    fixed = {"resident_id": (15, 6, 4), "mobile": (11, 3, 4), "bank_card": (12, 0, 4)}.get(rule)
    if fixed and length >= fixed[0]:
        return fixed[1], fixed[2]
    return (2, 2) if length >= 6 else (1, 0)
