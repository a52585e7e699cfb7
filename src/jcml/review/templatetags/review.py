"""Words and forms that pages share: titles in the reader's language, due days, bars."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any

from django import template
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jcml.review.handling import MOST_COUNTED
from jcml.review.models import BANDS
from jcml.review.states import STATES
from jcml.review.verdicts import KINDS

register = template.Library()


def _at() -> int:
    return 1 if translation.get_language() == "en" else 0


@register.filter
def title_of(thing: Any) -> str:
    """The title of a unit, department, model or reason code in the reader's language."""
    return "" if thing is None else str(thing.en if _at() else thing.zh)


@register.filter
def told(pair: Any) -> str:
    """Of a (Chinese, English) pair, the reader's."""
    return str(pair[_at()]) if pair else ""


@register.filter
def state_name(code: str) -> str:
    """A state in words."""
    return STATES[code][_at()]


@register.filter
def band_name(code: str) -> str:
    """A band in words."""
    return str(BANDS.get(code, code))


@register.filter
def kind_name(code: str) -> str:
    """A verdict in words; empty where there is none."""
    return (KINDS[code].en if _at() else KINDS[code].zh) if code in KINDS else ""


@register.filter
def due_in(day: date | None, today: date) -> SafeString | str:
    """A due day and how far it is; late days in words too, not in colour alone."""
    if day is None:
        return "--"
    left = (day - today).days
    if left < 0:
        return format_html('<span class="late">{} {}</span>', day.isoformat(), _("(%(n)s days late)") % {"n": -left})
    if left <= 3:
        return format_html('{} <span class="tag medium">{}</span>', day.isoformat(), _("%(n)s days left") % {"n": left})
    return day.isoformat()


@register.filter
def clock(moment: datetime | None) -> str:
    """Date and minute where the office is."""
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else "--"


@register.filter
def hour(moment: datetime | None) -> str:
    """The minute of the day."""
    return timezone.localtime(moment).strftime("%H:%M") if moment else "--"


@register.simple_tag
def bar(share: int, direction: str) -> SafeString:
    """A bar of so many percent; drawn, so that no style attribute is needed and it prints."""
    return format_html(
        '<span class="bar" aria-hidden="true"><svg viewBox="0 0 100 10" preserveAspectRatio="none"><rect class="{}" width="{}" height="10"/></svg></span>',
        direction, max(2, min(100, share)),
    )


@register.simple_tag
def form_key() -> str:
    """What a form is known by when it is sent twice."""
    return secrets.token_hex(12)


@register.filter
def counted(number: int) -> str:
    """A count with separators; «1,000+» where counting stopped."""
    return f"{number:,}+" if number >= MOST_COUNTED else f"{number:,}"


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """A value of a mapping, or nothing."""
    return mapping.get(key, "") if mapping else ""
