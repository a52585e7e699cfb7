"""What the tax authority holds about sellers of motor fuel: returns, invoices bought and sold, decisions.

A return covers one month and is filed by one station; an amended return is a later version of the row. Permitted
deductions (own use, oil stored for others, tank to tank, oil pumped back for tests) stand in the return in litres.
"""

from jcml.tables import Column, EventTable, boolean, code, date, decimal, money, text

GOODS = code(
    petrol=("汽油", "petrol"), diesel=("柴油", "diesel"), additive=("车用尿素及添加剂", "urea and additives"),
    blended=("非成品油类（复合柴油、轻质循环油、白油等）", "not motor fuel: blended diesel, light cycle oil, white oil"),
)
LITRES, YUAN = ("升", "L"), ("元", "CNY")


class VatReturns(EventTable):
    """Monthly value-added tax returns of stations, with the monthly table of litres sold."""

    title = ("增值税申报与月销售油品汇总表", "VAT returns with monthly litres sold")
    agency = ("税务", "Tax authority")

    return_no = Column(text, "申报表编号", "Return", role="row id")
    taxpayer = Column(text, "纳税人识别号", "Taxpayer", entity="enterprise", identifier="uscc")
    station = Column(text, "站点编号", "Station", entity="station", required=True)
    litres = Column(decimal(0), "申报销量", "Litres declared", unit=LITRES, at_least=0, at_most=3_000_000)
    deducted_litres = Column(decimal(0), "允许扣除油量", "Litres of permitted deductions", unit=LITRES, at_least=0, at_most=1_000_000)
    sales = Column(money, "不含税销售额", "Sales without tax", unit=YUAN, at_least=0, at_most=30_000_000)
    output_tax = Column(money, "销项税额", "Output tax", unit=YUAN, at_least=0, at_most=4_000_000)
    input_tax = Column(money, "进项税额", "Input tax deducted", unit=YUAN, at_least=0, at_most=4_000_000)
    tax_paid = Column(money, "实缴税额", "Tax paid", unit=YUAN, at_least=0, at_most=4_000_000)
    amended = Column(boolean, "是否更正申报", "Amended")
    period_end = Column(date, "税款所属期止", "End of the tax period", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class PurchaseInvoices(EventTable):
    """Invoices that stations received; a red one cancels an earlier one."""

    title = ("进项发票", "Purchase invoices")
    agency = ("税务", "Tax authority")

    invoice_no = Column(text, "发票号码", "Invoice", role="row id")
    seller = Column(text, "销方统一社会信用代码", "Seller", entity="enterprise", identifier="uscc")
    buyer = Column(text, "购方统一社会信用代码", "Buyer", entity="enterprise", identifier="uscc", required=True)
    goods = Column(GOODS, "货物类别", "Goods")
    litres = Column(decimal(0), "数量", "Litres", unit=LITRES, at_least=-900_000, at_most=900_000)
    tax = Column(money, "税额", "Tax", unit=YUAN, at_least=-2_000_000, at_most=2_000_000)
    cancels = Column(text, "对应蓝字发票号码", "Invoice that this one cancels", role="reverses")
    issued_on = Column(date, "开票日期", "Issued on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class SalesInvoices(EventTable):
    """Special invoices that stations issued to enterprises."""

    title = ("对企业开具的专用发票", "Special invoices issued to enterprises")
    agency = ("税务", "Tax authority")

    invoice_no = Column(text, "发票号码", "Invoice", role="row id")
    seller = Column(text, "销方统一社会信用代码", "Seller", entity="enterprise", identifier="uscc", required=True)
    buyer = Column(text, "购方统一社会信用代码", "Buyer", entity="enterprise", identifier="uscc")
    litres = Column(decimal(0), "数量", "Litres", unit=LITRES, at_least=-100_000, at_most=100_000)
    amount = Column(money, "不含税金额", "Amount without tax", unit=YUAN, at_least=-2_000_000, at_most=2_000_000)
    cancels = Column(text, "对应蓝字发票号码", "Invoice that this one cancels", role="reverses")
    issued_on = Column(date, "开票日期", "Issued on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class TaxDecisions(EventTable):
    """Decisions by which the tax authority recovered tax from an enterprise."""

    title = ("税务处理处罚决定", "Tax decisions")
    agency = ("税务", "Tax authority")

    decision_no = Column(text, "决定书文号", "Decision number", role="row id")
    enterprise = Column(text, "纳税人识别号", "Taxpayer", entity="enterprise", identifier="uscc", required=True)
    recovered = Column(money, "查补税款", "Tax recovered", unit=YUAN, at_least=0, at_most=200_000_000)
    fine = Column(money, "罚款", "Fine", unit=YUAN, at_least=0, at_most=200_000_000)
    decided_on = Column(date, "决定日期", "Decided on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class InspectionEntries(EventTable):
    """The inspectors' ledger of supplementary payments, written after a check and dated back; never a source of features."""

    title = ("稽查补缴台账", "Ledger of supplementary payments")
    agency = ("税务稽查", "Tax inspectors")

    entry_no = Column(text, "台账编号", "Entry", role="row id")
    station = Column(text, "站点编号", "Station", entity="station")
    amount = Column(money, "补缴税款", "Tax paid later", unit=YUAN, at_least=0, at_most=200_000_000)
    entered_on = Column(date, "登记日期", "Entered on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")
