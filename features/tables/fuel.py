"""Motor fuel on its way: stations, licences, deliveries, waybills, pumps, vehicles, receipts, complaints.

One station is one site (站点): a chain has many, each with a taxpayer's code of its own. Pumps are read by the metrology
institute and by collection boxes; a reading is the running total of one dispenser, which begins anew when its mainboard
is replaced. Waybills are in tonnes, everything else in litres. Vehicles passing are monthly counts, never plates.
Coordinates are WGS84.
"""

from jcml.tables import Column, EntityTable, EventTable, boolean, code, date, decimal, integer, money, text

from .enterprises import GRADE

BRAND = code(state=("国有", "state-owned"), joint=("外资或合资", "foreign or joint"), private=("民营", "private"))
ROAD = code(
    urban=("城区道路", "urban road"), highway=("高速公路", "motorway"), trunk=("国省干道", "trunk road"), rural=("县乡道路", "rural road"),
)
SIZE = code(first=("一级站", "class one"), second=("二级站", "class two"), third=("三级站", "class three"))
LITRES, CUBIC_METRES = ("升", "L"), ("立方米", "m³")


class Stations(EntityTable):
    """Filling stations as the commerce authority lists them, one row per version."""

    title = ("加油站名录", "Register of filling stations")
    agency = ("商务", "Commerce")
    crs = "WGS84"

    record_no = Column(text, "名录记录号", "Record", role="row id")
    station = Column(text, "站点编号", "Station", role="key", entity="station")
    station_name = Column(text, "站名", "Name", role="name")
    taxpayer = Column(
        text, "纳税人识别号", "Taxpayer", entity="enterprise", identifier="uscc", required=True
    )
    brand = Column(BRAND, "经营类型", "Kind of operator")
    road = Column(ROAD, "所在道路", "Kind of road")
    size = Column(SIZE, "站级", "Class")
    district = Column(text, "行政区划代码", "District")
    tank_volume = Column(decimal(0), "油罐总容积", "Tank volume", unit=CUBIC_METRES, at_least=10, at_most=1000)
    nozzles = Column(integer, "加油枪数", "Nozzles", at_least=1, at_most=80)
    latitude = Column(decimal(6), "纬度", "Latitude", role="latitude", at_least=3, at_most=54)
    longitude = Column(decimal(6), "经度", "Longitude", role="longitude", at_least=73, at_most=136)
    valid_from = Column(date, "记录起日", "Version since", role="valid from")
    received_on = Column(date, "入库日期", "Received on", role="known on")
    risk_grade = Column(integer, "稽查风险等级", "Inspection risk grade", at_least=1, at_most=5)  # set after an inspection; never a feature


class RetailLicences(EventTable):
    """Licences to sell motor fuel, one row per licence that was issued."""

    title = ("成品油零售经营批准证书", "Licences to retail motor fuel")
    agency = ("商务、应急", "Commerce and emergency management")

    licence_no = Column(text, "证书编号", "Licence", role="row id")
    station = Column(text, "站点编号", "Station", entity="station", required=True)
    issued_on = Column(date, "发证日期", "Issued on", role="happened on")
    expires_on = Column(date, "有效期止", "Expires on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class FuelDeliveries(EventTable):
    """Delivery notes of suppliers and depots."""

    title = ("供油单", "Delivery notes of motor fuel")
    agency = ("供油企业与油库", "Suppliers and depots")

    note_no = Column(text, "供油单号", "Delivery note", role="row id")
    supplier = Column(text, "供油企业统一社会信用代码", "Supplier", entity="enterprise", identifier="uscc")
    station = Column(text, "站点编号", "Station", entity="station", required=True)
    grade = Column(GRADE, "油品", "Grade")
    litres = Column(decimal(0), "数量", "Litres", unit=LITRES, at_least=0, at_most=900_000)
    delivered_on = Column(date, "出库日期", "Left the depot on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class FuelWaybills(EventTable):
    """Electronic waybills of dangerous goods: what a tank lorry took where."""

    title = ("危险货物电子运单", "Waybills of dangerous goods")
    agency = ("交通运输", "Transport")
    crs = "WGS84"

    waybill_no = Column(text, "运单号", "Waybill", role="row id")
    shipper = Column(text, "托运人统一社会信用代码", "Shipper", entity="enterprise", identifier="uscc")
    consignee = Column(text, "收货人统一社会信用代码", "Consignee", entity="enterprise", identifier="uscc")
    station = Column(text, "收货站点编号", "Station", entity="station", required=True)
    plate = Column(text, "车牌号", "Lorry", entity="vehicle", identifier="plate", sensitivity="personal")
    grade = Column(GRADE, "油品", "Grade")
    tonnes = Column(decimal(3), "数量", "Tonnes", unit=("吨", "t"), at_least=0, at_most=900)
    latitude = Column(decimal(6), "卸货纬度", "Latitude of unloading", role="latitude", at_least=3, at_most=54)
    longitude = Column(decimal(6), "卸货经度", "Longitude of unloading", role="longitude", at_least=73, at_most=136)
    loaded_on = Column(date, "装货日期", "Loaded on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class PumpReadings(EventTable):
    """Running totals of dispensers, with the numbers of mainboard and seal, about four times a year."""

    title = ("加油机检定与采集读数", "Dispenser readings")
    agency = ("市场监管（计量）", "Market regulation (metrology)")

    reading_no = Column(text, "记录编号", "Reading", role="row id")
    station = Column(text, "站点编号", "Station", entity="station", required=True)
    dispenser = Column(text, "加油机编号", "Dispenser", required=True)
    total = Column(decimal(0), "累计数", "Running total", unit=LITRES, at_least=0, at_most=99_999_999)
    mainboard = Column(text, "主板编号", "Mainboard")
    seal = Column(text, "铅封编号", "Seal")
    repaired = Column(boolean, "有维修备案", "A repair is on file")
    read_on = Column(date, "读数日期", "Read on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class ForecourtCounts(EventTable):
    """Vehicles that drove onto a forecourt, as one number per station and month."""

    title = ("进站车流月统计", "Monthly vehicles on the forecourt")
    agency = ("公安交管", "Traffic police")

    count_no = Column(text, "统计编号", "Count", role="row id")
    station = Column(text, "站点编号", "Station", entity="station", required=True)
    vehicles = Column(integer, "进站车次", "Vehicles", at_least=0, at_most=500_000)
    month_end = Column(date, "统计月末", "Month end", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class DistrictVehicles(EventTable):
    """Registered vehicles of a district, by what they run on, each half-year."""

    title = ("机动车保有量", "Registered vehicles")
    agency = ("公安交管", "Traffic police")

    entry_no = Column(text, "统计编号", "Entry", role="row id")
    district = Column(text, "行政区划代码", "District")
    fuel_vehicles = Column(integer, "燃油车", "Vehicles on motor fuel", at_least=0)
    electric_vehicles = Column(integer, "新能源车", "Electric vehicles", at_least=0)
    counted_on = Column(date, "统计日期", "Counted on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class FreightVehicles(EntityTable):
    """Registered freight and special vehicles and machines, and which enterprise owns them."""

    title = ("营运货车与专用设备", "Freight vehicles and special equipment")
    agency = ("交通运输", "Transport")

    plate = Column(text, "车牌号", "Vehicle", role=("key", "row id"), entity="vehicle", identifier="plate", sensitivity="personal")
    owner = Column(text, "所有企业统一社会信用代码", "Owner", entity="enterprise", identifier="uscc")
    valid_from = Column(date, "登记日期", "Registered on", role="valid from")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class MerchantReceipts(EventTable):
    """What customers paid at a station by card and code, per month and kind of account; obtained by legal letter."""

    title = ("商户收款月汇总", "Monthly receipts of merchants")
    agency = ("银行与支付机构（依法调取）", "Banks and payment services, by legal letter")

    receipt_no = Column(text, "汇总编号", "Summary", role="row id")
    station = Column(text, "站点编号", "Station", entity="station", required=True)
    personal = Column(boolean, "是否个人账户", "Personal account", required=True)
    amount = Column(money, "收款金额", "Amount", unit=("元", "CNY"), at_least=0, at_most=50_000_000)
    month_end = Column(date, "汇总月末", "Month end", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class StationComplaints(EventTable):
    """Calls to the hotlines 12345 and 12315 about a station."""

    title = ("加油站投诉", "Complaints about stations")
    agency = ("市民热线", "Hotlines")

    order_no = Column(text, "工单编号", "Order", role="row id")
    station = Column(text, "站点编号", "Station", entity="station", required=True)
    content = Column(text, "诉求内容", "Content", sensitivity="free text")
    called_on = Column(date, "来电日期", "Called on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")
