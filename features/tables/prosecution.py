"""The procuratorate's own records of a non-prosecution and of what followed: decisions and reverse-link cases.

Fields after 《人民检察院行刑反向衔接工作指引》(2024-11-26): hand-over to the administrative department, its review, the
opinion to the agency (检察意见), the agency's reply. A row is entered when the case begins and completed later; every
completion is a later version of the same row.
"""

from jcml.tables import Column, EventTable, boolean, code, date, integer, money, text

from .penalties import ACT, AGENCY, CHARGE

KIND = code(
    relative=("相对不起诉", "relative: the offence is minor"), doubt=("存疑不起诉", "doubt: evidence is insufficient"),
    statutory=("法定不起诉", "statutory: no offence or no liability"),
)
ADVICE = code(
    penalise=("建议给予行政处罚", "a penalty is suggested"), no_penalty=("不建议处罚", "no penalty is suggested"),
    unstated=("未提出意见", "no view stated"),
)
OUTCOME = code(
    reviewing=("审查中", "under review"), paused=("中止审查", "paused"), opinion=("制发检察意见", "opinion issued"),
    ended=("终结审查", "ended without opinion"),
)
ENDING = code(
    no_need=("无处罚必要", "no penalty is needed"), no_provision=("无处罚依据", "no provision"),
    time_barred=("已过处罚时效", "time-barred"), already_penalised=("已受处罚", "already penalised"),
    unproven=("事实不清", "the act is not proven"), other=("其他", "other"),
)
REPLY = code(
    penalised=("已作出处罚", "penalised"), declined=("不予处罚并说明理由", "declined, with reasons"),
    noted=("已收悉，正在办理", "noted, in progress"),
)
LEVEL = code(
    primary=("初中及以下", "lower secondary or less"), secondary=("高中", "upper secondary"), higher=("大专及以上", "higher"),
)


class NonProsecutions(EventTable):
    """Non-prosecuted persons, one row per person and case, as the case-handling system holds them."""

    title = ("不起诉决定", "Non-prosecution decisions")
    agency = ("检察", "Procuratorate")

    case_person = Column(text, "人案编号", "Person in a case", role="row id", entity="case person")
    case_no = Column(text, "统一受案号", "Case", entity="case")
    person = Column(
        text, "被不起诉人身份证号", "Identity number", entity="person", identifier="resident_id", sensitivity="personal"
    )
    person_name = Column(text, "被不起诉人", "Name", role="name", sensitivity="personal")
    office = Column(text, "承办院", "Procuratorate", entity="procuratorate")
    district = Column(text, "行政区划代码", "District")
    charge = Column(CHARGE, "罪名", "Charge", required=True)
    act_kind = Column(ACT, "行为类别", "Kind of act")
    kind = Column(KIND, "不起诉类型", "Type of non-prosecution", required=True)
    act_on = Column(date, "行为日期", "Date of the act")
    amount = Column(money, "涉案金额", "Amount involved", unit=("元", "CNY"), at_least=0)
    unrecovered = Column(money, "未追缴金额", "Amount not recovered", unit=("元", "CNY"), at_least=0)
    forgiven = Column(boolean, "取得谅解", "Forgiven by the victim")
    seized = Column(boolean, "有待处理的扣押财物", "Seized property awaits disposal")
    persons_in_case = Column(integer, "同案被不起诉人数", "Non-prosecuted persons in the case", at_least=1, at_most=30)
    advice = Column(ADVICE, "刑事检察部门处罚意见", "View of the criminal department")
    summary = Column(text, "审查报告摘要", "Summary of the review report", sensitivity="free text")
    handed_over_on = Column(date, "移送行政检察部门日期", "Handed over on")
    decided_on = Column(date, "不起诉决定日期", "Decided on", role="happened on")
    revoked = Column(boolean, "是否撤销", "Revoked", role="withdrawn")
    received_on = Column(date, "入库日期", "Received on", role="known on")
    tracking_grade = Column(integer, "跟进等级", "Tracking grade", at_least=1, at_most=5)  # filled in after the check; see limits
    ethnicity = Column(text, "民族", "Ethnicity", sensitivity="protected")
    domicile = Column(text, "户籍地", "Place of household registration", sensitivity="protected")
    schooling = Column(LEVEL, "文化程度", "Schooling", sensitivity="protected")


class ReverseCases(EventTable):
    """Reverse-link cases of the administrative department, with the opinion to the agency and its reply."""

    title = ("行刑反向衔接案件", "Reverse-link cases")
    agency = ("检察", "Procuratorate")

    reverse_no = Column(text, "反向衔接案号", "Reverse-link case", role="row id")
    case_person = Column(text, "人案编号", "Person in a case", entity="case person")
    case_no = Column(text, "统一受案号", "Case", entity="case")
    office = Column(text, "承办院", "Procuratorate", entity="procuratorate")
    charge = Column(CHARGE, "罪名", "Charge")
    kind = Column(KIND, "不起诉类型", "Type of non-prosecution")
    decided_on = Column(date, "不起诉决定日期", "Non-prosecution decided on")
    accepted_on = Column(date, "受理日期", "Accepted on", role="happened on")
    outcome = Column(OUTCOME, "审查结果", "Outcome")
    concluded_on = Column(date, "审结日期", "Concluded on")
    ending = Column(ENDING, "终结理由", "Reason for ending")
    review_text = Column(text, "审查意见", "Text of the review", sensitivity="free text")
    authority = Column(AGENCY, "受文机关", "Agency addressed")
    opinion_on = Column(date, "检察意见日期", "Opinion issued on")
    replied_on = Column(date, "回复日期", "Replied on")
    reply = Column(REPLY, "回复情况", "Reply")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class TrackingEntries(EventTable):
    """The ledger of case management, written up after a check and dated back to the decision; never a source of features."""

    title = ("跟进台账", "Tracking ledger")
    agency = ("检察案管", "Case management")

    entry = Column(text, "台账编号", "Entry", role="row id")
    case_person = Column(text, "人案编号", "Person in a case", entity="case person")
    entered_on = Column(date, "登记日期", "Entered on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")
