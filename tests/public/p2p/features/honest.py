"""P2P 平台退出 · honest — what was known when a platform was reported."""

from jcml.features import SupervisionModel, ever, gap, months, once, outcome, ratio, reason, rule

from .tables.platforms import Exits, Outcomes, Registrations

registration = Registrations.matching(platform=Exits.platform)
age = gap(Exits.launched_on, Exits.reported_on)
in_province = Exits.matching(area=Exits.area)

supervision_model = SupervisionModel(
    title=("平台退出", "Platform exits"),
    asks=("哪些退出的平台可能有害？", "Which exits are probably harmful?"),
    unit=Exits.platform,
    scored=once(),
    label=outcome(confirmed=Outcomes.harmful, not_confirmed=~Outcomes.harmful, within=months(3)),
    features=dict(
        age=reason(age, "上线 {value:.0f} 天后被报告", "reported {value:.0f} days after its launch"),
        capital=reason(Exits.capital, "注册资本 {value:,.0f} 万元", "registered capital of CNY {value:,.0f} 0,000"),
        paid_share=reason(ratio(registration.paid_capital, registration.registered_capital), "实缴占注册资本 {value:.0%}", "{value:.0%} of the capital paid in"),
        exits_in_province=reason(in_province.count(over=months(3)), "同省近3个月报告 {value:.0f} 家", "{value:.0f} reported in the province in 3 months"),
        exits_so_far=reason(in_province.count(over=ever), "同省累计报告 {value:.0f} 家", "{value:.0f} reported in the province so far"),
    ),
    rules=dict(young=rule(age < 365, "上线不满一年", "less than a year old"), small=rule(Exits.capital < 1000, "注册资本不足一千万元", "capital under CNY 10 million")),
    legal_basis=("《网络借贷信息中介机构业务活动管理暂行办法》",),
)
