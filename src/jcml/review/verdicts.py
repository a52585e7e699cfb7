"""The seven verdicts, what each must say, and when a second person has to confirm it.

Nothing here knows a web page or a database: the same rules hold for the browser, the API and simulated reviewers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Literal

LEAST_TEXT = 20
SAMPLED = 0.05  # share of exclusions that a second person sees although nothing asks for it

Outcome = Literal["confirmed", "not_confirmed", "data_error", "identity_mismatch", "returned", ""]


@dataclass(frozen=True)
class Kind:
    """One of the seven verdicts.

    Parameters
    ----------
    code, key : str
        Stable name, and the key that chooses it.
    zh, en : str
    asks : tuple of str
        Names of `Opinion` fields that must be filled.
    second : {"always", "high", "sample", "never"}
        When a second person confirms: always; in the high band and else a sample; a sample; never.
    goes_to : str
        The state that it leads to once it stands.
    subtypes : mapping of code to (zh, en)

    >>> KINDS["accepted"].second
    'always'
    """

    code: str
    key: str
    zh: str
    en: str
    asks: tuple[str, ...]
    second: Literal["always", "high", "sample", "never"]
    goes_to: str
    subtypes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind(
            "accepted", "1", "成案或移送办理", "taken up as a case, or handed on", ("subtype", "confirmed_reason", "text", "department"), "always", "closed",
            {
                "filing_supervision": ("立案监督", "supervision of case filing"), "protest": ("抗诉或再审检察建议", "protest, or advice on retrial"),
                "correction": ("纠正违规", "correction of a procedure"), "advice": ("检察建议", "procuratorial advice"),
                "public_interest": ("公益诉讼", "public-interest litigation"), "handed_on": ("移送其他机关", "handed to another authority"),
            },
        ),
        Kind("pending", "2", "有价值，待查", "worth it, to be checked", ("due_on", "next_step"), "never", "pending"),
        Kind("explained", "3", "排除：有合理解释", "ruled out: a lawful explanation", ("reason_code", "text"), "high", "closed"),
        Kind(
            "data_error", "4", "排除：数据错误", "ruled out: the data are wrong", ("subtype", "wrong_field"), "sample", "closed",
            {
                "wrong_merge": ("主体误合并", "two subjects merged"), "wrong_field": ("字段错误", "a wrong field"), "late_data": ("数据滞后", "late data"),
                "counted_twice": ("重复计数", "counted twice"), "other": ("其他", "other"),
            },
        ),
        Kind("duplicate", "5", "重复或已在办", "a duplicate, or already handled", ("linked",), "never", "closed"),
        Kind("elsewhere", "6", "不属本院管辖", "another office's jurisdiction", ("target_unit",), "never", "transferring"),
        Kind("unsure", "u", "存疑，信息不足", "unsure: information is missing", ("missing",), "never", "pending"),
    )
}
BY_KEY = {kind.key: kind for kind in KINDS.values()}
SAYS: dict[str, tuple[str, str]] = {
    "true": ("属实", "holds"), "false": ("不属实", "does not hold"), "irrelevant": ("与监督无关", "beside the point"), "unverifiable": ("无法核实", "cannot be verified"),
}
FEEDBACK_KEYS = {"y": "true", "x": "false", "o": "irrelevant", "v": "unverifiable"}


@dataclass(frozen=True)
class Opinion:
    """What a person says about a clue.

    Parameters
    ----------
    kind : str
        A key of `KINDS`.
    feedback : mapping of feature to a key of `SAYS`
        The verdict on each single reason.
    worth_checking : bool or None
        Whether the clue was worth a person's time, whatever came of it; asked when it is closed.

    >>> Opinion("duplicate", linked="XS-1").lacks()
    ()
    """

    kind: str
    subtype: str = ""
    reason_code: str = ""
    text: str = ""
    department: str = ""
    due_on: date | None = None
    next_step: str = ""
    wrong_field: str = ""
    linked: str = ""
    target_unit: str = ""
    missing: str = ""
    worth_checking: bool | None = None
    feedback: Mapping[str, str] = field(default_factory=dict)

    def lacks(self) -> tuple[str, ...]:
        """Names of what is still missing; `confirmed_reason` and `worth_checking` among them.

        >>> Opinion("explained", reason_code="time_barred", text="太短", worth_checking=True).lacks()
        ('text',)
        >>> Opinion("unheard of").lacks()
        ('kind',)
        """
        kind = KINDS.get(self.kind)
        if kind is None:
            return ("kind",)
        found = []
        for name in kind.asks:
            if name == "confirmed_reason":
                held = "true" in self.feedback.values()
            elif name == "text":
                held = len(self.text.strip()) >= LEAST_TEXT
            elif name == "subtype":
                held = self.subtype in kind.subtypes
            else:
                held = bool(getattr(self, name) if not isinstance(getattr(self, name), str) else getattr(self, name).strip())
            if not held:
                found.append(name)
        found += ["feedback"] if set(self.feedback.values()) - set(SAYS) else []
        found += ["worth_checking"] if kind.code in ("accepted", "explained") and self.worth_checking is None else []
        return tuple(found)

    @property
    def outcome(self) -> Outcome:
        """What it says to the next training run; empty when it says nothing yet.

        >>> Opinion("data_error", subtype="wrong_merge").outcome
        'identity_mismatch'
        """
        if self.kind == "data_error":
            return "identity_mismatch" if self.subtype == "wrong_merge" else "data_error"
        outcomes: dict[str, Outcome] = {"accepted": "confirmed", "explained": "not_confirmed", "unsure": "returned"}
        return outcomes.get(self.kind, "")


def needs_second(kind: str, band: str, lot: str) -> bool:
    """Whether a second person must confirm; `lot` decides the samples and is the clue's id.

    >>> needs_second("accepted", "low", "c1"), needs_second("duplicate", "high", "c1"), needs_second("explained", "high", "c1")
    (True, False, True)
    """
    rule = KINDS[kind].second
    if rule in ("always", "never"):
        return rule == "always"
    return (rule == "high" and band == "high") or drawn(lot, "second", SAMPLED)


def drawn(lot: str, purpose: str, share: float) -> bool:
    """Whether a lot is among a share of all lots; the same answer for the same lot and purpose.

    >>> sum(drawn(str(n), "blind", 0.05) for n in range(10_000)) // 100
    5
    """
    return int.from_bytes(sha256(f"{purpose}:{lot}".encode()).digest()[:6], "big") < share * 2**48
