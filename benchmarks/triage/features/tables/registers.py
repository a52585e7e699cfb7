"""Entities and three kinds of events about them, each known on one day and counted from that day."""

from jcml.tables import Column, EntityTable, EventTable, code, date, integer, money, text

RESULT = code(**{"pass": "pass"}, fail="fail", conditional="conditional")
REASON = code(routine="routine", complaint="complaint", special="special")
RECORD = code(
    permit="permit", late_filing="late filing", penalty="penalty", transfer="transfer", tender="tender", lawsuit="lawsuit", tax="tax",
    staff="staff",
)
AGENCY = code(court="court", police="police", market="market")
TOPIC = code(safety="safety", fraud="fraud", labour="labour", waste="waste", price="price", other="other")
CHANNEL = code(hotline="hotline", letter="letter", visit="visit", web="web")
KIND = code(clinic="clinic", factory="factory", school="school", bank="bank", shop="shop")


class Entities(EntityTable):
    """What is scored."""

    title = ("单位", "Entities")
    agency = ("示例", "Example")

    entity_id = Column(text, "编号", "Entity", role=("row id", "key"), entity="entity")
    region = Column(text, "地区", "Region")
    kind = Column(KIND, "类别", "Kind")
    open_date = Column(date, "开业日期", "Opened on")
    close_date = Column(date, "停业日期", "Closed on")
    known_date = Column(date, "获知日期", "Known on", role="known on")


class Inspections(EventTable):
    """What inspections found."""

    title = ("检查", "Inspections")
    agency = ("示例", "Example")

    event_id = Column(text, "事件编号", "Event", role="row id")
    entity_id = Column(text, "编号", "Entity", entity="entity")
    reason = Column(REASON, "事由", "Reason")
    result = Column(RESULT, "结果", "Result")
    severity = Column(integer, "严重程度", "Severity")
    fine = Column(money, "罚款", "Fine")
    counted_on = Column(date, "计入日期", "Counted on", role="happened on")
    known_date = Column(date, "获知日期", "Known on", role="known on")


class Records(EventTable):
    """What agencies entered."""

    title = ("记录", "Records")
    agency = ("示例", "Example")

    event_id = Column(text, "事件编号", "Event", role="row id")
    entity_id = Column(text, "编号", "Entity", entity="entity")
    record_type = Column(RECORD, "种类", "Type")
    agency_code = Column(AGENCY, "机关", "Agency")
    amount = Column(money, "金额", "Amount")
    counted_on = Column(date, "计入日期", "Counted on", role="happened on")
    known_date = Column(date, "获知日期", "Known on", role="known on")


class Complaints(EventTable):
    """What people complained of."""

    title = ("投诉", "Complaints")
    agency = ("示例", "Example")

    event_id = Column(text, "事件编号", "Event", role="row id")
    entity_id = Column(text, "编号", "Entity", entity="entity")
    channel = Column(CHANNEL, "渠道", "Channel")
    topic = Column(TOPIC, "主题", "Topic")
    repeated = Column(integer, "重复", "Repeated")
    counted_on = Column(date, "计入日期", "Counted on", role="happened on")
    known_date = Column(date, "获知日期", "Known on", role="known on")
