"""审计风险 · raw — the raw factors alone; the label is a formula of them all the same."""

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
        money_value=Audits.money_value,
        district_loss=Audits.district_loss, history=Audits.history,
    ),
    rules=dict(large=rule(Audits.total > 10, "差异合计超过 10", "total discrepancy above 10")),
    legal_basis=("《审计法》第三十八条",),
)
