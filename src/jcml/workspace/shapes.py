"""The shapes of the workspace's smaller YAML files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True)
class ParameterEntry:
    """One dated parameter in `features/parameters/*.yaml`.

    Parameters
    ----------
    zh, en : str
        What it is called, in Chinese and in English.
    unit : str
        Its unit, as people write it.
    basis : str
        The law, standard or judgement it comes from.
    status : {"checked", "unchecked", "inferred"}
        `checked` when a lawyer has confirmed it, `unchecked` when it is quoted from memory, `inferred` when it is
        our own judgement.
    values : mapping of date to number
        In force from that day on.
    decimals : int
        Decimal places that count.

    >>> ParameterEntry("税率", "rate", "《…》", "unchecked", {"2019-04-01": 0.13}).decimals
    2
    """

    zh: str
    en: str
    basis: str
    status: Literal["checked", "unchecked", "inferred"]
    values: dict[str, float]
    unit: str = ""
    decimals: int = 2

    def __post_init__(self) -> None:
        if not 0 <= self.decimals <= 9:
            raise ValueError("decimals lies between 0 and 9")


@dataclass(frozen=True)
class CalendarFile:
    """`features/parameters/calendar.yaml`: public holidays on weekdays, and weekends worked in exchange.

    Parameters
    ----------
    basis : str
        The notice it comes from.
    status : {"checked", "unchecked", "inferred"}
        As for a parameter.
    holidays : tuple of date
        Weekdays on which nobody works.
    workdays : tuple of date
        Saturdays and Sundays that are worked.

    >>> CalendarFile("国务院办公厅通知", "unchecked").holidays
    ()
    """

    basis: str
    status: Literal["checked", "unchecked", "inferred"]
    holidays: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()
