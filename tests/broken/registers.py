"""Contracts with every kind of column and role; the small office has them beside its own."""

from jcml.tables import Column, EntityTable, EventTable, boolean, code, date, decimal, integer, moment, money, text


class Filings(EventTable):
    """Filings about a place: every kind of column."""

    title = ("备案", "Filings")
    crs = "GCJ-02"

    filing = Column(text, "备案号", "Filing", role="row id")
    place = Column(text, "场所编号", "Place", entity="place", required=True)
    company = Column(text, "信用代码", "Company", entity="enterprise", identifier="uscc")
    contact = Column(text, "身份证号", "Contact", entity="person", identifier="resident_id", sensitivity="personal")
    ethnicity = Column(text, "民族", "Ethnicity", sensitivity="protected")
    note = Column(text, "备注", "Note", sensitivity="free text")
    amount = Column(money, "金额", "Amount", at_least=0, at_most=1_000_000)
    people = Column(integer, "人数", "People")
    kind = Column(code(new=("新办", "new"), renewed=("续办", "renewed")), "类别", "Kind")
    open = Column(boolean, "公开", "Open")
    latitude = Column(decimal(6), "纬度", "Latitude", role="latitude")
    longitude = Column(decimal(6), "经度", "Longitude", role="longitude")
    filed_at = Column(moment, "备案时间", "Filed at", role="happened on")
    received_on = Column(date, "入库日期", "Received", role="known on")


class Licences(EntityTable):
    """Licences of a place, each valid for a time."""

    title = ("许可", "Licences")

    licence = Column(text, "许可证号", "Licence", role="row id")
    place = Column(text, "场所编号", "Place", role="key", entity="place")
    holder = Column(text, "持证人", "Holder", role="name")
    first_day = Column(date, "有效期起", "Valid from", role="valid from")
    last_day = Column(date, "有效期止", "Valid to", role="valid to")
    received_on = Column(date, "入库日期", "Received", role="known on")


class Depots(EntityTable):
    """Depots with a place on the map, and two columns that name a place."""

    title = ("仓库", "Depots")
    crs = "WGS-84"

    depot = Column(text, "仓库编号", "Depot", role=("key", "row id"), entity="depot")
    first_place = Column(text, "甲场所", "First place", entity="place")
    second_place = Column(text, "乙场所", "Second place", entity="place")
    latitude = Column(decimal(6), "纬度", "Latitude", role="latitude")
    longitude = Column(decimal(6), "经度", "Longitude", role="longitude")
    received_on = Column(date, "入库日期", "Received", role="known on")


class Wells(EntityTable):
    """Wells that share nothing with a place."""

    title = ("水井", "Wells")

    well = Column(text, "井号", "Well", role=("key", "row id"), entity="well")
    depth = Column(integer, "深度", "Depth")
    received_on = Column(date, "入库日期", "Received", role="known on")
