"""行刑反向衔接 · reverse_penalty_link — which non-prosecuted persons probably still need an administrative follow-up.

Question     After a non-prosecution, was the matter handed over, reviewed and answered as the law asks, or is a step missing?
One row      one non-prosecuted person in one case, seen once, on the first month's day at least 90 days after the decision
Legal basis  《刑事诉讼法》第一百七十七条第三款、《行政处罚法》第二十七条、《人民检察院行刑反向衔接工作指引》
Left out     ethnicity, household registration and schooling; earlier convictions; whether the person pleaded guilty: what is
             scored is how authorities handled the matter, never the person. The tracking grade and the tracking ledger
             are written after the check and would give the answer away.
"""

from jcml.features import (
    SupervisionModel,
    as_of,
    category,
    days,
    days_later,
    either,
    ever,
    gap,
    months,
    once,
    outcome,
    parameter,
    ratio,
    reason,
    rule,
)

from .tables.penalties import ChargeProvisions, DrivingLicences, PenaltyDecisions, PoliceDetentions
from .tables.prosecution import NonProsecutions, ReverseCases
from .tables.review import NonProsecutionVerdicts

QUARTER, HALF_YEAR, YEAR, TWO_YEARS = days(90), months(6), months(12), months(24)
BEFORE_OWN = months(4)  # a person is scored at most 120 days after the decision, so older windows never hold the person's own

review = ReverseCases.matching(case_person=NonProsecutions.case_person)
others = ReverseCases.case_person != NonProsecutions.case_person
provision = ChargeProvisions.matching(charge=NonProsecutions.charge)
by_office = ReverseCases.matching(office=NonProsecutions.office)
similar = ReverseCases.matching(charge=NonProsecutions.charge, kind=NonProsecutions.kind)
same_case = ReverseCases.matching(case_no=NonProsecutions.case_no)
addressed = ReverseCases.matching(
    office=NonProsecutions.office, authority=review.authority.otherwise(provision.authority)
)
decided_there = NonProsecutions.matching(office=NonProsecutions.office)
never_accepted = ReverseCases.absent(case_person=NonProsecutions.case_person)

handed_over = NonProsecutions.handed_over_on.otherwise(review.accepted_on)
handover_limit = parameter("penalty_link.handover_days", on=NonProsecutions.decided_on)
handover_excess = gap(NonProsecutions.decided_on, handed_over.otherwise(as_of), working=True) - handover_limit
review_limit = parameter("penalty_link.review_days", on=review.accepted_on)
review_excess = gap(review.accepted_on, review.concluded_on.otherwise(as_of), working=True) - review_limit
reply_due = days_later(review.opinion_on, parameter("penalty_link.reply_days", on=review.opinion_on))
reply_excess = gap(reply_due, review.replied_on.otherwise(as_of))
limitation = either(
    provision.long_limitation, parameter("penalty_link.limitation_days_long"), parameter("penalty_link.limitation_days")
)

their_limit = parameter("penalty_link.handover_days", on=ReverseCases.decided_on)
their_gap = gap(ReverseCases.decided_on, ReverseCases.accepted_on, working=True)
answer_due = gap(ReverseCases.opinion_on, as_of) > parameter("penalty_link.reply_days")
issued = ReverseCases.outcome == "opinion"
decided = ReverseCases.outcome.isin("opinion", "ended")

near_enough = parameter("penalty_link.same_act_days")
same_penalised_act = (PenaltyDecisions.act_kind == NonProsecutions.act_kind) & gap(
    PenaltyDecisions.act_on, NonProsecutions.act_on
).between(0 - near_enough, near_enough)
same_detained_act = (PoliceDetentions.act_kind == NonProsecutions.act_kind) & gap(
    PoliceDetentions.act_on, NonProsecutions.act_on
).between(0 - near_enough, near_enough)
unhanded_share = ratio(
    decided_there.count(over=HALF_YEAR, lag=BEFORE_OWN, where=never_accepted), decided_there.count(over=HALF_YEAR, lag=BEFORE_OWN)
)

GUIDE = "《人民检察院行刑反向衔接工作指引》"
PROCEDURE = "《刑事诉讼法》第一百七十七条第三款"


supervision_model = SupervisionModel(
    title=("行刑反向衔接", "Reverse link to administrative penalties"),
    asks=(
        "不起诉之后，哪些人的行政处理环节可能还缺一步？",
        "After a non-prosecution, for whom is a step of the administrative follow-up probably missing?",
    ),
    background=(
        "不起诉不等于不处罚。案件应当移送行政检察部门审查，需要处罚的提出检察意见，主管机关应当书面回复。三个环节分属三个部门，"
        "登记在三个系统，任何一步停下来都不容易看见。",
        "A non-prosecution does not end the matter. The case goes to the administrative department, an opinion to the agency, and a"
        " reply comes back: three steps, three bodies, three systems, and a step that stops is hard to see.",
    ),
    unit=NonProsecutions.case_person,
    scored=once(after_days=90),
    same=NonProsecutions.case_no,
    label=outcome(
        confirmed=NonProsecutionVerdicts.outcome == "confirmed",
        not_confirmed=NonProsecutionVerdicts.outcome == "not_confirmed",
        channel=NonProsecutionVerdicts.channel,
        within=days(120),
    ),
    features=dict(
        handover_excess=reason(
            handover_excess, "决定到移送用了期限外 {value:.0f} 个工作日（负数为提前；未移送的计至观察日）", "{value:.0f} working days beyond the limit from decision to hand-over (to the as-of date if there was none)",
            group="handover", legal_basis=(GUIDE,),
        ),
        no_reverse_case=reason(
            never_accepted, "行政检察部门没有受理记录", "no record that the administrative department took the case", group="handover", legal_basis=(GUIDE,),
        ),
        review_excess=reason(
            review_excess, "审查用了期限外 {value:.0f} 个工作日（负数为提前；未审结的计至观察日）", "{value:.0f} working days beyond the limit of the review (to the as-of date if it is open)",
            group="review", legal_basis=(GUIDE,),
        ),
        review_outcome=reason(category(review.outcome), "反向衔接审查结果：{value}", "outcome of the review: {value}", group="review"),
        ending=reason(category(review.ending), "终结审查的理由：{value}", "reason for ending: {value}", group="review"),
        same_review_text=reason(
            ReverseCases.alike(review.review_text).count(over=YEAR, where=others),
            "近12个月另有 {value:.0f} 件的审查意见几乎相同", "{value:.0f} other cases in the last 12 months have nearly the same review text", group="review",
        ),
        reply_excess=reason(
            reply_excess, "主管机关回复超出期限 {value:.0f} 天（负数为提前；未回复的计至观察日）", "the agency's reply is {value:.0f} days beyond the limit (to the as-of date if there is none)",
            group="reply", legal_basis=(PROCEDURE,),
        ),
        reply=reason(category(review.reply), "主管机关回复：{value}", "reply of the agency: {value}", group="reply"),
        agency_adoption_rate=reason(
            ratio(
                addressed.count(over=TWO_YEARS, where=others & answer_due & (ReverseCases.reply == "penalised")),
                addressed.count(over=TWO_YEARS, where=others & answer_due),
            ),
            "该机关近24个月收到的其他检察意见有 {value:.0%} 已作出处罚", "{value:.0%} of the other opinions to this agency in the last 24 months led to a penalty", group="reply",
        ),
        already_penalised=reason(
            PenaltyDecisions.present(where=same_penalised_act), "同类行为前后一年内已有行政处罚决定", "a penalty decision for an act of this kind within a year of it exists",
            group="penalised", monotone="decreasing", legal_basis=("《行政处罚法》第二十九条",),
        ),
        days_detained=reason(
            PoliceDetentions.days_served.sum(over=months(18), where=same_detained_act), "同类行为已执行行政拘留 {value:.0f} 天", "{value:.0f} days of administrative detention served for an act of this kind", group="penalised",
        ),
        says_penalised=reason(
            NonProsecutions.summary.mentions("已被行政处罚", "已作出行政处罚", "已行政拘留"), "审查报告提到已受行政处理", "the review report says that an agency has dealt with it", group="penalised",
        ),
        licence_still_valid=reason(
            provision.licence_at_stake & (DrivingLicences.status == "valid"), "应当处理的驾驶证状态仍为正常", "the driving licence at stake is still recorded as valid",
            group="licence", legal_basis=("《道路交通安全法》第九十一条",),
        ),
        has_provision=reason(
            provision.has_provision, "该罪名对应的行为有行政处罚依据", "the act behind this charge has an administrative provision",
            group="provision", monotone="increasing", legal_basis=("《行政处罚法》第四条",),
        ),
        limitation_left=reason(
            gap(as_of, days_later(NonProsecutions.act_on, limitation)), "处罚时效还有 {value:.0f} 天（负数为已过）", "{value:.0f} days of the limitation period are left (negative: expired)",
            group="limitation", monotone="increasing", legal_basis=("《行政处罚法》第三十六条",),
        ),
        similar_opinion_rate=reason(
            ratio(similar.count(over=TWO_YEARS, where=others & issued), similar.count(over=TWO_YEARS, where=others & decided)),
            "同罪名、同不起诉类型的其他案件近24个月有 {value:.0%} 制发了检察意见", "{value:.0%} of other cases of the same charge and type in the last 24 months led to an opinion", group="similar",
        ),
        same_case_opinions=reason(
            same_case.count(over=ever, where=others & issued), "同案其他人已有 {value:.0f} 人制发检察意见", "an opinion was issued on {value:.0f} others of the same case", group="similar",
        ),
        office_late_rate=reason(
            ratio(by_office.count(over=QUARTER, where=others & (their_gap > their_limit)), by_office.count(over=QUARTER, where=others)),
            "承办院近90天受理的其他案件有 {value:.0%} 超过移送期限", "{value:.0%} of the office's other cases of the last 90 days were handed over late", group="office",
        ),
        office_last_day_rate=reason(
            ratio(by_office.count(over=HALF_YEAR, where=others & (their_gap == their_limit)), by_office.count(over=HALF_YEAR, where=others)),
            "承办院近6个月有 {value:.0%} 的案件恰在期限最后一天移送", "{value:.0%} of the office's cases of the last 6 months were handed over on the very last day", group="office",
        ),
        office_unhanded_rate=reason(
            unhanded_share, "承办院更早半年的不起诉案件有 {value:.0%} 没有受理记录", "{value:.0%} of the office's decisions in the half-year before were never taken up", group="office",
        ),
        advice=reason(category(NonProsecutions.advice), "刑事检察部门的处罚意见：{value}", "view of the criminal department: {value}", group="merits"),
        kind=reason(category(NonProsecutions.kind), "不起诉类型：{value}", "type of non-prosecution: {value}", group="merits"),
        act_kind=reason(category(NonProsecutions.act_kind), "行为类别：{value}", "kind of act: {value}", group="merits"),
        says_minor=reason(
            NonProsecutions.summary.mentions("情节显著轻微", "及时改正", "没有造成危害后果"), "审查报告提到情节显著轻微或者及时改正", "the review report calls the act slight or says that it was put right", group="merits",
        ),
        unrecovered=reason(NonProsecutions.unrecovered, "尚有 {value:money} 未追缴", "{value:money_en} not recovered", group="merits"),
    ),
    rules=dict(
        not_handed_over=rule(never_accepted, "作出决定后没有移送受理记录", "decided, and never taken up by the administrative department", source="S31"),
        handed_over_late=rule(handover_excess > 0, "移送超过规定工作日", "handed over later than the working days allowed", source="S30"),
        office_counts_differ=rule(
            unhanded_share > parameter("penalty_link.count_gap"), "承办院不起诉人数与移送人数相差较大", "the office's counts of decisions and hand-overs differ", source="S31",
        ),
        review_late=rule(review_excess > 0, "审查超过规定工作日", "the review took longer than the working days allowed", source="S28"),
        provision_without_opinion=rule(
            provision.has_provision & ReverseCases.absent(case_person=NonProsecutions.case_person, where=issued),
            "有处罚依据而未制发检察意见", "there is a provision and no opinion was issued", source="S30",
        ),
        advice_not_followed=rule(
            (NonProsecutions.advice == "penalise") & (review.outcome == "ended") & (review.ending == "other"),
            "未采纳刑事检察部门意见且未说明理由", "the criminal department's view was not followed and no reason was given", source="S28",
        ),
        reply_overdue=rule(reply_excess > 0, "主管机关逾期回复或者未回复", "the agency's reply is late or missing", source="S32"),
    ),
    facts=dict(
        charge=reason(category(NonProsecutions.charge), "罪名：{value}", "charge: {value}"),
        article=reason(provision.article, "处罚依据：{value}", "provision: {value}"),
        authority=reason(category(provision.authority), "主管机关：{value}", "competent agency: {value}"),
        days_since=reason(gap(NonProsecutions.decided_on, as_of), "作出不起诉决定已 {value:.0f} 天", "{value:.0f} days since the decision"),
        amount=reason(NonProsecutions.amount, "涉案金额 {value:money}", "{value:money_en} involved"),
        seized=reason(NonProsecutions.seized, "有扣押财物等待处理", "seized property awaits disposal"),
    ),
    groups=dict(district=NonProsecutions.district, kind=NonProsecutions.kind, act_kind=NonProsecutions.act_kind),
    legal_basis=(PROCEDURE, "《行政处罚法》第二十七条", "《行政处罚法》第三十六条", GUIDE),
    lawful_explanations=(
        ("同一行为已受行政处罚或者已执行行政拘留", "the same act has been penalised or detention was served"),
        ("由异地或者其他机关处罚，身份信息脱敏而未能关联", "penalised by an agency elsewhere whose records are masked and could not be joined"),
        ("罪名所涉行为没有行政处罚依据", "the act has no administrative provision"),
        ("存疑不起诉且行为本身不能证明", "the evidence does not prove the act itself"),
        ("情节显著轻微并及时改正，依法不予处罚", "slight and put right in time, so that the law asks for no penalty"),
        ("处罚时效已过", "the limitation period has expired"),
        ("中止审查或者经批准延长", "the review was paused or lawfully extended"),
        ("已纸面移送而系统登记迟延", "handed over on paper and entered late"),
    ),
    limits=(
        ("看不到主管机关没有报送的处罚", "penalties that agencies did not report cannot be seen"),
        ("驾驶证状态自有数据之日起才可用；此前为未知", "licence states are unknown before the day from which they were delivered"),
        ("时效按日计算，未考虑中断与连续状态", "limitation is counted in days; interruption and continuing acts are not considered"),
        ("未成年人案件依法封存，不在数据之内", "cases of minors are sealed and not in the data"),
    ),
)
