"""审计风险 · published — every published column, the steps of the label's formula among them."""

from jcml.features import SupervisionModel, months, once, outcome, rule

from .tables.firms import Audits, Findings

supervision_model = SupervisionModel(
    title=("审计风险", "Audit risk"),
    asks=("哪些企业可能有问题？", "Which firms are probably risky?"),
    unit=Audits.firm,
    scored=once(),
    label=outcome(confirmed=Findings.risky, not_confirmed=~Findings.risky, within=months(2)),
    features=dict(
        sector_score=Audits.sector_score, para_a=Audits.para_a, para_b=Audits.para_b, total=Audits.total, numbers=Audits.numbers,
        money_value=Audits.money_value, score=Audits.score, inherent_risk=Audits.inherent_risk, control_risk=Audits.control_risk,
        audit_risk=Audits.audit_risk,
    ),
    rules=dict(large=rule(Audits.total > 10, "差异合计超过 10", "total discrepancy above 10")),
    legal_basis=("《审计法》第三十八条",),
)
