"""Stories behind deductions from provident-fund accounts: true debts of nine kinds, made-up ones of three.

A story says who lent to whom, how the suit went, how it was enforced and what was taken from the account. A made-up
story is more or less faint: a faint one draws many of its traces as an honest loan among friends would. Timelines follow
the published cases (a mediation, a confirmation and a deduction within weeks; half-month terms; contracts that name the
fund); all rates are inferred. `provident_fund_litigation` turns stories into the records of an office.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from typing import Any

from jcml.simulation.identities import DISTRICTS, District, Identities, court
from jcml.simulation.world import Row

FIRST, LAST = date(2019, 1, 1), date(2025, 12, 31)
WIDENED, RULES_KNOWN = date(2022, 1, 1), date(2022, 7, 1)
SHAM_SHARE, ADAPTED = 0.20, 0.45
BRANCHES = DISTRICTS[:6]


@dataclass(frozen=True)
class Kind:
    """One kind of story: how its days, amounts and words are drawn.

    Parameters
    ----------
    sham : bool
        Whether the debt is made up.
    share : float
        Share among all made-up stories, or among all true ones.
    group : (int, int)
        How many deductions the same people bring about, least and most.
    lasts : (int, int)
        Over how many days.
    creditors : (int, int)
        How many creditors a group has.
    modes : mapping of mode to share
    loan_to_suit, to_enforcement, to_deduction, term : (int, int)
        Days; most draws lie in the lower half.
    pace : float
        Multiplies the days from filing to decision that are usual for the mode.
    claim : float
        Middle of the claims in yuan; 0 when the claim is made to fit the balance.
    queries : float
        Mean number of queries for other property.
    admits, silent, absent, interest, cash, fund_named, contact, mediated, agent, template : float
        How often: the record has the debtor admit everything; the debtor appears and says nothing, or stays away;
        interest is claimed; cash; the contract names the fund; both sides share a phone or an address; a people's
        mediation came first; an agent acts; the record is a stock text.
    one_agent, one_employer : bool
        The whole group has one.
    rate : (float, float)
        Agreed yearly interest.

    >>> KIND["ring"].sham, KIND["bank"].sham
    (True, False)
    """

    name: str
    sham: bool
    share: float
    group: tuple[int, int] = (1, 1)
    lasts: tuple[int, int] = (0, 0)
    creditors: tuple[int, int] = (1, 1)
    creditor: str = "natural"
    cause: str = "private_loan"
    modes: Mapping[str, float] = field(default_factory=lambda: {"judgment": 0.7, "court_mediation": 0.3})
    loan_to_suit: tuple[int, int] = (120, 1000)
    to_enforcement: tuple[int, int] = (15, 180)
    to_deduction: tuple[int, int] = (15, 170)
    term: tuple[int, int] = (60, 400)
    pace: float = 1.0
    claim: float = 60_000.0
    queries: float = 3.5
    admits: float = 0.2
    silent: float = 0.25
    absent: float = 0.3
    interest: float = 0.85
    cash: float = 0.2
    fund_named: float = 0.04
    contact: float = 0.02
    mediated: float = 0.06
    agent: float = 0.35
    template: float = 0.0
    one_agent: bool = False
    one_employer: bool = False
    rate: tuple[float, float] = (0.0, 0.24)


_SETTLED = {"court_mediation": 0.58, "confirmation": 0.24, "judgment": 0.18}
_FRIEND = Kind(
    "friend", False, 0.20, modes=_SETTLED, loan_to_suit=(40, 900), to_enforcement=(4, 120), to_deduction=(8, 120), term=(20, 400), pace=0.6,
    claim=52_000, queries=2.0, admits=0.6, silent=0.62, absent=0.12, interest=0.45, cash=0.32, fund_named=0.06, contact=0.12, mediated=0.3, agent=0.15,
    rate=(0.0, 0.15),
)
KINDS: tuple[Kind, ...] = (
    Kind(
        "ring", True, 0.42, (2, 18), (150, 800), (1, 4), modes={"court_mediation": 0.62, "confirmation": 0.28, "judgment": 0.10}, loan_to_suit=(15, 240),
        to_enforcement=(2, 60), to_deduction=(8, 85), term=(10, 120), pace=0.45, claim=0, queries=1.3, admits=0.65, silent=0.7, absent=0.1, interest=0.4,
        cash=0.4, fund_named=0.22, contact=0.06, mediated=0.45, agent=0.8, template=0.6, one_agent=True, rate=(0.06, 0.30),
    ),
    Kind(
        "kin", True, 0.32, modes=_SETTLED, loan_to_suit=(20, 500), to_enforcement=(2, 80), to_deduction=(8, 90), term=(15, 300), pace=0.5, claim=0,
        queries=1.6, admits=0.68, silent=0.72, absent=0.08, interest=0.3, cash=0.52, fund_named=0.12, contact=0.24, mediated=0.28, agent=0.15,
    ),
    Kind(
        "batch", True, 0.26, (3, 10), (10, 100), (2, 6), modes={"arbitration": 0.45, "court_mediation": 0.35, "confirmation": 0.1, "notarial": 0.1},
        loan_to_suit=(30, 420), to_enforcement=(3, 70), to_deduction=(8, 85), term=(20, 240), pace=0.7, claim=0, queries=1.6, admits=0.45, silent=0.6,
        absent=0.2, interest=0.6, cash=0.25, fund_named=0.45, contact=0.04, mediated=0.12, agent=0.7, template=0.5, one_agent=True, one_employer=True,
        rate=(0.06, 0.24),
    ),
    Kind(
        "bank", False, 0.14, (50, 110), (2300, 2500), creditor="bank", cause="financial_loan", modes={"judgment": 0.6, "court_mediation": 0.25, "notarial": 0.15},
        loan_to_suit=(250, 1500), term=(360, 1800), claim=80_000, queries=5, admits=0.3, silent=0.3, absent=0.45, interest=0.97, cash=0, fund_named=0.1,
        agent=0.8, template=0.8, rate=(0.045, 0.18),
    ),
    Kind(
        "lender", False, 0.12, (12, 45), (600, 2000), creditor="lender", modes={"judgment": 0.35, "arbitration": 0.3, "court_mediation": 0.35},
        loan_to_suit=(100, 700), pace=0.8, claim=38_000, queries=3, admits=0.4, silent=0.4, absent=0.35, interest=0.9, cash=0.03, fund_named=0.2,
        agent=0.9, template=0.8, one_agent=True, rate=(0.12, 0.30),
    ),
    Kind(
        "manager", False, 0.06, (8, 25), (700, 2000), creditor="manager", cause="property_service", modes={"judgment": 0.5, "court_mediation": 0.5},
        loan_to_suit=(200, 900), term=(360, 370), claim=11_000, queries=1.5, admits=0.4, silent=0.45, absent=0.3, interest=0.6, cash=0, mediated=0.3,
        agent=0.8, template=0.8, one_agent=True, rate=(0.0, 0.05),
    ),
    Kind(
        "moneylender", False, 0.10, (3, 16), (300, 1500), modes={"judgment": 0.45, "court_mediation": 0.5, "confirmation": 0.05}, loan_to_suit=(50, 700),
        to_enforcement=(5, 110), term=(20, 300), pace=0.7, claim=52_000, queries=2.5, admits=0.45, silent=0.45, absent=0.2, interest=0.7, cash=0.35,
        fund_named=0.12, mediated=0.12, agent=0.5, template=0.3, one_agent=True, rate=(0.10, 0.36),
    ),
    Kind(
        "contested", False, 0.16, modes={"judgment": 0.8, "court_mediation": 0.2}, loan_to_suit=(150, 1500), claim=110_000, queries=4, admits=0.05, silent=0.08,
        absent=0.25, interest=0.75, cash=0.3,
    ),
    _FRIEND,
    replace(
        _FRIEND, name="workmates", share=0.08, group=(3, 8), lasts=(20, 240), claim=36_000, contact=0.03, fund_named=0.16, mediated=0.35, agent=0.3, template=0.35,
        one_agent=True, one_employer=True, interest=0.55,
    ),
    Kind(
        "lawyer", False, 0.09, (6, 22), (900, 2200), (30, 30), loan_to_suit=(100, 900), claim=90_000, agent=1.0, template=0.25, one_agent=True,
    ),
    Kind("other", False, 0.05, cause="other", interest=0.5, rate=(0.0, 0.0)),
)
KIND: dict[str, Kind] = {kind.name: kind for kind in KINDS}
DRIVEN = ("bank", "lender", "moneylender", "contested", "lawyer", "other")
USUAL_DAYS = {"judgment": (25, 170), "court_mediation": (0, 40), "confirmation": (1, 12), "arbitration": (10, 60), "notarial": (2, 12)}
COURT_KINDS = {"judgment": "民初", "court_mediation": "民初", "confirmation": "民特", "arbitration": "民特", "notarial": "民特"}


OPENINGS = ("原告与被告系{}", "原被告双方为{}", "据双方陈述，二人系{}", "被告称与原告系{}")
RELATIONS = ("同乡", "同学", "邻居", "经人介绍认识", "亲属", "生意往来人", "同事", "朋友", "房东与租客", "网上相识")
PURPOSES = ("装修房屋", "资金周转", "购买车辆", "归还旧账", "经营小店", "支付货款", "子女上学", "操办酒席", "承包工程", "缴纳租金", "购置设备", "临时急用")
PAYMENTS = ("分两次交付", "当面点清", "通过手机转账", "由他人代为交付", "转入指定账户", "扣除前期欠款后交付", "一次付清", "分期支付")
ADMISSIONS = ("被告对借款事实无异议", "双方确认借款金额，无其他争议", "被告自愿按原告请求偿还", "双方确认欠款属实，被告自愿归还")
DISPUTES = ("被告认为部分款项已还", "被告对利息计算提出异议", "被告称金额与实际不符", "被告要求分期，原告不同意", "被告未发表意见", "被告质疑借条真实性", "被告称系代他人借款", "被告请求减免")
ENDINGS = ("承诺于{}日内付清", "同意{}日内履行完毕", "如{}日内不付，原告可申请执行", "未能在{}日内达成一致，依法裁判", "约定{}日后一次给付")
FUND_TERMS = ("逾期未还的，以借款人住房公积金账户余额偿还", "借款人同意法院直接扣划其住房公积金", "以公积金作为还款来源，到期由法院划转")
PLAIN_TERMS = ("逾期按约定利率计收利息", "到期一次还本付息", "借款人按月付息，到期还本", "双方未约定违约责任", "争议由出借人所在地法院管辖")


@dataclass(frozen=True)
class Party:
    """A natural or legal person with what others know of it.

    >>> len(Teller(Random(1)).person(BRANCHES[0]).number)
    18
    """

    number: str
    name: str
    phone: str
    address: str


@dataclass(frozen=True)
class Employer:
    """An employer; `phone` is the one it leaves on all its accounts, if it does.

    >>> len(Teller(Random(1)).employers)
    150
    """

    number: str
    district: District
    phone: str = ""


@dataclass(frozen=True)
class Group:
    """The people behind some deductions of one kind, and the habits they share.

    >>> Teller(Random(1)).group(KIND["bank"], 1).size
    1
    """

    kind: Kind
    size: int
    starts: date
    lasts: int
    creditors: tuple[Party, ...]
    agent: str
    courts: tuple[int, ...]
    committee: str
    employer: Employer
    days: tuple[date, ...]
    text: str


@dataclass(frozen=True)
class Story:
    """One deduction, the enforcement and the case behind it, as they truly were.

    >>> teller = Teller(Random(1))
    >>> story = teller.story(teller.group(KIND["bank"], 1))
    >>> story.case["filed_on"] <= story.deduction["deducted_on"]
    True
    """

    group: Group
    debtor: Party
    employer: Employer
    case: Row
    enforcement: Row
    deduction: Row
    agreement: Row | None

    @property
    def rule_hits(self) -> int:
        """How many of the published rules it meets, as a reviewer sees it."""
        taken, left = self.deduction["amount"], self.deduction["balance_after"]
        return sum((
            self.group.size >= 3, (self.case["decided_on"] - self.case["filed_on"]).days <= 3, taken >= 0.95 * (taken + left),
            self.enforcement["property_queries"] == 0, self.case["defence"] == "none", "公积金" in (self.case["contract_terms"] or ""),
        ))


class Teller:
    """Tells the stories of an office.

    >>> kinds = {story.group.kind.sham for story in Teller(Random(1)).all_stories(60)}
    >>> kinds == {True, False}  # true debts and made-up ones
    True
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.make = Identities(random)
        self.employers = [self._employer(n) for n in range(150)]
        self.committees = [f"{d.name}第{n}人民调解委员会" for d in BRANCHES for n in "一二三"]
        self.lawyers = [self.make.serial("执业", 9) for _ in range(160)]
        self.drives = [(random.randrange(1, 7), FIRST + timedelta(days=random.randrange(30, 2500))) for _ in range(36)]

    # -- people ----------------------------------------------------------------------------------------------------

    def _employer(self, number: int) -> Employer:
        district = BRANCHES[number % len(BRANCHES)]
        return Employer(self.make.uscc(district), district, self.make.mobile() if self.often(0.06) else "")

    def person(self, district: District) -> Party:
        """A natural person of a district."""
        return Party(self.make.resident_id(None, district), self.make.person_name(), self.make.mobile(), self.make.address(district))

    def creditor(self, kind: Kind) -> Party:
        """A creditor of the kind's sort."""
        if kind.creditor == "natural":
            return self.person(self.random.choice(BRANCHES))
        trade = {"bank": "农村商业银行", "lender": "小额贷款", "manager": "物业服务"}[kind.creditor]
        return Party(self.make.uscc(), self.make.company(trade), self.make.mobile(), self.make.address())

    # -- draws -----------------------------------------------------------------------------------------------------

    def between(self, bounds: tuple[int, int]) -> int:
        """A whole number of days; most draws lie in the lower half."""
        low, high = bounds
        return low + int((high - low + 1) * self.random.betavariate(1.1, 2.3))

    def often(self, share: float) -> bool:
        """True in so large a share of the draws."""
        return self.random.random() < share

    def one_of(self, shares: Mapping[str, float]) -> str:
        """A name, drawn by its share."""
        return self.random.choices(list(shares), weights=list(shares.values()))[0]

    def statement(self, admits: bool) -> str:
        """The record of a hearing or a mediation, put together from common phrases."""
        pick = self.random.choice
        middle = [f"借款用于{pick(PURPOSES)}", pick(PAYMENTS), pick(ADMISSIONS if admits else DISPUTES), f"另提及{pick(PURPOSES)}一事"]
        self.random.shuffle(middle)
        opening, ending = pick(OPENINGS).format(pick(RELATIONS)), pick(ENDINGS).format(self.random.randrange(3, 90))
        return "，".join([opening, *middle, ending]) + "。"

    # -- groups and stories ----------------------------------------------------------------------------------------

    def all_stories(self, size: int) -> list[Story]:
        """About `size` deductions of all kinds, by the day of the deduction."""
        told: list[Story] = []
        for kind in KINDS:
            left = round(size * kind.share * (SHAM_SHARE if kind.sham else 1 - SHAM_SHARE))
            while left > 0:
                group = self.group(kind, left)
                left -= group.size
                told += [self.story(group) for _ in range(group.size)]
        told += [self.again(s) for s in told if not s.group.kind.sham and s.case["claim"] > 2 * s.deduction["amount"] and self.often(0.15)]
        told = [s for s in told if FIRST <= s.deduction["deducted_on"] <= LAST - timedelta(days=25)]
        return sorted(told, key=lambda s: (s.deduction["deducted_on"], s.deduction["deduction"]))

    def group(self, kind: Kind, most: int) -> Group:
        """The people and habits of one group."""
        size, lasts = min(most, self.random.randint(*kind.group)), self.random.randint(*kind.lasts)
        starts = FIRST + timedelta(days=self.random.randrange(max(1, (LAST - FIRST).days - lasts)))
        parties = tuple(self.creditor(kind) for _ in range(self.random.randint(*kind.creditors)))
        if kind.name == "ring" and self.often(0.4):
            parties = tuple(replace(p, phone=parties[0].phone) for p in parties)
        gathered = tuple(starts + timedelta(days=self.random.randrange(lasts + 1)) for _ in range(1 + size // 3))
        return Group(
            kind, size, starts, lasts, parties, self.make.serial("执业", 9), tuple(self.random.sample(range(1, 7), k=self.random.choice((1, 2, 4)))),
            self.random.choice(self.committees), self.random.choice(self.employers), gathered if kind.name == "batch" else (),
            self.statement(self.often(kind.admits)),
        )

    def story(self, group: Group) -> Story:
        """One deduction; a made-up one is more or less faint, and may know the rules."""
        kind = group.kind
        faint = self.random.betavariate(1.4, 2.0) if kind.sham else 0.0

        def habit(name: str) -> Any:
            return getattr(_FRIEND if self.often(faint) else kind, name)

        number, deducted, driven = self._court_and_day(group)
        adapted = kind.sham and deducted >= RULES_KNOWN and self.often(ADAPTED)
        employer = group.employer if kind.one_employer and not self.often(faint / 2) else self.random.choice(self.employers)
        debtor = self.person(employer.district)
        creditor = self.creditor(kind) if adapted and self.often(0.6) else self.random.choice(group.creditors)
        agent = (group.agent if kind.one_agent and not self.often(faint) else self.random.choice(self.lawyers)) if self.often(kind.agent) else None
        days = self._days(habit, deducted, adapted)
        case = self._case(group, habit, creditor, debtor, days, number) | {"agent": agent, "creditor_kind": kind.creditor, "cause": kind.cause}
        balance = min(400_000.0, max(2_000.0, self.random.lognormvariate(10.6, 0.7)))
        amount = self._amounts(case, habit("claim") if kind.sham else kind.claim, balance, adapted)
        enforcement = {
            "case_no": self.make.case_number(days["enforced_on"].year, "执", number), "basis": case["case_no"], "court": court(number),
            "applicant": creditor.number, "debtor": debtor.number, "agent": agent, "claim": case["claim"],
            "property_queries": self._queries(habit("queries"), adapted, driven), "filed_on": days["enforced_on"], "ruled_on": days["ruled_on"],
        }
        deduction = self._deduction(debtor, employer, enforcement, deducted, round(amount, 2), round(balance - amount, 2))
        agreement = self._agreement(group, case, faint) if days["mode"] == "confirmation" or self.often(habit("mediated")) else None
        return Story(group, debtor, employer, case, enforcement, deduction, agreement)

    def again(self, story: Story) -> Story:
        """A second deduction in the same enforcement, once the account has filled up."""
        later = story.deduction["deducted_on"] + timedelta(days=self.random.randrange(200, 500))
        amount = round(self.random.uniform(8_000, 30_000), 2)
        made = self._deduction(story.debtor, story.employer, story.enforcement, later, amount, round(self.random.uniform(0, 100), 2))
        return replace(story, deduction=made, agreement=None)

    def _court_and_day(self, group: Group) -> tuple[int, date, bool]:
        if group.kind.name in DRIVEN and self.often(0.12):
            return *self.random.choice(self.drives), True
        day = self.random.choice(group.days) if group.days else group.starts + timedelta(days=self.random.randrange(group.lasts + 1))
        return group.courts[0] if group.days else self.random.choice(group.courts), day, False

    def _days(self, habit: Any, deducted: date, adapted: bool) -> dict[str, Any]:
        mode = self.one_of(habit("modes"))
        enforced = deducted - timedelta(days=self.between(habit("to_deduction")))
        decided = enforced - timedelta(days=self.between(habit("to_enforcement")))
        if mode == "confirmation" and decided < WIDENED and self.often(0.6):
            mode = "court_mediation"
        spent = round(self.between(USUAL_DAYS[mode]) * habit("pace"))
        filed = decided - timedelta(days=max(spent, self.random.randint(4, 9)) if adapted else spent)
        loan = filed - timedelta(days=self.between(habit("loan_to_suit")))
        ruled = enforced + (deducted - enforced) * self.random.uniform(0.5, 0.95)
        return {
            "mode": mode, "loan_on": loan, "due_on": loan + timedelta(days=self.between(habit("term"))), "filed_on": filed, "decided_on": decided,
            "enforced_on": enforced, "ruled_on": ruled,
        }

    def _case(self, group: Group, habit: Any, creditor: Party, debtor: Party, days: Mapping[str, Any], number: int) -> Row:
        mode, near = days["mode"], self.random.random() if self.often(habit("contact")) else 2.0
        silent, absent = habit("silent"), habit("absent")
        defence = self.one_of({"none": silent, "absent": absent, "contested": (1 - silent - absent) * 0.6, "partial": (1 - silent - absent) * 0.4})
        cash = habit("cash")
        words = group.text if self.often(habit("template")) else self.statement(self.often(habit("admits")))
        terms = self.random.choice(FUND_TERMS if self.often(habit("fund_named")) else PLAIN_TERMS)
        return {
            "case_no": self.make.case_number(days["filed_on"].year, COURT_KINDS[mode], number), "court": court(number), "mode": mode,
            "creditor": creditor.number, "creditor_phone": creditor.phone, "creditor_address": creditor.address,
            "debtor": debtor.number, "debtor_phone": creditor.phone if near < 0.5 else debtor.phone,
            "debtor_address": creditor.address if 0.5 <= near < 1 else debtor.address,
            "loan_on": days["loan_on"], "due_on": days["due_on"], "annual_rate": round(self.random.uniform(*habit("rate")), 3),
            "interest_claimed": self.often(habit("interest")),
            "delivery": self.one_of({"cash": cash, "transfer": (1 - cash) * 0.75, "mixed": cash * 0.4, "none": cash * 0.35 + 0.04}), "defence": defence,
            "contract_terms": None if self.often(0.25) else terms, "statement": None if self.often(0.12) else words,
            "filed_on": days["filed_on"], "decided_on": days["decided_on"],
        }

    def _amounts(self, case: Row, middle: float, balance: float, adapted: bool) -> float:
        """Set the claim; returns what is taken from the account."""
        claim = self.random.lognormvariate(0, 0.75) * middle if middle else balance * self.random.uniform(0.9, 1.35)
        case["claim"] = round(claim, -3) + 1000 if self.often(0.6) else round(claim, 2)
        taken: float = min(case["claim"] * self.random.uniform(1.0, 1.04), balance - self.random.uniform(0, 100))
        return min(taken, balance * self.random.uniform(0.86, 0.948)) if adapted else taken

    def _queries(self, mean: float, adapted: bool, driven: bool) -> int:
        found = self.random.randint(0, 1) if driven else int(self.random.expovariate(1 / (mean + 0.3)))
        return max(1, found) if adapted else found

    def _deduction(self, debtor: Party, employer: Employer, enforcement: Row, day: date, amount: float, left: float) -> Row:
        return {
            "deduction": self.make.serial(f"KH{day.year}", 6), "person": debtor.number, "person_name": debtor.name, "employer": employer.number,
            "district": employer.district.name, "case_no": enforcement["case_no"], "court": enforcement["court"],
            "notice_no": self.make.serial("协执", 7), "amount": amount, "balance_after": left, "deducted_on": day,
        }

    def _agreement(self, group: Group, case: Row, faint: float) -> Row:
        own = group.kind.one_agent and not self.often(faint)
        return {
            "committee": group.committee if own else self.random.choice(self.committees), "agreement_no": self.make.serial("调", 7),
            "mediator": self.make.person_name(), "creditor": case["creditor"], "debtor": case["debtor"], "amount": case["claim"],
            "agreed_on": case["filed_on"] - timedelta(days=self.random.randint(0, 3) if group.kind.sham else self.between((0, 20))),
        }
