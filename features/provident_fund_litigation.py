"""虚假诉讼套取住房公积金 · provident_fund_litigation — which court-ordered deductions probably rest on a sham debt.

Question     Behind which enforcement deductions from provident-fund accounts was there probably no real debt?
One row      one deduction, scored once, 30 days after it at the earliest
Legal basis  《民事诉讼法》第一百一十五条、第一百一十六条、第二百一十九条、第二百二十条；《刑法》第三百零七条之一；
             《住房公积金管理条例》第二十四条
Left out     the debtor's health, family, poverty, mortgage and credit; sex, place of registration, marital status; judges;
             transfers back to the debtor, which are known only after a check
"""

from jcml.features import (
    SupervisionModel,
    category,
    days,
    gap,
    months,
    once,
    outcome,
    parameter,
    peers,
    ratio,
    reason,
    rule,
    shared,
    this,
)

from .tables.courts import CivilCases, EnforcementCases
from .tables.provident_fund import FundAccounts, FundDeductions, PeopleMediations
from .tables.review import DeductionVerdicts

YEAR, TWO_YEARS = months(12), months(24)
LOAN_RULES = "《关于审理民间借贷案件适用法律若干问题的规定》第十八条"
GUIDANCE = "最高人民法院《关于防范和制裁虚假诉讼的指导意见》第二条"
FUND_RULES = "《住房公积金管理条例》第二十四条"

# from the deduction to the case, its parties and those who helped them
enforcement = EnforcementCases.matching(case_no=FundDeductions.case_no)
case = CivilCases.matching(case_no=enforcement.basis)
mediation = PeopleMediations.matching(creditor=case.creditor, debtor=case.debtor)
lender = FundAccounts.matching(person=case.creditor)

suits_of_creditor = CivilCases.matching(creditor=case.creditor)
suits_of_debtor = CivilCases.matching(debtor=case.debtor)
enforced_by_creditor = EnforcementCases.matching(applicant=enforcement.applicant)
enforced_by_agent = EnforcementCases.matching(agent=enforcement.agent)
same_phone = CivilCases.matching(creditor_phone=case.creditor_phone)
same_text = CivilCases.alike(case.statement)
before_committee = PeopleMediations.matching(committee=mediation.committee)
colleagues = FundDeductions.matching(employer=FundDeductions.employer)
same_court_and_day = FundDeductions.matching(court=FundDeductions.court, deducted_on=FundDeductions.deducted_on)

another_suit = CivilCases.case_no != case.case_no
from_a_fund = FundDeductions.present(case_no=EnforcementCases.case_no) & (EnforcementCases.case_no != FundDeductions.case_no)

balance = FundDeductions.amount + FundDeductions.balance_after
deducted_share = ratio(FundDeductions.amount, balance)
creditor_fund_cases = enforced_by_creditor.count(over=TWO_YEARS, where=from_a_fund)
agent_fund_cases = enforced_by_agent.count(over=TWO_YEARS, where=from_a_fund)
suit_to_decision = gap(case.filed_on, case.decided_on)
fund_in_contract = case.contract_terms.mentions("公积金")


supervision_model = SupervisionModel(
    title=("虚假诉讼套取住房公积金", "Sham suits to extract the housing provident fund"),
    asks=("哪些公积金执行扣划，背后可能没有真实债务？", "Behind which court-ordered deductions was there probably no real debt?"),
    background=(
        "公积金不能随意提取，法院扣划成了绕开提取条件的通道：双方约定一笔债务，很快调解或确认，申请执行扣划，款项到账后再转回。"
        "单看一件，手续齐全；把扣划、案件、调解和账户放在一起，才看得出同一批人和同一套做法。",
        "The fund cannot be withdrawn at will, so an agreed debt, a quick mediation and an enforcement deduction serve as a way"
        " around. Each file alone looks complete; put side by side, deductions, cases, mediations and accounts show the same"
        " people and the same pattern.",
    ),
    unit=FundDeductions.deduction,
    scored=once(after_days=30),
    same=FundDeductions.person,
    label=outcome(
        confirmed=DeductionVerdicts.outcome == "confirmed",
        not_confirmed=DeductionVerdicts.outcome == "not_confirmed",
        within=days(360),
        channel=DeductionVerdicts.channel,
    ),
    features=dict(
        creditor_fund_cases=reason(
            creditor_fund_cases, "同一申请执行人近24个月另有 {value:.0f} 件执行案件扣划了公积金",
            "{value:.0f} other enforcement cases of this creditor took provident-fund money in the last 24 months",
            group="creditor", legal_basis=(LOAN_RULES,),
        ),
        creditor_suits=reason(
            suits_of_creditor.count(over=TWO_YEARS, where=another_suit), "同一原告近24个月在各法院另有 {value:.0f} 件诉讼",
            "{value:.0f} other suits of this creditor in any court in the last 24 months", group="creditor", legal_basis=(LOAN_RULES,),
        ),
        creditor_courts=reason(
            suits_of_creditor.court.distinct(over=TWO_YEARS), "同一原告近24个月在 {value:.0f} 个法院起诉",
            "this creditor sued in {value:.0f} courts in the last 24 months", group="creditor",
        ),
        agent_fund_cases=reason(
            agent_fund_cases, "同一代理人近24个月另代理 {value:.0f} 件扣划公积金的执行案件",
            "{value:.0f} other fund-deduction cases of the same agent in the last 24 months", group="agent",
        ),
        agent_creditors=reason(
            enforced_by_agent.applicant.distinct(over=TWO_YEARS, where=from_a_fund), "同一代理人近24个月为 {value:.0f} 名申请人办理过公积金扣划",
            "the same agent acted for {value:.0f} creditors in fund deductions in the last 24 months", group="agent",
        ),
        phone_creditors=reason(
            same_phone.creditor.distinct(over=TWO_YEARS, where=CivilCases.creditor != case.creditor), "原告所留电话近24个月还被 {value:.0f} 名其他原告使用",
            "the creditor's phone was given by {value:.0f} other plaintiffs in the last 24 months", group="contacts",
        ),
        account_phone_shared=reason(
            shared(FundAccounts.phone), "账户预留手机号与另外 {value:.0f} 个账户相同",
            "{value:.0f} other accounts hold the same phone", group="contacts",
        ),
        same_contact=reason(
            (case.creditor_phone == case.debtor_phone) | (case.creditor_address == case.debtor_address), "原告与被告的电话或地址相同",
            "creditor and debtor gave the same phone or address", group="contacts", legal_basis=(GUIDANCE,),
        ),
        debtor_other_suits=reason(
            suits_of_debtor.count(over=TWO_YEARS, where=another_suit), "被告近24个月另有 {value:.0f} 件诉讼",
            "{value:.0f} other suits against the debtor in the last 24 months",
        ),
        days_loan_to_suit=reason(
            gap(case.loan_on, case.filed_on), "借款后 {value:days} 天起诉", "sued {value:days} days after the loan", group="timeline",
        ),
        days_suit_to_decision=reason(
            suit_to_decision, "立案后 {value:days} 天结案", "decided {value:days} days after filing", group="timeline", legal_basis=(GUIDANCE,),
        ),
        days_decision_to_enforcement=reason(
            gap(case.decided_on, enforcement.filed_on), "结案后 {value:days} 天申请执行", "enforcement filed {value:days} days after the decision",
            group="timeline",
        ),
        days_enforcement_to_deduction=reason(
            gap(enforcement.filed_on, FundDeductions.deducted_on, working=True), "执行立案后 {value:days} 个工作日扣划",
            "deducted {value:days} working days after enforcement was filed", group="timeline",
        ),
        pace_among_peers=reason(
            peers(gap(case.filed_on, FundDeductions.deducted_on), by=case.mode, measure="percentile"),
            "从立案到扣划的用时在同期同类结案方式中位于 {value:.0%} 处（越小越快）",
            "from filing to deduction it stands at {value:.0%} among cases concluded in the same way (smaller is faster)", group="timeline",
        ),
        days_agreement_to_filing=reason(
            gap(mediation.agreed_on, case.filed_on), "达成调解协议后 {value:days} 天到法院立案", "filed in court {value:days} days after the mediation agreement",
            group="mediation",
        ),
        committee_fund_share=reason(
            ratio(
                before_committee.count(over=YEAR, where=FundDeductions.present(person=PeopleMediations.debtor)),
                before_committee.count(over=YEAR),
            ),
            "该调解委员会近12个月的协议中，{value:.0%} 的被申请人公积金被扣划", "{value:.0%} of the respondents of this committee's agreements in 12 months had their fund deducted",
            group="mediation",
        ),
        deducted_share=reason(
            deducted_share, "扣划额占扣划前余额的 {value:.0%}", "{value:.0%} of the balance was deducted", group="amounts", legal_basis=(FUND_RULES,),
        ),
        claim_to_balance=reason(
            ratio(case.claim, balance), "诉讼请求是扣划前账户余额的 {value:.2f} 倍", "the claim is {value:.2f} times the balance before the deduction", group="amounts",
        ),
        claim_to_deposit=reason(
            ratio(suits_of_creditor.claim.sum(over=TWO_YEARS), lender.monthly_deposit), "原告近24个月诉讼请求合计是其本人公积金月缴存额的 {value:.0f} 倍",
            "the creditor's claims of 24 months are {value:.0f} times the creditor's own monthly deposit", group="capacity", legal_basis=(LOAN_RULES, GUIDANCE),
        ),
        round_claim=reason(case.claim.multiple_of(10_000), "诉讼请求为整万元", "the claim is a round sum of ten thousands", group="amounts"),
        loan_term=reason(gap(case.loan_on, case.due_on), "约定借期 {value:days} 天", "the loan was for {value:days} days", group="loan"),
        rate_to_cap=reason(
            ratio(case.annual_rate, parameter("litigation.interest_cap", on=case.loan_on)), "约定利率是当时司法保护上限的 {value:.2f} 倍",
            "the agreed rate is {value:.2f} times the highest that courts then protected", group="loan",
        ),
        interest_not_claimed=reason(~case.interest_claimed, "原告未主张利息", "no interest was claimed", group="loan", legal_basis=(LOAN_RULES,)),
        delivery=reason(category(case.delivery), "款项交付方式：{value:.0f}", "how the loan was paid out: {value:.0f}", group="loan"),
        fund_in_contract=reason(
            fund_in_contract, "借款合同写明以住房公积金偿还", "the loan contract names the provident fund as the means of repayment", group="text", legal_basis=(FUND_RULES,),
        ),
        admits_all=reason(
            case.statement.mentions("对借款事实无异议", "双方确认", "自愿"), "笔录中被告对借款事实全部认可", "the record has the debtor admit everything", group="defence",
            legal_basis=(GUIDANCE,),
        ),
        defence=reason(category(case.defence), "被告答辩情况：{value:.0f}", "defence: {value:.0f}", group="defence"),
        alike_statements=reason(
            same_text.count(over=TWO_YEARS, where=another_suit), "近24个月另有 {value:.0f} 件案件的笔录摘要与本件几乎相同",
            "{value:.0f} other cases in 24 months have nearly the same record", group="text",
        ),
        alike_creditors=reason(
            same_text.creditor.distinct(over=TWO_YEARS, where=CivilCases.creditor != case.creditor), "笔录摘要几乎相同的案件涉及 {value:.0f} 名其他原告",
            "nearly the same record appears for {value:.0f} other creditors", group="text",
        ),
        property_queries=reason(
            enforcement.property_queries, "执行中查询其他财产 {value:.0f} 次", "{value:.0f} queries for other property during enforcement",
        ),
        colleagues_deducted=reason(
            colleagues.person.distinct(over=YEAR, where=FundDeductions.person != this(FundDeductions.person)), "同单位近12个月另有 {value:.0f} 名职工公积金被扣划",
            "{value:.0f} colleagues had their fund deducted in the last 12 months", group="batch",
        ),
        same_court_and_day=reason(
            same_court_and_day.count(over=TWO_YEARS) - 1, "同一法院同日另扣划 {value:.0f} 笔", "{value:.0f} other deductions by the same court on the same day", group="batch",
        ),
    ),
    rules=dict(
        repeat_party=rule(
            (creditor_fund_cases >= parameter("litigation.repeat_fund_cases") - 1) | (agent_fund_cases >= parameter("litigation.repeat_fund_cases") - 1),
            "同一申请人或代理人涉三件以上公积金扣划", "the same creditor or agent in three or more fund deductions", source="S49, S53",
        ),
        concluded_at_once=rule(suit_to_decision <= parameter("litigation.quick_days"), "立案后三天内结案", "decided within three days of filing", source="S48, S52"),
        whole_balance=rule(deducted_share >= parameter("litigation.whole_balance"), "扣划额达到余额的 95%", "95 % of the balance or more deducted", source="S51"),
        no_other_property=rule(enforcement.property_queries == 0, "未查询其他财产", "no other property was looked for", source="S50"),
        no_defence=rule(case.defence == "none", "被告到庭而无异议", "the debtor appeared and contested nothing", source="S50"),
        fund_as_means=rule(fund_in_contract, "合同约定以公积金还款", "the contract names the fund as the means of repayment", source="S51"),
    ),
    facts=dict(
        amount=reason(FundDeductions.amount, "扣划 {value:money}", "{value:money_en} deducted"),
        left=reason(FundDeductions.balance_after, "扣划后余额 {value:money}", "{value:money_en} left on the account"),
        claim=reason(case.claim, "诉讼请求 {value:money}", "{value:money_en} claimed"),
        court=reason(FundDeductions.court, "执行法院：{value}", "enforcing court: {value}"),
        mode=reason(case.mode, "结案方式：{value}", "concluded by: {value}"),
        loan_to_deduction=reason(gap(case.loan_on, FundDeductions.deducted_on), "从借款到扣划共 {value:days} 天", "{value:days} days from loan to deduction"),
    ),
    groups=dict(district=FundDeductions.district, mode=case.mode, creditor=case.creditor_kind),
    legal_basis=(
        "《民事诉讼法》第一百一十五条、第一百一十六条", "《民事诉讼法》第二百一十九条、第二百二十条", "《刑法》第三百零七条之一", FUND_RULES,
    ),
    lawful_explanations=(
        ("银行、持牌贷款机构或物业企业成批起诉，笔录使用固定格式", "a bank, licensed lender or property company sues in series, with standard texts"),
        ("亲友之间真实借款，有转账凭证，双方愿意尽快调解", "a real loan among friends or relatives, paid by bank transfer, mediated quickly by choice"),
        ("债务远大于账户余额，余额自然全部扣划", "the debt far exceeds the balance, so all of it is taken"),
        ("法院集中执行，同日成批扣划", "an enforcement drive of the court, with many deductions on one day"),
        ("同单位职工向同一人真实借款", "colleagues really borrowed from the same lender"),
        ("律师代理多名债权人", "a lawyer acts for many creditors"),
    ),
    limits=(
        ("回流转账只有调查核实后才能取得，不作为评分依据", "transfers back to the debtor are known only after a check and are not used"),
        ("案号录入不全的扣划无法关联案件，此时多数依据为空", "a deduction with an incomplete case number cannot be linked, and most reasons are then unknown"),
        ("只出现一次的债权人留下的痕迹较少", "a creditor who appears once leaves few traces"),
        ("人民调解数据自2022年起才有", "mediation data begin in 2022"),
        ("标签来自已被检查的扣划，未检查的不等于没有问题", "labels come from deductions that were looked at; the others are unknown, not clean"),
    ),
)
