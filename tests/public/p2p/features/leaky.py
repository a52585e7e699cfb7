"""P2P 平台退出 · leaky — the same with the state of the directory page, which is the label in disguise."""

from jcml.features import SupervisionModel, gap, months, once, outcome, reason, rule

from .tables.platforms import Exits, Outcomes, SiteStates

age = gap(Exits.launched_on, Exits.reported_on)

supervision_model = SupervisionModel(
    title=("平台退出", "Platform exits"),
    asks=("哪些退出的平台可能有害？", "Which exits are probably harmful?"),
    unit=Exits.platform,
    scored=once(),
    label=outcome(confirmed=Outcomes.harmful, not_confirmed=~Outcomes.harmful, within=months(3)),
    features=dict(
        age=reason(age, "上线 {value:.0f} 天后被报告", "reported {value:.0f} days after its launch"),
        status=reason(SiteStates.matching(platform=Exits.platform).status, "网站状态 {value:.0f}", "directory status {value:.0f}"),
    ),
    rules=dict(young=rule(age < 365, "上线不满一年", "less than a year old")),
    legal_basis=("《网络借贷信息中介机构业务活动管理暂行办法》",),
)
