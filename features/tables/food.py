"""Food establishments and what agencies record about them: inspections, licences, complaints, surroundings.

Modelled on the public data of the City of Chicago (2011 to 2014); the same contracts serve an office with 食品经营
records. Coordinates are WGS84.
"""

from jcml.tables import Column, EntityTable, EventTable, boolean, code, date, decimal, integer, text

RISK = code(high=("高风险", "high risk"), medium=("中风险", "medium risk"), low=("低风险", "low risk"))
KIND = code(
    restaurant=("餐馆", "restaurant"), grocery=("食品店", "grocery"), school=("学校", "school"), bakery=("烘焙店", "bakery"),
    daycare=("托幼", "day care"), care=("养老医疗", "care home or hospital"), other=("其他", "other"),
)
PURPOSE = code(
    canvass=("例行检查", "canvass"), recheck=("复查", "re-inspection"), complaint=("投诉检查", "complaint"),
    licence=("许可检查", "licence"), other=("其他", "other"),
)
INSPECTORS = code(
    purple="purple", blue="blue", orange="orange", green="green", yellow="yellow", brown="brown",
)


class PlannedInspections(EventTable):
    """Establishments on the plan of a period, known when the period begins."""

    title = ("检查计划", "Inspection plan")
    agency = ("市场监管", "Public health department")
    crs = "WGS84"

    inspection = Column(text, "检查编号", "Inspection", role="row id", entity="inspection")
    establishment = Column(text, "经营主体", "Establishment", entity="establishment")
    trade_name = Column(text, "字号", "Trade name", entity="trade name")
    postcode = Column(text, "邮编", "Postcode", entity="postcode")
    city = Column(text, "城市", "City", entity="city")
    risk = Column(RISK, "风险等级", "Risk class")
    kind = Column(KIND, "业态", "Kind of establishment")
    inspectors = Column(INSPECTORS, "检查组", "Group of inspectors")
    latitude = Column(decimal(6), "纬度", "Latitude", role="latitude", at_least=-60, at_most=60)
    longitude = Column(decimal(6), "经度", "Longitude", role="longitude", at_least=-180, at_most=180)
    planned_on = Column(date, "计划期起日", "Planned for the period from", role="happened on")
    received_on = Column(date, "获知日期", "Known on", role="known on")


class Inspections(EventTable):
    """Canvass inspections and what they found."""

    title = ("检查结果", "Inspection results")
    agency = ("市场监管", "Public health department")
    crs = "WGS84"

    inspection = Column(text, "检查编号", "Inspection", role="row id", entity="inspection")
    establishment = Column(text, "经营主体", "Establishment", entity="establishment")
    trade_name = Column(text, "字号", "Trade name", entity="trade name")
    postcode = Column(text, "邮编", "Postcode", entity="postcode")
    failed = Column(boolean, "未通过", "Failed")
    passed = Column(boolean, "直接通过", "Passed outright")
    critical = Column(integer, "严重违规项数", "Critical violations", at_least=0)
    serious = Column(integer, "较重违规项数", "Serious violations", at_least=0)
    minor = Column(integer, "轻微违规项数", "Minor violations", at_least=0)
    inspectors = Column(INSPECTORS, "检查组", "Group of inspectors")
    latitude = Column(decimal(6), "纬度", "Latitude", role="latitude", at_least=-60, at_most=60)
    longitude = Column(decimal(6), "经度", "Longitude", role="longitude", at_least=-180, at_most=180)
    inspected_on = Column(date, "检查日期", "Inspected on", role="happened on")
    received_on = Column(date, "获知日期", "Known on", role="known on")


class Visits(EventTable):
    """Every visit of an inspector, whatever its purpose."""

    title = ("检查到访记录", "Visit log")
    agency = ("市场监管", "Public health department")

    visit = Column(text, "到访编号", "Visit", role="row id")
    establishment = Column(text, "经营主体", "Establishment", entity="establishment")
    purpose = Column(PURPOSE, "目的", "Purpose")
    visited_on = Column(date, "到访日期", "Visited on", role="happened on")
    received_on = Column(date, "获知日期", "Known on", role="known on")


class Licences(EntityTable):
    """Retail food licences, one row per term."""

    title = ("食品经营许可", "Food licences")
    agency = ("许可审批", "Licensing department")

    licence_term = Column(text, "许可记录", "Licence record", role="row id")
    establishment = Column(text, "经营主体", "Establishment", role="key", entity="establishment")
    first_issued = Column(date, "首次发证", "First issued")
    term_from = Column(date, "有效期起", "Term from", role="valid from")
    term_to = Column(date, "有效期止", "Term to", role="valid to")
    ward = Column(integer, "选区", "Ward")
    police_district = Column(integer, "警区", "Police district")
    received_on = Column(date, "获知日期", "Known on", role="known on")


class Burglaries(EventTable):
    """Reported burglaries, as a sign of the surroundings."""

    title = ("入室盗窃警情", "Burglaries")
    agency = ("公安", "Police department")
    crs = "WGS84"

    report = Column(text, "警情编号", "Report", role="row id")
    latitude = Column(decimal(6), "纬度", "Latitude", role="latitude", at_least=-60, at_most=60)
    longitude = Column(decimal(6), "经度", "Longitude", role="longitude", at_least=-180, at_most=180)
    reported_on = Column(date, "发生日期", "Happened on", role="happened on")
    received_on = Column(date, "获知日期", "Known on", role="known on")


class SanitationComplaints(EventTable):
    """Complaints about sanitation on the hotline."""

    title = ("环境卫生投诉", "Sanitation complaints")
    agency = ("市民热线", "Hotline 311")
    crs = "WGS84"

    request = Column(text, "工单编号", "Request", role="row id")
    latitude = Column(decimal(6), "纬度", "Latitude", role="latitude", at_least=-60, at_most=60)
    longitude = Column(decimal(6), "经度", "Longitude", role="longitude", at_least=-180, at_most=180)
    called_on = Column(date, "来电日期", "Called on", role="happened on")
    received_on = Column(date, "获知日期", "Known on", role="known on")


class Weather(EventTable):
    """Daily weather of a city."""

    title = ("逐日天气", "Daily weather")
    agency = ("气象", "Weather service")

    day = Column(text, "日期编号", "Day", role="row id")
    city = Column(text, "城市", "City", entity="city")
    hottest = Column(decimal(2), "最高气温", "Highest temperature", unit=("华氏度", "°F"))
    rain = Column(decimal(5), "降水强度", "Rain", unit=("英寸/时", "in/h"), at_least=0)
    humidity = Column(decimal(2), "湿度", "Humidity", at_least=0, at_most=1)
    measured_on = Column(date, "日期", "Date", role="happened on")
    received_on = Column(date, "获知日期", "Known on", role="known on")
