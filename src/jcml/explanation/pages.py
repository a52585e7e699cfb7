"""Pages: one self-contained HTML file each, no network, no script, printable on A4; the only door to Jinja2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, **content: Any) -> str:
    """Fill a template; every value is escaped.

    >>> render("figure.html", value=0.25, low=0.2, high=0.3).strip()
    '25.0 %（20.0 – 30.0 %）'
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(percent=percent, signed=signed, count=count, bar=bar)
    return environment.get_template(template).render(**content)


def percent(value: float | None, places: int = 1) -> str:
    """A share in percent; a dash when it could not be measured.

    >>> percent(0.256), percent(None)
    ('25.6 %', '–')
    """
    return "–" if value is None or value != value else f"{100 * value:.{places}f} %"


def signed(value: float) -> str:
    """A contribution with its sign.

    >>> signed(0.5), signed(-0.25)
    ('+0.50', '−0.25')
    """
    return f"+{value:.2f}" if value >= 0 else f"−{-value:.2f}"


def count(value: float) -> str:
    """A whole number with separators.

    >>> count(12345)
    '12,345'
    """
    return f"{int(value):,}"


def bar(value: float, largest: float) -> str:
    """The length of a bar as a percentage of the largest one, at least 1.

    >>> bar(-0.5, 1.0)
    '50'
    """
    return f"{max(1.0, 100 * abs(value) / largest):.0f}" if largest else "1"
