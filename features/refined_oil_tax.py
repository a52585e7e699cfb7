"""成品油涉税 · refined_oil_tax — which filling stations probably sold fuel that the tax returns do not show.

Question     Do a station's pumps, purchases, invoices and receipts agree with the litres that it declared?
One row      one filling station on one as-of date, 45 days after the end of each quarter
Legal basis  《税收征收管理法》第六十三条、《刑法》第二百零一条、第二百零五条、《计量法》、《行政诉讼法》第二十五条第四款
Left out     the owner's origin, sex and family; whose vehicles came (counts only); the estimated tax, which is shown and
             never scored, so that no list is ordered by revenue. The inspection risk grade and the inspectors' ledger are
             written after a check and would give the answer away.
"""

from jcml.features import (
    SupervisionModel,
    as_of,
    bunching,
    category,
    days,
    either,
    ever,
    gap,
    months,
    outcome,
    parameter,
    peers,
    ratio,
    reason,
    rule,
    shared,
)

from .tables.enterprises import EnterprisePenalties, Enterprises, FuelSamples
from .tables.fuel import (
    DistrictVehicles,
    ForecourtCounts,
    FreightVehicles,
    FuelDeliveries,
    FuelWaybills,
    MerchantReceipts,
    PumpReadings,
    RetailLicences,
    StationComplaints,
    Stations,
)
from .tables.review import StationVerdicts
from .tables.tax import PurchaseInvoices, SalesInvoices, TaxDecisions, VatReturns

YEAR, TWO_YEARS, READINGS = months(12), months(24), months(15)  # five quarterly readings span about a year
SETTLED = days(45)  # the quarter is over, returns are filed and delivered
A_MONTH = 30.4

bought = PurchaseInvoices.matching(buyer=Stations.taxpayer)
sold = SalesInvoices.matching(seller=Stations.taxpayer)
unloaded_here = FuelWaybills.near(2000).matching(station=Stations.station)

declared = VatReturns.litres.mean(over=YEAR, lag=SETTLED)
deducted = VatReturns.deducted_litres.mean(over=YEAR, lag=SETTLED)
declared_year = VatReturns.litres.sum(over=YEAR, lag=SETTLED)
sales = VatReturns.sales.sum(over=YEAR, lag=SETTLED)
pumped = A_MONTH * ratio(
    PumpReadings.total.rise(over=READINGS, lag=SETTLED, per=PumpReadings.dispenser),
    gap(PumpReadings.read_on.first(over=READINGS, lag=SETTLED), PumpReadings.read_on.last(over=READINGS, lag=SETTLED)),
)
pumped_to_declared = ratio(pumped, declared)
invoiced_in = ratio(bought.litres.sum(over=YEAR, lag=SETTLED), 12)
bought_to_pumped = ratio(invoiced_in, pumped)
vehicles = ForecourtCounts.vehicles.mean(over=YEAR, lag=SETTLED)
receipts = MerchantReceipts.amount.sum(over=YEAR, lag=SETTLED)
personal_share = MerchantReceipts.amount.share(over=YEAR, lag=SETTLED, where=MerchantReceipts.personal)
burden = ratio(VatReturns.tax_paid.sum(over=YEAR, lag=SETTLED), sales)
vat_rate = parameter("tax.vat_rate")

load = either(
    FuelWaybills.grade == "diesel", FuelWaybills.tonnes * parameter("fuel.diesel_litres"), FuelWaybills.tonnes * parameter("fuel.petrol_litres")
)
near_enough = parameter("fuel.same_load_days", on=FuelWaybills.loaded_on)
no_invoice = PurchaseInvoices.absent(
    seller=FuelWaybills.shipper, buyer=FuelWaybills.consignee,
    where=gap(FuelWaybills.loaded_on, PurchaseInvoices.issued_on).between(0 - near_enough, near_enough),
)
waybills = FuelWaybills.count(over=YEAR, lag=SETTLED)
recovered_from_seller = TaxDecisions.present(enterprise=PurchaseInvoices.seller)
no_vehicles = FreightVehicles.absent(owner=SalesInvoices.buyer)
not_fuel = bought.litres.share(over=YEAR, lag=SETTLED, where=PurchaseInvoices.goods == "blended")
mainboards = PumpReadings.mainboard.changes(over=TWO_YEARS, per=PumpReadings.dispenser)
no_receipt = StationComplaints.content.mentions("不开发票", "不给发票", "个人码", "个人收款")

TAX_LAW = "《税收征收管理法》第六十三条"
INVOICES = "《发票管理办法》第二十一条"
METROLOGY = "《计量法》第十六条、第二十六条"
DEDUCTIONS = "《成品油零售加油站增值税征收管理办法》"


supervision_model = SupervisionModel(
    title=("成品油涉税", "Refined-oil tax"),
    asks=(
        "哪些加油站的加油量、购进量和收款，与申报的销量对不上？",
        "At which filling stations do pumps, purchases and receipts probably not agree with what was declared?",
    ),
    background=(
        "加油机记录卖出多少，供油单和运单记录进了多少，收款记录收了多少，申报表记录报了多少。四本账分别在市场监管、商务交通、"
        "支付机构和税务部门手里，只比其中两本，常常错过问题，也常常误报。",
        "Pumps say what was sold, delivery notes and waybills what came in, receipts what was paid, returns what was declared. Four"
        " agencies keep the four books; comparing any two of them misses much and raises many false alarms.",
    ),
    unit=Stations.station,
    label=outcome(
        confirmed=StationVerdicts.outcome == "confirmed",
        not_confirmed=StationVerdicts.outcome == "not_confirmed",
        about=StationVerdicts.reviewed_as_of,
        channel=StationVerdicts.channel,
        within=days(270),
    ),
    features=dict(
        pumped_to_declared=reason(
            pumped_to_declared, "近一年加油机计量月均销量是申报销量的 {value:.2f} 倍", "its pumps metered {value:.2f} times the litres declared in the last year",
            monotone="increasing", group="pumped", legal_basis=(TAX_LAW,),
        ),
        unexplained_gap=reason(
            ratio(pumped - declared - deducted, pumped), "计量销量减去申报和允许扣除油量后，还有 {value:.1%} 没有着落", "{value:.1%} of the metered litres are neither declared nor permitted deductions",
            monotone="increasing", group="pumped", legal_basis=(TAX_LAW, DEDUCTIONS),
        ),
        gap_among_peers=reason(
            peers(pumped_to_declared, by=Stations.brand, measure="percentile"), "计量与申报之比在同类经营者中位于 {value:.0%} 处", "metered to declared litres stand at {value:.0%} among operators of its kind", group="pumped",
        ),
        mainboard_changes=reason(
            mainboards, "近24个月加油机主板更换 {value:.0f} 次", "mainboards of its dispensers changed {value:.0f} times in 24 months", monotone="increasing", group="metering", legal_basis=(METROLOGY,),
        ),
        seal_changes=reason(
            PumpReadings.seal.changes(over=TWO_YEARS, per=PumpReadings.dispenser), "近24个月加油机铅封变更 {value:.0f} 次", "seals of its dispensers changed {value:.0f} times in 24 months", group="metering", legal_basis=(METROLOGY,),
        ),
        repairs_on_file=reason(
            PumpReadings.count(over=TWO_YEARS, where=PumpReadings.repaired), "近24个月有维修备案 {value:.0f} 次", "{value:.0f} repairs on file in 24 months", monotone="decreasing", group="metering",
        ),
        bought_to_pumped=reason(
            bought_to_pumped, "进项发票油量是计量销量的 {value:.2f} 倍", "litres on purchase invoices are {value:.2f} times the metered litres", group="purchases", legal_basis=(TAX_LAW,),
        ),
        bought_to_declared=reason(
            ratio(bought.litres.sum(over=YEAR, lag=SETTLED), declared_year), "进项发票油量是申报销量的 {value:.2f} 倍", "litres on purchase invoices are {value:.2f} times those declared", group="purchases", legal_basis=(TAX_LAW,),
        ),
        delivered_to_invoiced=reason(
            ratio(FuelDeliveries.litres.sum(over=YEAR, lag=SETTLED), bought.litres.sum(over=YEAR, lag=SETTLED)), "供油单油量是进项发票油量的 {value:.2f} 倍", "litres on delivery notes are {value:.2f} times those on purchase invoices", group="purchases",
        ),
        carried_to_invoiced=reason(
            ratio(load.sum(over=YEAR, lag=SETTLED), bought.litres.sum(over=YEAR, lag=SETTLED)), "运单油量是进项发票油量的 {value:.2f} 倍", "litres on waybills are {value:.2f} times those on purchase invoices", group="waybills",
        ),
        waybills_without_invoice=reason(
            ratio(FuelWaybills.count(over=YEAR, lag=SETTLED, where=no_invoice), waybills), "近一年 {value:.0%} 的运单找不到同一供方相近日期的进项发票", "{value:.0%} of the waybills have no purchase invoice of that shipper near the date",
            monotone="increasing", group="waybills", legal_basis=(TAX_LAW,),
        ),
        unloaded_elsewhere=reason(
            1 - ratio(unloaded_here.count(over=YEAR, lag=SETTLED), waybills), "近一年 {value:.0%} 的运单卸货地点在站点两公里以外", "{value:.0%} of the waybills were unloaded more than 2 km from the station", monotone="increasing", group="waybills",
        ),
        tank_turnover=reason(
            ratio(FuelDeliveries.litres.sum(over=YEAR, lag=SETTLED), Stations.tank_volume * 12_000), "每月供油量是油罐容积的 {value:.1f} 倍", "deliveries fill its tanks {value:.1f} times a month", group="waybills",
        ),
        sellers_with_recovery=reason(
            bought.litres.share(over=YEAR, lag=SETTLED, where=recovered_from_seller), "进项油量的 {value:.0%} 来自已被查补税款的供方", "{value:.0%} of the litres were bought from suppliers from whom tax had been recovered", monotone="increasing", group="suppliers",
        ),
        not_fuel_share=reason(
            not_fuel, "进项发票中非成品油类品名占 {value:.0%}", "{value:.0%} of the litres bought are invoiced as goods other than motor fuel", monotone="increasing", group="suppliers", legal_basis=(INVOICES,),
        ),
        failed_samples=reason(
            FuelSamples.count(over=TWO_YEARS, where=~FuelSamples.passed), "近24个月油品抽检不合格 {value:.0f} 次", "{value:.0f} fuel samples failed in 24 months", monotone="increasing", group="suppliers",
        ),
        personal_share=reason(
            personal_share, "收款的 {value:.0%} 进入个人账户", "{value:.0%} of the receipts went to personal accounts", monotone="increasing", group="receipts", legal_basis=(TAX_LAW,),
        ),
        receipts_to_declared=reason(
            ratio(receipts, sales * (1 + vat_rate)), "电子收款是含税申报销售额的 {value:.2f} 倍", "electronic receipts are {value:.2f} times the declared sales, tax included", group="receipts", legal_basis=(TAX_LAW,),
        ),
        invoices_to_declared=reason(
            ratio(sold.litres.sum(over=YEAR, lag=SETTLED), declared_year), "对企业开票油量占申报销量的 {value:.0%}", "{value:.0%} of the declared litres were invoiced to enterprises", group="invoices",
        ),
        buyers_without_vehicles=reason(
            sold.litres.share(over=YEAR, lag=SETTLED, where=no_vehicles), "对企业开票油量的 {value:.0%} 开给名下没有营运车辆和专用设备的企业", "{value:.0%} of the litres invoiced went to buyers that own no registered vehicle or machine",
            monotone="increasing", group="invoices", legal_basis=(INVOICES,),
        ),
        invoices_below_check=reason(
            bunching(sold.amount, parameter("tax.invoice_check"), over=YEAR), "近12个月略低于附清单金额的发票张数是略高于该金额的 {value:.1f} 倍",
            "{value:.1f} times as many invoices of the last 12 months lie just below the amount that needs a list as just above", group="invoices",
        ),
        burden_among_peers=reason(
            peers(burden, by=Stations.brand), "增值税税负与同类经营者的偏离为 {value:.1f}（负数为偏低）", "VAT paid on sales deviates by {value:.1f} from operators of its kind (negative: low)", group="burden", legal_basis=(TAX_LAW,),
        ),
        litres_per_nozzle=reason(
            peers(ratio(declared, Stations.nozzles), by=Stations.road, measure="percentile"), "单枪申报销量在同类道路的站点中位于 {value:.0%} 处", "declared litres per nozzle stand at {value:.0%} among stations on such roads", group="volume",
        ),
        litres_per_vehicle=reason(
            peers(ratio(declared, vehicles), by=Stations.road), "每进站车次申报销量与同类道路站点的偏离为 {value:.1f}（负数为偏低）", "declared litres per vehicle on the forecourt deviate by {value:.1f} from stations on such roads (negative: low)", group="volume",
        ),
        declared_trend=reason(
            ratio(VatReturns.litres.trend(over=YEAR, lag=SETTLED) * 365, declared), "近一年申报销量的年变化趋势为 {value:.0%}", "declared litres changed at {value:.0%} a year", group="volume",
        ),
        change_among_peers=reason(
            peers(ratio(declared_year, VatReturns.litres.sum(over=YEAR, lag=days(410))), by=Stations.district), "申报销量同比变化与同区站点的偏离为 {value:.1f}", "the change of declared litres on the year before deviates by {value:.1f} from stations of the district", group="volume",
        ),
        flat_returns=reason(
            ratio(VatReturns.litres.std(over=YEAR, lag=SETTLED), declared), "各月申报销量的波动为平均值的 {value:.1%}", "declared litres vary by {value:.1%} of their mean from month to month", group="figures",
        ),
        round_returns=reason(
            VatReturns.litres.multiple_of(1000).share(over=YEAR, lag=SETTLED), "近一年 {value:.0%} 的月份申报销量为整千升", "declared litres are a round thousand in {value:.0%} of the months", monotone="increasing", group="figures",
        ),
        amended_returns=reason(
            VatReturns.count(over=YEAR, where=VatReturns.amended), "近12个月更正申报 {value:.0f} 次", "{value:.0f} amended returns in 12 months", group="figures",
        ),
        complaints_no_invoice=reason(
            StationComplaints.count(over=YEAR, where=no_receipt), "近12个月有 {value:.0f} 件投诉提到不开发票或者个人收款码", "{value:.0f} complaints in 12 months mention missing invoices or a personal payment code", monotone="increasing", group="complaints", legal_basis=(INVOICES,),
        ),
        complaints_quantity=reason(
            StationComplaints.count(over=YEAR, where=StationComplaints.content.mentions("超油箱", "加不准", "数量不足", "油品质量")), "近12个月有 {value:.0f} 件投诉提到加油数量或者油品质量", "{value:.0f} complaints in 12 months mention quantity or quality of fuel", monotone="increasing", group="complaints",
        ),
        licence_left=reason(
            gap(as_of, RetailLicences.expires_on.max(over=ever)), "经营批准证书还有 {value:.0f} 天到期（负数为已过期）", "{value:.0f} days of the licence are left (negative: expired)", group="licence",
        ),
        recovered_before=reason(
            TaxDecisions.count(over=TWO_YEARS), "近24个月已有查补税款决定 {value:.0f} 件", "tax was recovered by {value:.0f} decisions in the last 24 months", monotone="decreasing", group="record",
        ),
        penalties_before=reason(
            EnterprisePenalties.count(over=TWO_YEARS, where=EnterprisePenalties.matter.isin("metrology", "quality")), "近24个月有计量或者质量处罚 {value:.0f} 件", "{value:.0f} metrology or quality decisions in 24 months", group="record",
        ),
        same_person_recovered=reason(
            shared(Enterprises.legal_person, where=TaxDecisions.present(enterprise=Enterprises.enterprise), measure="share"),
            "同一法定代表人的其他企业中 {value:.0%} 已被查补税款", "tax was recovered from {value:.0%} of the other enterprises of its legal person", monotone="increasing", group="links",
        ),
        phone_shared=reason(
            shared(Enterprises.phone), "登记电话与另外 {value:.0f} 家企业相同", "{value:.0f} other enterprises are registered with its phone", group="links",
        ),
    ),
    rules=dict(
        pumped_over_declared=rule(
            pumped_to_declared > 1 + parameter("fuel.gap_share"), "计量销量超过申报销量 10%", "metered litres exceed declared litres by more than 10 %", source="S05",
        ),
        pumped_far_over_declared=rule(
            pumped_to_declared > 1 + parameter("fuel.wide_gap_share"), "计量销量超过申报销量 30%", "metered litres exceed declared litres by more than 30 %", source="S02",
        ),
        personal_receipts=rule(
            personal_share > parameter("fuel.personal_share"), "个人账户收款超过两成", "more than a fifth of the receipts went to personal accounts", source="S01",
        ),
        goods_not_fuel=rule(not_fuel > 0, "进项发票有非成品油类品名", "purchase invoices name goods other than motor fuel", source="S03"),
        mainboard_changed=rule(mainboards > 0, "加油机主板更换", "the mainboard of a dispenser was changed", source="S05, S07"),
        bought_more_than_pumped=rule(
            bought_to_pumped > 1 + parameter("fuel.purchase_excess"), "购进油量超过计量销量 5%", "litres bought exceed metered litres by more than 5 %", source="S05",
        ),
        complained=rule(StationComplaints.count(over=YEAR, where=no_receipt) > 0, "有不开发票的投诉", "there are complaints about missing invoices", source="S01"),
    ),
    facts=dict(
        brand=reason(category(Stations.brand), "经营类型：{value}", "kind of operator: {value}"),
        road=reason(category(Stations.road), "所在道路：{value}", "kind of road: {value}"),
        nozzles=reason(Stations.nozzles, "加油枪 {value:.0f} 把", "{value:.0f} nozzles"),
        declared=reason(declared, "近一年月均申报销量 {value:.0f} 升", "{value:.0f} litres declared a month"),
        pumped=reason(pumped, "近一年月均计量销量 {value:.0f} 升", "{value:.0f} litres metered a month"),
        deducted=reason(deducted, "月均允许扣除油量 {value:.0f} 升", "{value:.0f} litres of permitted deductions a month"),
        tax_of_gap=reason(
            12 * (pumped - declared - deducted) * ratio(sales, declared_year) * vat_rate, "按申报单价估算，差额对应年增值税 {value:money}（负数为无差额）", "at the declared price the gap amounts to {value:money_en} of VAT a year (negative: no gap)",
        ),
        electric_share=reason(
            ratio(
                DistrictVehicles.matching(district=Stations.district).electric_vehicles.last(over=TWO_YEARS),
                DistrictVehicles.matching(district=Stations.district).fuel_vehicles.last(over=TWO_YEARS),
            ),
            "本区新能源车与燃油车之比为 {value:.0%}", "electric to motor-fuel vehicles of the district: {value:.0%}",
        ),
    ),
    groups=dict(district=Stations.district, size=Stations.size, brand=Stations.brand),
    legal_basis=(
        TAX_LAW, "《刑法》第二百零一条", "《刑法》第二百零五条", METROLOGY, "《行政诉讼法》第二十五条第四款", DEDUCTIONS,
    ),
    lawful_explanations=(
        ("自有车辆用油、代储、倒库或者回罐检测，依法允许扣除", "own use, oil stored for others, tank to tank or pumped back for tests: permitted deductions"),
        ("加油机维修更换主板，有备案和检定记录", "a dispenser was repaired and its mainboard replaced, with a record of repair and verification"),
        ("改造装修、道路施工或者附近新建充电站，销量下降", "works on the site or the road, or a new charging site nearby, lowered sales"),
        ("个体经营或者承包经营，依约由经营者本人账户收款后申报", "a sole trader or lessee receives on an own account and declares it"),
        ("服务公交、物流、工程企业，开票占比高，车辆可能是租用的", "it serves bus, freight or building firms; invoices are many, and vehicles may be rented"),
        ("购进非成品油类油品供应工程机械或者窑炉，用途有据", "other oils were bought for machines or kilns, and their use is on record"),
        ("跨期更正申报，销量在后期补报", "litres were declared later, by an amended return"),
        ("读数或者运单的录入、计量单位有误", "a reading or a waybill was entered wrongly or in another unit"),
    ),
    limits=(
        ("加油机数据分批接入，接入以前没有计量销量", "dispensers were connected over years; before that there are no metered litres"),
        ("收款数据依法逐步调取，现金收款看不到", "receipts come by legal letter and step by step; cash cannot be seen"),
        ("读数约每季度一次，计量月均按读数间隔折算", "readings are about quarterly; monthly litres are worked out from the days between them"),
        ("连锁企业汇总纳税的，须先按站点拆分申报销量", "where a chain files one return, declared litres must first be split by station"),
        ("没有证照的流动加油点不在名录之内", "mobile sellers without a licence are not in the register"),
        ("标签来自已被核查的站点，未核查的不等于没有问题", "labels come from stations that were looked at; the others are unknown, not clean"),
    ),
)
