"""Firms seen by an audit office, with the factors of its risk score and the steps of the formula behind it."""

from jcml.tables import Column, EventTable, boolean, date, decimal, text


class Audits(EventTable):
    """One audited firm."""

    title = ("审计对象", "Audited firms")

    firm = Column(text, "企业", "Firm", role="row id", entity="firm")
    sector_score = Column(decimal(2), "行业分", "Sector score")
    para_a = Column(decimal(3), "甲项差异", "Discrepancy A")
    para_b = Column(decimal(3), "乙项差异", "Discrepancy B")
    total = Column(decimal(3), "差异合计", "Total discrepancy")
    numbers = Column(decimal(1), "历史差异分", "Historical discrepancy score")
    money_value = Column(decimal(3), "涉及金额", "Money involved")
    district_loss = Column(decimal(1), "地区损失", "District loss")
    history = Column(decimal(1), "以往问题", "History")
    score = Column(decimal(1), "评分", "Score")
    inherent_risk = Column(decimal(4), "固有风险", "Inherent risk")
    control_risk = Column(decimal(1), "控制风险", "Control risk")
    audit_risk = Column(decimal(6), "审计风险", "Audit risk")
    audited_on = Column(date, "审计日期", "Audited on", role="happened on")
    known_on = Column(date, "获知日期", "Known on", role="known on")


class Findings(EventTable):
    """What the audit concluded."""

    title = ("审计结论", "Conclusions")

    firm = Column(text, "企业", "Firm", role="row id", entity="firm")
    risky = Column(boolean, "高风险", "Risky")
    found_on = Column(date, "结论日期", "Found on", role="happened on")
    known_on = Column(date, "获知日期", "Known on", role="known on")
