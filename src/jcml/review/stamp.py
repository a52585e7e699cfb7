"""A stamp on everything that leaves the workbench: who took it out, when, and a code under which the log finds it again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from jcml.review.models import Event

if TYPE_CHECKING:
    from jcml.review.models import User

STAMPED = ("clue.printed", "clue.exported", "ledger.exported", "list.exported", "audit.exported", "relations.exported")
CODE = 8


@dataclass(frozen=True)
class Stamp:
    """Who took something out and when; `digest` covers its content, the person and the moment.

    >>> from datetime import UTC
    >>> Stamp("李", "li", datetime(2026, 11, 26, tzinfo=UTC), "1a2b3c4d5e").code
    '1a2b3c4d'
    """

    by: str
    account: str
    at: datetime
    digest: str

    @property
    def code(self) -> str:
        """What stands on the paper, and what `audit` looks for."""
        return self.digest[:CODE]

    @property
    def minute(self) -> str:
        """When, where the office is."""
        return timezone.localtime(self.at).strftime("%Y-%m-%d %H:%M:%S")

    def line(self, language: str) -> str:
        """The line that marks every page and table."""
        told = f"{self.by} ({self.account}) · {self.minute} · code {self.code}" if language == "en" else f"{self.by}（{self.account}） {self.minute} 校验码 {self.code}"
        demonstration = {"en": " · demonstration, all records are synthetic", "zh": " 演示：记录均为合成"}[language if language == "en" else "zh"]
        return told + demonstration if settings.SITE["demo"] else told

    def detail(self) -> dict[str, str]:
        """What the event says of it."""
        return {"code": self.code, "digest": self.digest}


def stamp(user: User, content: Any) -> Stamp:
    """Stamp a content made of texts, numbers, days, and lists of them."""
    at = timezone.now()
    told = json.dumps([content, user.username, at.isoformat()], ensure_ascii=False, sort_keys=True, default=str)
    return Stamp(user.name, user.username, at, sha256(told.encode("utf-8", "replace")).hexdigest())


def stamped(code: str) -> QuerySet[Event]:
    """The events of what went out under a code; nothing for what is no code."""
    wanted = code.strip().lower()
    if len(wanted) != CODE or set(wanted) - set("0123456789abcdef"):
        return Event.objects.none()
    return Event.objects.filter(what__in=STAMPED, detail__contains=f'"code": "{wanted}"').order_by("seq")
