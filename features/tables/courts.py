"""What courts record of a civil case and of its enforcement, from filing to the last step.

A case is delivered when it is filed and again when it is decided; the later delivery is a later version of the row.
Creditor and applicant are natural or legal persons: the column holds a resident id or a unified social credit code,
so it is joined as it is written and no check digit is asked of it.
"""

from jcml.tables import Column, EventTable, boolean, code, date, decimal, integer, money, text

CAUSE = code(
    private_loan=("民间借贷纠纷", "private loan"), financial_loan=("金融借款合同纠纷", "financial loan"),
    credit_card=("信用卡纠纷", "credit card"), property_service=("物业服务合同纠纷", "property service"),
    sale=("买卖合同纠纷", "sale"), divorce=("离婚纠纷", "divorce"), tort=("侵权责任纠纷", "tort"), other=("其他", "other"),
)
MODE = code(
    judgment=("判决", "judgment"), court_mediation=("法院调解", "mediation in court"),
    confirmation=("司法确认", "judicial confirmation of a mediation agreement"), arbitration=("仲裁执行", "arbitral award"),
    notarial=("公证债权文书", "notarised debt"), withdrawn=("撤诉", "withdrawn"),
)
CREDITOR_KIND = code(
    natural=("自然人", "natural person"), bank=("银行", "bank"), lender=("持牌小额贷款或消费金融公司", "licensed lender"),
    manager=("物业或供热企业", "property or heating company"), firm=("其他企业", "other enterprise"),
)
DELIVERY = code(
    transfer=("转账", "bank transfer"), cash=("现金", "cash"), mixed=("部分现金", "partly cash"), none=("未提交交付凭证", "no proof of payment"),
)
DEFENCE = code(
    contested=("答辩并提出异议", "contested"), partial=("部分异议", "partly contested"), none=("到庭无异议", "appeared, did not contest"),
    absent=("未到庭", "did not appear"),
)


class CivilCases(EventTable):
    """Civil cases: parties, agent, claim, the loan behind it, how it was contested and how it ended."""

    title = ("民事案件", "Civil cases")
    agency = ("法院", "Courts")

    case_no = Column(text, "案号", "Case number", role="row id", entity="case", identifier="case_number")
    court = Column(text, "审理法院", "Court")
    cause = Column(CAUSE, "案由", "Cause of action")
    mode = Column(MODE, "结案方式", "How it was concluded")
    creditor = Column(text, "原告证件号", "Plaintiff", entity="person", sensitivity="personal")
    creditor_kind = Column(CREDITOR_KIND, "原告类型", "Kind of plaintiff")
    creditor_phone = Column(text, "原告联系电话", "Plaintiff's phone", entity="phone", identifier="mobile", sensitivity="personal")
    creditor_address = Column(text, "原告地址", "Plaintiff's address", entity="address", sensitivity="personal")
    debtor = Column(text, "被告身份证号", "Defendant", entity="person", identifier="resident_id", sensitivity="personal")
    debtor_phone = Column(text, "被告联系电话", "Defendant's phone", entity="phone", identifier="mobile", sensitivity="personal")
    debtor_address = Column(text, "被告地址", "Defendant's address", entity="address", sensitivity="personal")
    agent = Column(text, "原告代理人执业证或身份证号", "Plaintiff's agent", entity="agent", sensitivity="personal")
    claim = Column(money, "诉讼请求金额", "Amount claimed", unit=("元", "CNY"), at_least=0)
    loan_on = Column(date, "借款日期", "Loan made on")
    due_on = Column(date, "约定还款日", "Loan due on")
    annual_rate = Column(decimal(4), "约定年利率", "Agreed yearly interest rate", at_least=0, at_most=5)
    interest_claimed = Column(boolean, "是否主张利息", "Interest claimed")
    delivery = Column(DELIVERY, "款项交付方式", "How the loan was paid out")
    defence = Column(DEFENCE, "被告答辩情况", "Defence")
    contract_terms = Column(text, "借款合同摘录", "Excerpt of the loan contract", sensitivity="free text")
    statement = Column(text, "庭审或调解笔录摘要", "Summary of the hearing or mediation record", sensitivity="free text")
    filed_on = Column(date, "立案日期", "Filed on", role="happened on")
    decided_on = Column(date, "结案日期", "Decided on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class EnforcementCases(EventTable):
    """Enforcement cases: on which decision they rest, who applied, and whether other property was looked for."""

    title = ("执行案件", "Enforcement cases")
    agency = ("法院", "Courts")

    case_no = Column(text, "执行案号", "Enforcement case", role="row id", entity="case", identifier="case_number")
    basis = Column(text, "执行依据案号", "Case it rests on", entity="case", identifier="case_number")
    court = Column(text, "执行法院", "Enforcing court")
    applicant = Column(text, "申请执行人证件号", "Applicant", entity="person", sensitivity="personal")
    debtor = Column(text, "被执行人身份证号", "Debtor", entity="person", identifier="resident_id", sensitivity="personal")
    agent = Column(text, "申请人代理人执业证或身份证号", "Applicant's agent", entity="agent", sensitivity="personal")
    claim = Column(money, "申请执行标的", "Amount to be enforced", unit=("元", "CNY"), at_least=0)
    property_queries = Column(integer, "其他财产查询次数", "Queries for other property", at_least=0, at_most=200)
    filed_on = Column(date, "执行立案日期", "Filed on", role="happened on")
    ruled_on = Column(date, "扣划裁定日期", "Deduction ruled on")
    received_on = Column(date, "入库日期", "Received on", role="known on")
