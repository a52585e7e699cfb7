"""The contracts that the drawn tables of the specification use."""

from jcml.tables import Column, EntityTable, EventTable, boolean, code, date, decimal, integer, moment, money, text


class Stations(EntityTable):
    """Stations, with what is known of each and since when."""

    title = ("加油站", "Stations")

    version = Column(text, "版本", "Version", role="row id")
    station = Column(text, "加油站", "Station", role="key", entity="station")
    firm = Column(text, "企业", "Firm", entity="firm")
    district = Column(text, "县区", "District")
    status = Column(code(valid=("有效", "valid"), expired=("过期", "expired")), "状态", "Status")
    phone = Column(text, "电话", "Phone", entity="phone")
    latitude = Column(decimal(6), "纬度", "Latitude", role="latitude")
    longitude = Column(decimal(6), "经度", "Longitude", role="longitude")
    nozzles = Column(integer, "枪数", "Nozzles")
    valid_from = Column(date, "有效期起", "Valid from", role="valid from")
    valid_to = Column(date, "有效期止", "Valid to", role="valid to")
    known_on = Column(date, "获知日", "Known on", role="known on")


class Sales(EventTable):
    """Sales of a station."""

    title = ("销售", "Sales")

    sale = Column(text, "销售单", "Sale", role="row id")
    station = Column(text, "加油站", "Station", entity="station")
    litres = Column(decimal(1), "升数", "Litres", unit=("升", "L"))
    amount = Column(money, "金额", "Amount")
    pump = Column(text, "油枪", "Pump")
    supplier = Column(text, "供应商", "Supplier", entity="firm")
    cash = Column(boolean, "现金", "Cash")
    note = Column(text, "备注", "Note", sensitivity="free text")
    latitude = Column(decimal(6), "纬度", "Latitude", role="latitude")
    longitude = Column(decimal(6), "经度", "Longitude", role="longitude")
    sold_on = Column(date, "销售日", "Sold on", role="happened on")
    known_on = Column(date, "获知日", "Known on", role="known on")
    taken_back = Column(boolean, "撤回", "Taken back", role="withdrawn")
    cancels = Column(text, "冲销", "Cancels", role="reverses")


class Penalties(EventTable):
    """Penalties against firms."""

    title = ("处罚", "Penalties")

    decision = Column(text, "决定书", "Decision", role="row id")
    firm = Column(text, "企业", "Firm", entity="firm")
    fine = Column(money, "罚款", "Fine")
    decided_on = Column(date, "决定日", "Decided on", role="happened on")
    known_on = Column(date, "获知日", "Known on", role="known on")


class Firms(EntityTable):
    """The register of firms."""

    title = ("企业登记", "Firms")

    firm = Column(text, "企业", "Firm", role=("key", "row id"), entity="firm")
    founded = Column(date, "成立日", "Founded")
    size = Column(integer, "人数", "Size")
    phone = Column(text, "电话", "Phone", entity="phone")
    known_on = Column(date, "获知日", "Known on", role="known on")


class Readings(EventTable):
    """Readings of counters, to the minute."""

    title = ("读数", "Readings")

    reading = Column(text, "读数号", "Reading", role="row id")
    station = Column(text, "加油站", "Station", entity="station")
    pump = Column(text, "油枪", "Pump")
    total = Column(integer, "累计数", "Total")
    board = Column(text, "主板", "Board")
    read_at = Column(moment, "读数时间", "Read at", role="happened on")
    known_on = Column(date, "获知日", "Known on", role="known on")


class Cases(EventTable):
    """Cases, each scored once."""

    title = ("案件", "Cases")

    case = Column(text, "案号", "Case", role=("row id", "key"), entity="case")
    creditor = Column(text, "债权人", "Creditor", entity="person")
    debtor = Column(text, "债务人", "Debtor", entity="person")
    facts = Column(text, "事实", "Facts", sensitivity="free text")
    claim = Column(money, "标的", "Claim")
    filed_on = Column(date, "立案日", "Filed on", role="happened on")
    closed_on = Column(date, "结案日", "Closed on")
    known_on = Column(date, "获知日", "Known on", role="known on")


class Verdicts(EventTable):
    """What prosecutors decided."""

    title = ("处理决定", "Verdicts")

    verdict = Column(text, "决定号", "Verdict", role="row id")
    station = Column(text, "加油站", "Station", entity="station")
    about = Column(date, "所查观察日", "About")
    result = Column(code(confirmed=("查实", "confirmed"), not_confirmed=("未查实", "not confirmed"), data_error=("数据错误", "data error")), "结果", "Result")
    why = Column(code(ranked=("排序", "ranked"), audit=("抽查", "audit")), "选查原因", "Why")
    decided_on = Column(date, "决定日", "Decided on", role="happened on")
    known_on = Column(date, "获知日", "Known on", role="known on")
