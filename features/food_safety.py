"""食药安全 · food_safety — which planned inspections will probably find a critical violation.

Question     Whom should the inspectors of this period visit first?
One row      one establishment on the plan of a period, seen on the day the period begins
Legal basis  《食品安全法》第一百零九条、第一百一十条
Left out     owners' names and origin; the group of inspectors, which says who looks, not how the kitchen is kept
"""

from jcml.features import (
    SupervisionModel,
    as_of,
    category,
    ever,
    gap,
    months,
    once,
    outcome,
    ratio,
    reason,
    rule,
)

from .tables.food import (
    Burglaries,
    Inspections,
    Licences,
    PlannedInspections,
    SanitationComplaints,
    Visits,
    Weather,
)

QUARTER, YEAR, TWO_YEARS = months(3), months(12), months(24)

history = Inspections.matching(establishment=PlannedInspections.establishment)
others = Inspections.establishment != PlannedInspections.establishment
nearby = Inspections.near(1000)
close_by = Inspections.near(500)
in_postcode = Inspections.matching(postcode=PlannedInspections.postcode)
same_name = Inspections.matching(trade_name=PlannedInspections.trade_name)
critical_found = Inspections.critical > 0
weather = Weather.matching(city=PlannedInspections.city)
licence = Licences.matching(establishment=PlannedInspections.establishment)


supervision_model = SupervisionModel(
    title=("食药安全", "Food safety"),
    asks=("本期计划检查的单位中，先去哪些最可能查出严重违规？", "Which of the planned inspections will probably find a critical violation?"),
    background=(
        "检查力量有限，按计划逐户检查时，有严重违规的单位往往排在后面；把最可能查出问题的排到前面，可以早日消除隐患。",
        "Inspectors are few. Ordered by plan alone, kitchens with critical violations wait as long as any other; ordered well, they are found days earlier.",
    ),
    unit=PlannedInspections.inspection,
    scored=once(),
    same=PlannedInspections.establishment,
    label=outcome(
        confirmed=Inspections.critical > 0,
        not_confirmed=Inspections.critical == 0,
        within=months(2),
        inspection=PlannedInspections.inspection,
    ),
    features=dict(
        past_critical_share=reason(
            ratio(history.count(over=ever, where=critical_found), history.count(over=ever)), "历次例行检查中有 {value:.0%} 查出严重违规", "{value:.0%} of its canvass inspections found a critical violation", group="history",
        ),
        past_critical_count=reason(
            history.critical.sum(over=ever), "历次检查共查出严重违规 {value:.0f} 项", "{value:.0f} critical violations found so far", group="history",
        ),
        critical_last_year=reason(
            history.critical.sum(over=YEAR), "近12个月查出严重违规 {value:.0f} 项", "{value:.0f} critical violations in the last 12 months", group="history",
        ),
        worst_critical=reason(
            history.critical.max(over=ever), "单次检查最多查出严重违规 {value:.0f} 项", "up to {value:.0f} critical violations in one inspection", group="history",
        ),
        last_critical=reason(
            history.critical.last(over=ever), "最近一次检查查出严重违规 {value:.0f} 项", "{value:.0f} critical violations at the last inspection", group="last",
        ),
        last_serious=reason(
            history.serious.last(over=ever), "最近一次检查查出较重违规 {value:.0f} 项", "{value:.0f} serious violations at the last inspection", group="last",
        ),
        last_minor=reason(
            history.minor.last(over=ever), "最近一次检查查出轻微违规 {value:.0f} 项", "{value:.0f} minor violations at the last inspection", group="last",
        ),
        mean_serious=reason(
            history.serious.mean(over=ever), "平均每次检查查出较重违规 {value:.1f} 项", "{value:.1f} serious violations per inspection", group="history",
        ),
        mean_minor=reason(
            history.minor.mean(over=ever), "平均每次检查查出轻微违规 {value:.1f} 项", "{value:.1f} minor violations per inspection", group="history",
        ),
        minor_last_year=reason(
            history.minor.sum(over=YEAR), "近12个月查出轻微违规 {value:.0f} 项", "{value:.0f} minor violations in the last 12 months", group="history",
        ),
        past_failed_share=reason(
            ratio(history.count(over=ever, where=Inspections.failed), history.count(over=ever)), "历次例行检查中有 {value:.0%} 未通过", "{value:.0%} of its canvass inspections were failed", group="history",
        ),
        past_not_clean_share=reason(
            ratio(history.count(over=ever, where=~Inspections.passed), history.count(over=ever)), "历次例行检查中有 {value:.0%} 未能直接通过", "{value:.0%} of its canvass inspections were not passed outright", group="history",
        ),
        days_since_inspection=reason(
            history.since(over=ever), "距上次例行检查 {value:.0f} 天", "{value:.0f} days since its last canvass inspection", group="interval",
        ),
        inspections_so_far=reason(
            history.count(over=ever), "此前例行检查 {value:.0f} 次", "{value:.0f} canvass inspections so far", group="interval",
        ),
        days_since_visit=reason(
            Visits.since(over=ever), "距上次到访 {value:.0f} 天", "{value:.0f} days since any visit", group="interval",
        ),
        visits_so_far=reason(
            Visits.count(over=ever), "此前到访 {value:.0f} 次", "{value:.0f} visits so far", group="visits",
        ),
        visits_last_year=reason(
            Visits.count(over=YEAR), "近12个月到访 {value:.0f} 次", "{value:.0f} visits in the last 12 months", group="visits",
        ),
        first_visit_age=reason(
            gap(Visits.visited_on.first(over=ever), as_of), "首次到访在 {value:.0f} 天前", "first visited {value:.0f} days ago", group="age",
        ),
        complaint_visits=reason(
            Visits.count(over=ever, where=Visits.purpose == "complaint"), "因投诉到访 {value:.0f} 次", "{value:.0f} visits after complaints", group="complaints",
        ),
        complaint_visits_last_year=reason(
            Visits.count(over=YEAR, where=Visits.purpose == "complaint"), "近12个月因投诉到访 {value:.0f} 次", "{value:.0f} visits after complaints in the last 12 months", group="complaints",
        ),
        rechecks=reason(
            Visits.count(over=ever, where=Visits.purpose == "recheck"), "复查 {value:.0f} 次", "{value:.0f} re-inspections", group="visits",
        ),
        rechecks_last_year=reason(
            Visits.count(over=YEAR, where=Visits.purpose == "recheck"), "近12个月复查 {value:.0f} 次", "{value:.0f} re-inspections in the last 12 months", group="visits",
        ),
        licence_visits_last_year=reason(
            Visits.count(over=YEAR, where=Visits.purpose == "licence"), "近12个月许可检查 {value:.0f} 次", "{value:.0f} licence visits in the last 12 months", group="visits",
        ),
        licence_age=reason(
            gap(licence.first_issued, as_of), "首次取得许可至今 {value:.0f} 天", "licensed for {value:.0f} days", group="age",
        ),
        term_age=reason(
            gap(licence.term_from, as_of), "本期许可已生效 {value:.0f} 天", "{value:.0f} days into the licence term", group="age",
        ),
        term_left=reason(
            gap(as_of, licence.term_to), "本期许可还有 {value:.0f} 天到期", "{value:.0f} days left of the licence term", group="age",
        ),
        risk_class=reason(category(PlannedInspections.risk), "风险等级：{value}", "risk class: {value}"),
        kind=reason(category(PlannedInspections.kind), "业态：{value}", "kind of establishment: {value}"),
        burglaries_90d=reason(
            Burglaries.near(1000).count(over=QUARTER), "1公里内近3个月入室盗窃 {value:.0f} 起", "{value:.0f} burglaries within 1 km in the last 3 months", group="surroundings",
        ),
        burglaries_year=reason(
            Burglaries.near(1000).count(over=YEAR), "1公里内近12个月入室盗窃 {value:.0f} 起", "{value:.0f} burglaries within 1 km in the last 12 months", group="surroundings",
        ),
        sanitation_90d=reason(
            SanitationComplaints.near(1000).count(over=QUARTER), "1公里内近3个月环境卫生投诉 {value:.0f} 件", "{value:.0f} sanitation complaints within 1 km in the last 3 months", group="surroundings",
        ),
        sanitation_year=reason(
            SanitationComplaints.near(500).count(over=YEAR), "500米内近12个月环境卫生投诉 {value:.0f} 件", "{value:.0f} sanitation complaints within 500 m in the last 12 months", group="surroundings",
        ),
        nearby_inspections=reason(
            nearby.count(over=YEAR, where=others), "1公里内其他单位近12个月检查 {value:.0f} 次", "{value:.0f} inspections of others within 1 km in the last 12 months", group="neighbours",
        ),
        nearby_critical_share=reason(
            ratio(nearby.count(over=YEAR, where=others & critical_found), nearby.count(over=YEAR, where=others)),
            "1公里内其他单位近12个月检查有 {value:.0%} 查出严重违规", "{value:.0%} of the inspections of others within 1 km found a critical violation", group="neighbours",
        ),
        close_critical_share=reason(
            ratio(close_by.count(over=TWO_YEARS, where=others & critical_found), close_by.count(over=TWO_YEARS, where=others)),
            "500米内其他单位近24个月检查有 {value:.0%} 查出严重违规", "{value:.0%} of the inspections of others within 500 m found a critical violation", group="neighbours",
        ),
        lately_critical_share=reason(
            ratio(
                Inspections.near(2000).count(over=months(4), where=others & critical_found),
                Inspections.near(2000).count(over=months(4), where=others),
            ),
            "2公里内其他单位近4个月检查有 {value:.0%} 查出严重违规", "{value:.0%} of the inspections of others within 2 km in the last 4 months found a critical violation", group="neighbours",
        ),
        nearby_failed_share=reason(
            ratio(nearby.count(over=YEAR, where=others & Inspections.failed), nearby.count(over=YEAR, where=others)),
            "1公里内其他单位近12个月检查有 {value:.0%} 未通过", "{value:.0%} of the inspections of others within 1 km were failed", group="neighbours",
        ),
        nearby_minor=reason(
            nearby.minor.mean(over=YEAR, where=others), "1公里内其他单位平均轻微违规 {value:.1f} 项", "{value:.1f} minor violations per inspection of others within 1 km", group="neighbours",
        ),
        nearby_serious=reason(
            nearby.serious.mean(over=YEAR, where=others), "1公里内其他单位平均较重违规 {value:.1f} 项", "{value:.1f} serious violations per inspection of others within 1 km", group="neighbours",
        ),
        postcode_critical_share=reason(
            ratio(in_postcode.count(over=YEAR, where=others & critical_found), in_postcode.count(over=YEAR, where=others)),
            "同邮编其他单位近12个月检查有 {value:.0%} 查出严重违规", "{value:.0%} of the inspections of others in the postcode found a critical violation", group="neighbours",
        ),
        postcode_inspections=reason(
            in_postcode.count(over=YEAR, where=others), "同邮编其他单位近12个月检查 {value:.0f} 次", "{value:.0f} inspections of others in the postcode in the last 12 months", group="neighbours",
        ),
        chain_size=reason(
            same_name.establishment.distinct(over=TWO_YEARS, where=others), "同字号其他门店 {value:.0f} 家", "{value:.0f} other branches of the name", group="chain",
        ),
        chain_critical_share=reason(
            ratio(same_name.count(over=TWO_YEARS, where=others & critical_found), same_name.count(over=TWO_YEARS, where=others)),
            "同字号其他门店检查有 {value:.0%} 查出严重违规", "{value:.0%} of the inspections of other branches found a critical violation", group="chain",
        ),
        chain_minor=reason(
            same_name.minor.mean(over=TWO_YEARS, where=others), "同字号其他门店平均轻微违规 {value:.1f} 项", "{value:.1f} minor violations per inspection of other branches", group="chain",
        ),
        warm_lately=reason(weather.hottest.mean(over=months(1)), "近1个月平均最高气温 {value:.0f} 华氏度", "mean highest temperature of the last month {value:.0f} °F", group="season"),
        rain_lately=reason(weather.rain.mean(over=months(1)), "近1个月平均降水强度 {value:.4f}", "mean rain of the last month {value:.4f} in/h", group="season"),
        humid_lately=reason(weather.humidity.mean(over=months(1)), "近1个月平均湿度 {value:.0%}", "mean humidity of the last month {value:.0%}", group="season"),
        month=reason(as_of.month, "{value:.0f} 月", "month {value:.0f}", group="season"),
        latitude=reason(PlannedInspections.latitude, "纬度 {value:.3f}", "latitude {value:.3f}", group="place"),
        longitude=reason(PlannedInspections.longitude, "经度 {value:.3f}", "longitude {value:.3f}", group="place"),
        ward=reason(licence.ward, "选区 {value:.0f}", "ward {value:.0f}", group="place"),
        police_district=reason(licence.police_district, "警区 {value:.0f}", "police district {value:.0f}", group="place"),
    ),
    rules=dict(
        critical_before=rule(history.critical.sum(over=ever) > 0, "此前查出过严重违规", "found with a critical violation before", source="City of Chicago, 2014"),
        failed_last=rule(history.critical.last(over=ever) > 0, "上次检查查出严重违规", "critical violation at the last inspection", source="City of Chicago, 2014"),
        long_ago=rule(history.since(over=ever) > 365, "超过一年未检查", "not inspected for more than a year", source="City of Chicago, 2014"),
        high_risk=rule(PlannedInspections.risk == "high", "高风险类别", "high risk class", source="City of Chicago, 2014"),
    ),
    groups=dict(risk=PlannedInspections.risk, kind=PlannedInspections.kind),
    legal_basis=("《食品安全法》第一百零九条", "《食品安全法》第一百一十条"),
    lawful_explanations=(
        ("新近更换经营者，旧记录不代表现状", "the operator changed lately and the old records say little"),
        ("装修或停业后重新开业", "reopened after works"),
    ),
    limits=(
        ("只学到检查中查出的问题；从未检查的单位没有历史", "it learns what inspections found; an establishment never inspected has no history"),
        (
            "检查组效应：查出多少，很大程度上取决于由哪个检查组去检查。检查组是按过去查出的多少分的组，说明谁去检查，不说明经营者怎样经营；本模型不用它",
            "the inspector effect: how much is found depends much on which group of inspectors goes. The groups were formed by how much they had found; they say who looks, not how the kitchen is kept, and this model does not use them",
        ),
    ),
)
