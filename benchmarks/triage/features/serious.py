"""The 321 values of the peer's experiment (`experiment.yaml`): aggregates of three sources over five windows, and the entity itself.

Where the peer writes 0 for nothing and adds a flag column, a value here is unknown: the flag is that it is.
"""

from jcml.features import SupervisionModel, as_of, ever, gap, months, outcome, ratio, reason, rule

from .tables.registers import Complaints, Entities, Inspections, Records

WINDOWS = {"1m": months(1), "3m": months(3), "6m": months(6), "1y": months(12), "all": ever}
RESULTS = ("pass", "fail", "conditional")
REASONS = ("routine", "complaint", "special")
RECORD_TYPES = ("permit", "late_filing", "penalty", "transfer", "tender", "lawsuit", "tax", "staff")
AGENCIES = ("court", "police", "market")
TOPICS = ("safety", "fraud", "labour", "waste", "price", "other")
CHANNELS = ("hotline", "letter", "visit", "web")
KINDS = ("clinic", "factory", "school", "bank", "shop")
REGIONS = ("r00", "r01", "r02", "r03", "r04", "r05", "r06", "r07", "r08", "r09")

SOURCES = {"insp": Inspections, "rec": Records, "comp": Complaints}
NUMBERS = {
    "insp_severity": Inspections.severity, "insp_fine": Inspections.fine, "rec_amount": Records.amount, "comp_repeated": Complaints.repeated,
}
SHARES = [
    ("insp", "result", Inspections.result, RESULTS), ("insp", "reason", Inspections.reason, REASONS),
    ("rec", "record_type", Records.record_type, RECORD_TYPES), ("comp", "topic", Complaints.topic, TOPICS),
]
COUNTS = [*SHARES, ("rec", "agency", Records.agency_code, AGENCIES), ("comp", "channel", Complaints.channel, CHANNELS)]

totals = {f"{s}_{w}_count": source.count(over=over) for s, source in SOURCES.items() for w, over in WINDOWS.items()}
sums = {f"{n}_{w}_sum": column.sum(over=over) for n, column in NUMBERS.items() for w, over in WINDOWS.items()}
highest = {f"{n}_{w}_max": column.max(over=over) for n, column in NUMBERS.items() if n != "comp_repeated" for w, over in WINDOWS.items()}
means = {f"{n}_{w}_avg": column.mean(over=over) for n, column in NUMBERS.items() for w, over in WINDOWS.items()}
counts = {
    f"{s}_{c}_{choice}_{w}_sum": SOURCES[s].count(over=over, where=column == choice)
    for s, c, column, choices in COUNTS for choice in choices for w, over in WINDOWS.items()
}
shares = {
    f"{s}_{c}_{choice}_{w}_avg": ratio(SOURCES[s].count(over=over, where=column == choice), SOURCES[s].count(over=over))
    for s, c, column, choices in SHARES for choice in choices for w, over in WINDOWS.items()
}
entity = {
    "ent_age": gap(Entities.open_date, as_of), **{f"ent_kind_{k}": Entities.kind == k for k in KINDS},
    **{f"ent_region_{r}": Entities.region == r for r in REGIONS},
}
values = {**totals, **sums, **highest, **means, **counts, **shares, **entity}

supervision_model = SupervisionModel(
    title=("对照测量", "Side by side"),
    asks=("哪些单位今后三个月最可能查出严重问题？", "Which entities will probably be found with a serious problem within three months?"),
    unit=Entities.entity_id,
    cohort=(Entities.open_date < as_of) & (Entities.close_date.is_null() | (Entities.close_date >= as_of)),
    label=outcome(confirmed=Inspections.severity >= 2, not_confirmed=Inspections.severity < 2, within=months(3)),
    features={name: reason(value, name + " {value:.2f}", name + " {value:.2f}") for name, value in values.items()},
    rules=dict(
        severe_lately=rule(Inspections.severity.sum(over=months(12)) > 0, "近12个月查出问题", "something was found in the last 12 months"),
    ),
    groups=dict(kind=Entities.kind),
    legal_basis=("Triage 6.0.0, experiment.yaml",),
)
