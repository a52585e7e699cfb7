"""The housing provident fund and what surrounds a deduction: accounts, deductions, people's mediation, money sent back.

The fund centre prints the number of the enforcement case on every deduction; this is the way from an account to the
courts (`courts.py`). Identity numbers are resident ids. A deduction that was returned to the account is a row of its
own that reverses the first one.
"""

from jcml.tables import Column, EntityTable, EventTable, code, date, integer, money, text

ACCOUNT_STATUS = code(
    normal=("正常缴存", "paying in"), sealed=("封存", "sealed"), frozen=("冻结", "frozen"), closed=("销户", "closed"),
)
MARITAL = code(single=("未婚", "single"), married=("已婚", "married"), divorced=("离异", "divorced"), unknown=("未说明", "not stated"))
SEX = code(male=("男", "male"), female=("女", "female"))


class FundAccounts(EntityTable):
    """Provident-fund accounts, one row per version: employer, phone, monthly deposit."""

    title = ("住房公积金账户", "Provident-fund accounts")
    agency = ("住房公积金中心", "Housing provident fund centre")

    record = Column(text, "账户记录号", "Account record", role="row id")
    person = Column(
        text, "职工身份证号", "Account holder", role="key", entity="person", identifier="resident_id", sensitivity="personal"
    )
    person_name = Column(text, "职工姓名", "Name", role="name", sensitivity="personal")
    employer = Column(text, "单位统一社会信用代码", "Employer", entity="enterprise", identifier="uscc")
    phone = Column(text, "预留手机号", "Phone on the account", entity="phone", identifier="mobile", sensitivity="personal")
    address = Column(text, "联系地址", "Address on the account", entity="address", sensitivity="personal")
    district = Column(text, "管理部", "Branch of the centre")
    monthly_deposit = Column(money, "月缴存额", "Monthly deposit", unit=("元", "CNY"), at_least=0, at_most=100_000)
    status = Column(ACCOUNT_STATUS, "账户状态", "Status of the account")
    opened_on = Column(date, "开户日期", "Opened on")
    valid_from = Column(date, "记录起始日", "Record valid from", role="valid from")
    valid_to = Column(date, "记录终止日", "Record valid to", role="valid to")
    received_on = Column(date, "入库日期", "Received on", role="known on")
    sex = Column(SEX, "性别", "Sex", sensitivity="protected")
    domicile = Column(text, "户籍地", "Place of household registration", sensitivity="protected")
    marital = Column(MARITAL, "婚姻状况", "Marital status", sensitivity="protected")


class FundDeductions(EventTable):
    """Sums that the centre paid out of an account because a court ordered it; one row is scored once."""

    title = ("公积金执行扣划", "Enforcement deductions from provident-fund accounts")
    agency = ("住房公积金中心", "Housing provident fund centre")

    deduction = Column(text, "扣划编号", "Deduction", role="row id", entity="deduction")
    person = Column(
        text, "职工身份证号", "Account holder", entity="person", identifier="resident_id", sensitivity="personal", required=True
    )
    person_name = Column(text, "职工姓名", "Name", role="name", sensitivity="personal")
    employer = Column(text, "单位统一社会信用代码", "Employer", entity="enterprise", identifier="uscc")
    district = Column(text, "管理部", "Branch of the centre")
    case_no = Column(text, "执行案号", "Enforcement case", entity="case", identifier="case_number")
    court = Column(text, "执行法院", "Enforcing court")
    notice_no = Column(text, "协助执行通知书文号", "Notice of assistance")
    amount = Column(money, "扣划金额", "Amount deducted", unit=("元", "CNY"), at_least=0, at_most=5_000_000, required=True)
    balance_after = Column(money, "扣划后余额", "Balance after the deduction", unit=("元", "CNY"), at_least=0, at_most=5_000_000)
    deducted_on = Column(date, "扣划日期", "Deducted on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")
    reverses = Column(text, "冲销原扣划编号", "Deduction that this row returns", role="reverses", entity="deduction")
    centre_grade = Column(integer, "中心标注等级", "Grade set by the centre", at_least=1, at_most=5)  # set after a check; never a feature


class PeopleMediations(EventTable):
    """Agreements made before people's mediation committees, as the judicial bureau collects them from paper."""

    title = ("人民调解协议", "People's mediation agreements")
    agency = ("司法行政", "Judicial bureau")

    committee = Column(text, "人民调解委员会", "Mediation committee", role="row id", entity="committee")
    agreement_no = Column(text, "调解协议书编号", "Agreement", role="row id")
    mediator = Column(text, "调解员", "Mediator", sensitivity="personal")
    creditor = Column(text, "申请人证件号", "Applicant", entity="person", sensitivity="personal")
    debtor = Column(text, "被申请人身份证号", "Respondent", entity="person", identifier="resident_id", sensitivity="personal")
    amount = Column(money, "协议金额", "Amount agreed", unit=("元", "CNY"), at_least=0)
    agreed_on = Column(date, "协议日期", "Agreed on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class ReturnTransfers(EventTable):
    """Money sent from creditor back to debtor, as bank records show once a deduction is being checked.

    These rows exist only because somebody looked, and are dated back to the transfer. They are evidence for a person
    and never a source of features; the leak alarm stops a definition that uses them.
    """

    title = ("回流转账", "Transfers back to the debtor")
    agency = ("银行（逐案调取）", "Banks, on request in a case")

    transfer = Column(text, "交易流水号", "Transfer", role="row id")
    deduction = Column(text, "扣划编号", "Deduction", entity="deduction")
    payer = Column(text, "付款人证件号", "Payer", entity="person", sensitivity="personal")
    payee = Column(text, "收款人证件号", "Payee", entity="person", sensitivity="personal")
    amount = Column(money, "交易金额", "Amount", unit=("元", "CNY"), at_least=0)
    transferred_on = Column(date, "交易日期", "Transferred on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")
