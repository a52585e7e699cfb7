"""Enterprises as market regulation knows them: the register, penalties on enterprises, samples of motor fuel.

Enterprises are joined by their unified social credit code. Where a legal person was born or registered is in the raw
register and is refused by the contract; the metrology institute's readings of dispensers are in `fuel.py`.
"""

from jcml.tables import Column, EntityTable, EventTable, boolean, code, date, decimal, money, text

STATUS = code(
    open=("存续", "in business"), suspended=("停业", "suspended"), revoked=("吊销", "revoked"), closed=("注销", "closed"),
)
MATTER = code(
    metrology=("计量", "metrology"), quality=("产品质量", "product quality"), price=("价格", "prices"), other=("其他", "other"),
)
GRADE = code(petrol=("汽油", "petrol"), diesel=("柴油", "diesel"))


class Enterprises(EntityTable):
    """Registered enterprises, one row per version: name, legal person, phone, address."""

    title = ("经营主体登记", "Register of enterprises")
    agency = ("市场监管", "Market regulation")

    record_no = Column(text, "登记记录号", "Register record", role="row id")
    enterprise = Column(
        text, "统一社会信用代码", "Unified social credit code", role="key", entity="enterprise", identifier="uscc"
    )
    enterprise_name = Column(text, "企业名称", "Name", role="name")
    legal_person = Column(
        text, "法定代表人身份证号", "Legal person", entity="person", identifier="resident_id", sensitivity="personal"
    )
    phone = Column(text, "联系电话", "Phone", entity="phone", identifier="mobile", sensitivity="personal")
    address = Column(text, "住所", "Address", entity="address")
    status = Column(STATUS, "登记状态", "Status")
    valid_from = Column(date, "变更日期", "Version since", role="valid from")
    received_on = Column(date, "入库日期", "Received on", role="known on")
    legal_person_origin = Column(text, "法定代表人籍贯", "Legal person's place of origin", sensitivity="protected")
    legal_person_sex = Column(text, "法定代表人性别", "Legal person's sex", sensitivity="protected")


class EnterprisePenalties(EventTable):
    """Decisions of market regulation on enterprises; a revoked one is taken back."""

    title = ("企业行政处罚决定", "Penalty decisions on enterprises")
    agency = ("市场监管", "Market regulation")

    decision_no = Column(text, "决定书文号", "Decision number", role="row id", identifier="penalty_doc_no")
    enterprise = Column(text, "当事人统一社会信用代码", "Enterprise", entity="enterprise", identifier="uscc")
    matter = Column(MATTER, "处罚领域", "Matter")
    fine = Column(money, "罚款金额", "Fine", unit=("元", "CNY"), at_least=0, at_most=20_000_000)
    decided_on = Column(date, "处罚决定日期", "Decided on", role="happened on")
    revoked = Column(boolean, "是否撤销", "Revoked", role="withdrawn")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class FuelSamples(EventTable):
    """Samples of motor fuel that market regulation took at a station, and what the laboratory found."""

    title = ("车用油品抽检", "Samples of motor fuel")
    agency = ("市场监管", "Market regulation")

    sample_no = Column(text, "抽样单号", "Sample", role="row id")
    station = Column(text, "站点编号", "Station", entity="station", required=True)
    grade = Column(GRADE, "油品", "Grade")
    sulphur = Column(decimal(1), "硫含量", "Sulphur", unit=("mg/kg", "mg/kg"), at_least=0, at_most=10_000)
    passed = Column(boolean, "是否合格", "Passed")
    sampled_on = Column(date, "抽样日期", "Sampled on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")
