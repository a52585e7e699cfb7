"""What agencies did about an act: penalty decisions, police detention, driving licences, and which charge has a provision.

The lookup of charges is a register of our own (罪名与行政处罚依据对照表): one row per charge and period in force, kept by
the office's lawyers. Columns follow 《行政处罚法》 and the fields of 双公示; the codes are examples.
"""

from jcml.tables import Column, EntityTable, EventTable, boolean, code, date, integer, money, text

CHARGE = code(
    dangerous_driving=("危险驾驶罪", "dangerous driving"), traffic_accident=("交通肇事罪", "causing a traffic accident"),
    theft=("盗窃罪", "theft"), fraud=("诈骗罪", "fraud"), injury=("故意伤害罪", "intentional injury"),
    provocation=("寻衅滋事罪", "picking quarrels"), gambling=("开设赌场罪", "running a gambling place"),
    network_aid=("帮助信息网络犯罪活动罪", "aiding network crime"), forged_documents=("伪造证件罪", "forging documents"),
    illegal_business=("非法经营罪", "illegal business"), counterfeit_goods=("销售假冒商品罪", "selling counterfeit goods"),
    unsafe_food=("销售不合格食品罪", "selling substandard food"), illegal_fishing=("非法捕捞罪", "illegal fishing"),
    embezzlement=("职务侵占罪", "embezzlement at work"),
)
ACT = code(
    driving=("道路交通", "road traffic"), property=("侵害财产", "property"), person=("侵害人身", "the person"),
    order=("扰乱秩序", "public order"), network=("信息网络", "networks"), market=("市场经营", "market"),
    food=("食品药品", "food and drugs"), ecology=("生态环境", "ecology"),
)
AGENCY = code(
    police=("公安机关", "police"), traffic=("公安交管", "traffic police"), market=("市场监管", "market regulation"),
    fishery=("农业农村", "agriculture and fisheries"), telecom=("通信管理", "telecommunications"),
)
MEASURE = code(
    warning=("警告", "warning"), fine=("罚款", "fine"), confiscation=("没收", "confiscation"),
    detention=("行政拘留", "detention"), revocation=("吊销许可证件", "revocation of a licence"),
)
LICENCE = code(
    valid=("正常", "valid"), suspended=("暂扣", "suspended"), revoked=("吊销", "revoked"), lapsed=("注销", "lapsed"),
)


class PenaltyDecisions(EventTable):
    """Administrative penalty decisions on persons; a revoked one is taken back."""

    title = ("行政处罚决定", "Administrative penalty decisions")
    agency = ("行政执法机关", "Administrative agencies")

    decision_no = Column(text, "决定书文号", "Decision number", role="row id", identifier="penalty_doc_no")
    person = Column(
        text, "当事人身份证号", "Party's identity number", entity="person", identifier="resident_id", sensitivity="personal"
    )
    authority = Column(AGENCY, "处罚机关", "Agency")
    act_kind = Column(ACT, "行为类别", "Kind of act")
    act_on = Column(date, "行为日期", "Date of the act")
    measure = Column(MEASURE, "处罚种类", "Kind of penalty")
    fine = Column(money, "罚款金额", "Fine", unit=("元", "CNY"), at_least=0)
    decided_on = Column(date, "处罚决定日期", "Decided on", role="happened on")
    revoked = Column(boolean, "是否撤销", "Revoked", role="withdrawn")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class PoliceDetentions(EventTable):
    """Administrative detention that was served: who, for which kind of act, how many days."""

    title = ("行政拘留执行记录", "Administrative detention served")
    agency = ("公安", "Police")

    record_no = Column(text, "执行记录编号", "Record", role="row id")
    person = Column(
        text, "身份证号", "Identity number", entity="person", identifier="resident_id", sensitivity="personal"
    )
    act_kind = Column(ACT, "行为类别", "Kind of act")
    act_on = Column(date, "行为日期", "Date of the act")
    days_served = Column(integer, "执行天数", "Days served", unit=("天", "days"), at_least=1, at_most=20)
    began_on = Column(date, "执行起日", "Began on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class DrivingLicences(EntityTable):
    """States of driving licences, one row per state; the latest that holds counts."""

    title = ("机动车驾驶证状态", "Driving licence states")
    agency = ("公安交管", "Traffic police")

    record_no = Column(text, "状态记录编号", "State record", role="row id")
    holder = Column(
        text, "持证人身份证号", "Holder's identity number", role="key", entity="person", identifier="resident_id",
        sensitivity="personal",
    )
    status = Column(LICENCE, "证件状态", "State")
    status_from = Column(date, "状态起日", "State since", role="valid from")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class ChargeProvisions(EntityTable):
    """Which charge has an administrative provision, which agency is competent, and how long a penalty may be imposed."""

    title = ("罪名与处罚依据对照表", "Charges and administrative provisions")
    agency = ("检察", "Procuratorate")

    entry = Column(text, "对照编号", "Entry", role="row id")
    charge = Column(CHARGE, "罪名", "Charge", role="key")
    has_provision = Column(boolean, "有行政处罚依据", "Has an administrative provision", required=True)
    article = Column(text, "处罚依据条文", "Provision")
    authority = Column(AGENCY, "主管机关", "Competent agency")
    long_limitation = Column(boolean, "适用五年时效", "Five-year limitation applies", required=True)
    licence_at_stake = Column(boolean, "涉及吊销驾驶证", "A driving licence is at stake", required=True)
    in_force_from = Column(date, "施行日期", "In force from", role="valid from")
    received_on = Column(date, "录入日期", "Entered on", role="known on")
