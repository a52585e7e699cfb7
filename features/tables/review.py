"""What prosecutors decided about a record that was put before them: the only source of labels.

One row per decision. `reviewed_as_of` names the as-of date that was looked at, `channel` why it was looked at, `reason`
why it was not confirmed. Only `confirmed` and `not_confirmed` say anything about the record; `data_error` and
`identity_mismatch` speak of the data, `returned` says that the data cannot tell.
"""

from jcml.tables import Column, EventTable, code, date, text

CHANNEL = code(
    ranked=("模型排序", "ranked by the model"), rules=("规则命中", "hit by a rule"), complaint=("群众举报", "a complaint"),
    campaign=("专项行动", "a campaign"), audit=("随机抽查", "drawn at random"),
)
OUTCOME = code(
    confirmed=("成案", "confirmed"), not_confirmed=("不成案", "not confirmed"), data_error=("数据有误", "the data are wrong"),
    identity_mismatch=("身份不符", "not the same person or firm"), returned=("无法判断", "the data cannot tell"),
)
REASON = code(
    identity_mismatch=("身份不符", "identity mismatch"), data_error=("数据有误", "data error"),
    lawful_explanation=("有合法理由", "a lawful explanation"), already_handled=("已经处理", "already handled"),
    below_threshold=("未达标准", "below the threshold"), time_barred=("已过时效", "time-barred"),
    no_jurisdiction=("无管辖权", "no jurisdiction"), insufficient_evidence=("证据不足", "insufficient evidence"),
    duplicate=("重复线索", "duplicate"),
)


class StationVerdicts(EventTable):
    """Decisions about filling stations."""

    title = ("加油站线索处理决定", "Decisions about filling stations")
    agency = ("检察", "Procuratorate")

    verdict_no = Column(text, "决定编号", "Decision", role="row id")
    station = Column(text, "站点编号", "Station", entity="station", required=True)
    reviewed_as_of = Column(date, "所审观察日", "As-of date that was reviewed", required=True)
    channel = Column(CHANNEL, "来源渠道", "Channel")
    outcome = Column(OUTCOME, "处理结果", "Outcome", required=True)
    reason = Column(REASON, "不成案理由", "Reason if not confirmed")
    decided_on = Column(date, "决定日期", "Decided on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class DeductionVerdicts(EventTable):
    """Decisions about deductions from provident-fund accounts."""

    title = ("公积金扣划线索处理决定", "Decisions about provident-fund deductions")
    agency = ("检察", "Procuratorate")

    verdict_no = Column(text, "决定编号", "Decision", role="row id")
    deduction = Column(text, "扣划编号", "Deduction", entity="deduction", required=True)
    reviewed_as_of = Column(date, "所审观察日", "As-of date that was reviewed", required=True)
    channel = Column(CHANNEL, "来源渠道", "Channel")
    outcome = Column(OUTCOME, "处理结果", "Outcome", required=True)
    reason = Column(REASON, "不成案理由", "Reason if not confirmed")
    decided_on = Column(date, "决定日期", "Decided on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")


class NonProsecutionVerdicts(EventTable):
    """Decisions about non-prosecuted persons who may have to be penalised by an agency."""

    title = ("反向衔接线索处理决定", "Decisions about non-prosecuted persons")
    agency = ("检察", "Procuratorate")

    verdict_no = Column(text, "决定编号", "Decision", role="row id")
    case_person = Column(text, "人案编号", "Person in a case", entity="case person", required=True)
    reviewed_as_of = Column(date, "所审观察日", "As-of date that was reviewed", required=True)
    channel = Column(CHANNEL, "来源渠道", "Channel")
    outcome = Column(OUTCOME, "处理结果", "Outcome", required=True)
    reason = Column(REASON, "不成案理由", "Reason if not confirmed")
    decided_on = Column(date, "决定日期", "Decided on", role="happened on")
    received_on = Column(date, "入库日期", "Received on", role="known on")
