"""The smallest contracts there can be: a register, two kinds of events, and findings. The template uses them."""

from jcml.tables import Column, EntityTable, EventTable, code, date, decimal, text


class Places(EntityTable):
    """Places that are scored."""

    title = ("场所", "Places")
    agency = ("登记机关", "Registrar")

    place = Column(text, "场所编号", "Place", role=("key", "row id"), entity="place")
    place_name = Column(text, "名称", "Name", role="name")
    received_on = Column(date, "入库日期", "Received", role="known on")


class Deliveries(EventTable):
    """What was delivered to a place."""

    title = ("送货单", "Deliveries")
    agency = ("供货方", "Supplier")

    delivery = Column(text, "送货单号", "Delivery", role="row id")
    place = Column(text, "场所编号", "Place", entity="place")
    litres = Column(decimal(3), "数量", "Litres", unit=("升", "L"), at_least=0)
    delivered_on = Column(date, "送货日期", "Delivered on", role="happened on")
    received_on = Column(date, "入库日期", "Received", role="known on")


class Returns(EventTable):
    """What was declared for a place."""

    title = ("申报", "Returns")
    agency = ("税务", "Tax authority")

    return_no = Column(text, "申报编号", "Return", role="row id")
    place = Column(text, "场所编号", "Place", entity="place")
    litres = Column(decimal(3), "申报数量", "Litres declared", unit=("升", "L"), at_least=0)
    filed_on = Column(date, "申报日期", "Filed on", role="happened on")
    received_on = Column(date, "入库日期", "Received", role="known on")


class Findings(EventTable):
    """What a check found."""

    title = ("核查结果", "Findings")
    agency = ("检察院", "Procuratorate")

    finding = Column(text, "核查编号", "Finding", role="row id")
    place = Column(text, "场所编号", "Place", entity="place")
    result = Column(code(confirmed=("查实", "confirmed"), not_confirmed=("未查实", "not confirmed")), "结果", "Result")
    found_on = Column(date, "核查日期", "Found on", role="happened on")
    received_on = Column(date, "入库日期", "Received", role="known on")
