"""标题 · _template — what the model asks, in one line.

Question     What should a reader know in the end?
One row      one … on one as-of date
Legal basis  《……》第……条
Left out     what is deliberately not used
"""

from jcml.features import SupervisionModel, months, outcome, ratio, reason, rule

from .tables.example import Deliveries, Findings, Places, Returns

YEAR = months(12)

delivered = Deliveries.litres.sum(over=YEAR)
declared = Returns.litres.sum(over=YEAR)

supervision_model = SupervisionModel(
    title=("标题", "Title"),
    asks=("哪些对象可能需要核实？", "Which units probably need a check?"),
    unit=Places.place,
    label=outcome(
        confirmed=Findings.result == "confirmed",
        not_confirmed=Findings.result == "not_confirmed",
        within=months(6),
    ),
    features=dict(
        delivered_to_declared=reason(
            ratio(delivered, declared),
            "近12个月购进量是申报销量的 {value:.1f} 倍",
            "bought {value:.1f} times what was declared in the last 12 months",
        ),
    ),
    rules=dict(
        more_than_declared=rule(ratio(delivered, declared) > 1.1, "购进量超过申报量 10%", "bought 10 % more than declared"),
    ),
    legal_basis=("《……》第……条",),
)
