"""Lending platforms that left the market: when, with what means, and how they were described afterwards."""

from jcml.tables import Column, EntityTable, EventTable, boolean, date, decimal, integer, text


class Exits(EventTable):
    """A platform reported as having a problem."""

    title = ("问题平台", "Reported platforms")

    platform = Column(text, "平台", "Platform", role="row id", entity="platform")
    area = Column(text, "地区", "Province", entity="province")
    launched_on = Column(date, "上线日期", "Launched on")
    capital = Column(integer, "注册资本（万元）", "Registered capital")
    reported_on = Column(date, "报告日期", "Reported on", role="happened on")
    known_on = Column(date, "获知日期", "Known on", role="known on")


class Registrations(EntityTable):
    """What the company register says of the company behind a platform."""

    title = ("公司登记", "Company registration")

    platform = Column(text, "平台", "Platform", role=("row id", "key"), entity="platform")
    registered_capital = Column(decimal(2), "注册资本", "Registered capital")
    paid_capital = Column(decimal(2), "实缴资本", "Paid-in capital")
    known_on = Column(date, "获知日期", "Known on", role="known on")


class SiteStates(EntityTable):
    """How the directory describes a platform when it is crawled, after the event."""

    title = ("网站状态", "State of the directory page")

    platform = Column(text, "平台", "Platform", role=("row id", "key"), entity="platform")
    status = Column(integer, "状态", "Status")
    known_on = Column(date, "获知日期", "Known on", role="known on")


class Outcomes(EventTable):
    """Which kind of exit it turned out to be."""

    title = ("退出性质", "Kind of exit")

    platform = Column(text, "平台", "Platform", role="row id", entity="platform")
    harmful = Column(boolean, "有害退出", "Harmful exit")
    found_on = Column(date, "认定日期", "Found on", role="happened on")
    known_on = Column(date, "获知日期", "Known on", role="known on")
