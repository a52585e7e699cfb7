"""A synthetic office for deductions from provident-fund accounts (虚假诉讼套取住房公积金).

One deduction in five rests on a debt that was made up, in one of three ways; the others are true debts, many of which
look alike in one thing or another (`jcml.simulation.provident_fund_stories`):

| made up | how | its trace |
|---|---|---|
| `ring` | a few creditors, one agent, one committee, many debtors | repeats, stock texts, shared phones, haste |
| `kin` | a friend or relative lends a name, once | no repeats: haste, no interest, cash, a claim that fits the balance |
| `batch` | an organiser brings colleagues before one court | one employer, one day, the fund named in the contract |

| true, and alike in | who |
|---|---|
| repeats and stock texts | `bank`, `lender`, `manager`, `moneylender`, `lawyer` |
| haste and consent | `friend`, `workmates` |
| all that is on the account | `contested`, `other`: the debt exceeds it |

The published rules became known in July 2022; since then some made-up stories stay just under them. Judicial
confirmation was widened in January 2022 and the cap on interest fell in August 2020 (both after the law). People's
mediation is delivered from 2022; the deductions of 2019 and 2020 came in one batch a year; the fund centre renamed its
columns in July 2023; one branch delivers in its own way; a campaign ran in the second quarter of 2023. `centre_grade`
and the table of return transfers were filled in after checks: leaks that no definition may use. Where a debtor is
registered weighs on who is reviewed, never on the truth. Rates are from the build sheet of the field (20 % made up,
30 % reviewed, verdicts after 30 to 540 days).
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from jcml.simulation.identities import Identities
from jcml.simulation.provident_fund_stories import BRANCHES, FIRST, LAST, Party, Story, Teller
from jcml.simulation.reviewers import Candidate, Practice, review
from jcml.simulation.world import Delivery, File, Row, World, known_after

COURTS_FROM, MEDIATIONS_FROM = date(2018, 1, 1), date(2022, 1, 1)
INTERFACE, FIRST_LIST, RENAMED = date(2021, 1, 1), date(2021, 2, 1), date(2023, 7, 1)
SCORED_AFTER = 30
PRACTICE = Practice(
    share=0.27, audit=0.03, rule=0.5, amount=0.5, complaint=1.5, severity=0.9, preference=0.5,
    campaigns={date(2023, month, 1): 1.6 for month in (4, 5, 6)}, capacity=14, delay=(30, 150, 540), noise=0.03,
)


def simulate(seed: int, *, size: int = 4500) -> World:
    """An office with about `size` deductions from 2019 to 2025.

    Parameters
    ----------
    seed : int
        Equal seeds give equal offices.
    size : int
        Deductions in all; those of 2019 are history and are never scored.

    Returns
    -------
    World
        Tables `fund_accounts`, `fund_deductions`, `people_mediations`, `return_transfers`, `civil_cases`,
        `enforcement_cases` and `deduction_verdicts`; `truth` has one row per scored deduction.

    Examples
    --------
    >>> world = simulate(1, size=200)
    >>> sorted(world.tables)[:3], 0.1 < sum(r["outcome"] for r in world.truth) / len(world.truth) < 0.35
    (['civil_cases', 'deduction_verdicts', 'enforcement_cases'], True)
    """
    random = Random(f"provident_fund_litigation/{seed}")  # noqa: S311
    teller = Teller(random)
    return _Records(random, teller).world(teller.all_stories(size), seed)


def as_of_date(known: date, deducted: date) -> date:
    """The first day of a month on which a deduction is scored: known before it, and old enough.

    >>> as_of_date(date(2022, 3, 10), date(2022, 3, 1)), as_of_date(date(2022, 3, 31), date(2022, 3, 2))
    (datetime.date(2022, 4, 1), datetime.date(2022, 4, 1))
    """
    due = max(known + timedelta(days=1), deducted + timedelta(days=SCORED_AFTER))
    return due if due.day == 1 else date(due.year + due.month // 12, due.month % 12 + 1, 1)


class _Records:
    """Writes down what agencies recorded of stories."""

    def __init__(self, random: Random, teller: Teller) -> None:
        self.random = random
        self.teller = teller
        self.make: Identities = teller.make
        self.tables: dict[str, list[Row]] = {
            name: [] for name in (
                "fund_accounts", "fund_deductions", "people_mediations", "return_transfers", "civil_cases", "enforcement_cases",
                "deduction_verdicts",
            )
        }
        self.known: dict[str, date] = {}

    def world(self, stories: list[Story], seed: int) -> World:
        """All records of the stories, the reviews of them, and the truth."""
        told: set[str] = set()
        for story in stories:
            self.deduction(story)
            if story.case["case_no"] not in told:
                told.add(story.case["case_no"])
                self.account(story)
                self.case(story)
        self.background(stories)
        candidates = self.candidates(stories)
        verdicts = review(candidates, PRACTICE, self.random, unit="deduction", until=LAST, prefix="K")
        self.tables["deduction_verdicts"] = verdicts
        self.hindsight(stories, verdicts)
        kinds = {s.deduction["deduction"]: s.group.kind.name for s in stories}
        truth = [{"unit": c.unit, "as_of": c.as_of, "outcome": c.truth, "mechanism": kinds[c.unit]} for c in candidates]
        return World(f"provident_fund_litigation/{seed}", self.tables, truth, COURTS_FROM, LAST, DELIVERIES)

    # -- one story -------------------------------------------------------------------------------------------------

    def deduction(self, story: Story) -> None:
        """The centre's row; some case numbers are incomplete, some rows are corrected, doubled or reversed later."""
        row = dict(story.deduction)
        row["received_on"] = self.known[row["deduction"]] = self._centre_day(row["deducted_on"])
        if self.random.random() < 0.02:
            row["case_no"] = row["case_no"][:6] + row["case_no"][row["case_no"].index("执") :]
        fate = self.random.random()
        later = row["received_on"] + timedelta(days=self.random.randrange(25, 120))
        rows = [row]
        if fate < 0.015:
            rows = [{**row, "amount": round(row["amount"] * 0.9, 2)}, {**row, "received_on": later}]
        elif fate < 0.025:
            returned = {"deduction": row["deduction"] + "T", "deducted_on": later - timedelta(days=5), "received_on": later}
            rows.append({**row, **returned, "reverses": row["deduction"]})
        self.tables["fund_deductions"] += [r for r in rows if r["received_on"] <= LAST]

    def _centre_day(self, day: date) -> date:
        if day < INTERFACE:
            return date(day.year + 1, 1, 18)
        return known_after(self.random, day, 6, 18, late=0.06, latest=80)

    def account(self, story: Story) -> None:
        """The debtor's account; an intermediary sometimes leaves a phone of its own on it."""
        kind, debtor, employer = story.group.kind, story.debtor, story.employer
        opened = date(self.random.randrange(2005, 2018), self.random.randrange(1, 13), 1)
        deposit = round(self.random.lognormvariate(7.4, 0.45), 2)
        row = self._account(debtor, employer.number, employer.phone or debtor.phone, employer.district.name, deposit, opened)
        changed = story.deduction["deducted_on"] - timedelta(days=self.random.randrange(20, 120))
        phone = story.group.creditors[0].phone if kind.name in ("ring", "batch") and self.random.random() < 0.3 else self.make.mobile()
        if phone == story.group.creditors[0].phone or self.random.random() < 0.06:
            row["valid_to"] = changed - timedelta(days=1)
            renewed = {"record": row["record"] + "-2", "phone": phone, "valid_from": changed, "valid_to": None}
            self.tables["fund_accounts"].append({**row, **renewed, "received_on": known_after(self.random, changed, 2, 12)})

    def _account(self, person: Party, employer: str, phone: str, district: str, deposit: float, opened: date) -> Row:
        row: Row = {
            "record": self.make.serial("ZH", 9), "person": person.number, "person_name": person.name, "employer": employer, "phone": phone,
            "address": person.address, "district": district, "monthly_deposit": deposit,
            "status": self.random.choices(("normal", "sealed", "frozen"), weights=(80, 17, 3))[0], "opened_on": opened, "valid_from": opened,
            "valid_to": None, "received_on": max(date(2018, 12, 20), opened + timedelta(days=10)),
            "sex": self.random.choice(("male", "female")), "domicile": "外市" if self.random.random() < 0.3 else "本市",
            "marital": self.random.choices(("single", "married", "divorced", "unknown"), weights=(30, 50, 10, 10))[0],
        }
        self.tables["fund_accounts"].append(row)
        return row

    def case(self, story: Story) -> None:
        """The case when it was filed and when it was decided, the enforcement, the agreement."""
        self.suit(story.case, versions=True)
        row = {**story.enforcement, "received_on": known_after(self.random, story.enforcement["ruled_on"], 4, 25, late=0)}
        self.tables["enforcement_cases"].append(row)
        if story.agreement is not None:
            self.agreement(story.agreement)
        if story.group.kind.creditor == "natural" and self.random.random() < (0.3 if story.group.kind.sham else 0.45):
            self._lender(story)

    def _lender(self, story: Story) -> None:
        """The creditor's own account, if there is none yet: who lends for show often earns little."""
        number = story.case["creditor"]
        if number in self.known:
            return
        self.known[number] = FIRST
        lender = next((p for p in story.group.creditors if p.number == number), None)
        if lender is not None:
            middle = 6.8 if story.group.kind.sham else 7.6
            employer = self.random.choice(self.teller.employers)
            deposit = round(self.random.lognormvariate(middle, 0.5), 2)
            self._account(lender, employer.number, lender.phone, employer.district.name, deposit, date(2014, 5, 1))

    def suit(self, case: Row, *, versions: bool = False) -> None:
        """A civil case as delivered; an early version does not know yet how it ends."""
        done = {**case, "received_on": known_after(self.random, case["decided_on"], 5, 35, late=0)}
        if versions:
            begun = {**case, "received_on": known_after(self.random, case["filed_on"], 5, 20, late=0)}
            begun |= dict.fromkeys(("mode", "defence", "statement", "decided_on"))
            if begun["received_on"] < done["received_on"]:
                self._add("civil_cases", begun, COURTS_FROM)
        self._add("civil_cases", done, COURTS_FROM)

    def agreement(self, row: Row) -> None:
        """A mediation agreement, collected from paper."""
        self._add("people_mediations", {**row, "received_on": known_after(self.random, row["agreed_on"], 20, 75, late=0)}, MEDIATIONS_FROM)

    def _add(self, table: str, row: Row, since: date) -> None:
        happened = row["agreed_on"] if table == "people_mediations" else row["filed_on"]
        if happened >= since and row["received_on"] <= LAST:
            self.tables[table].append(row)

    # -- what is not about a deduction -----------------------------------------------------------------------------

    def background(self, stories: list[Story]) -> None:
        """Suits and agreements of the same courts and committees that led to no deduction."""
        for story in stories:
            kind = story.group.kind
            if self.random.random() < (0.25 if kind.sham else 0.55 if kind.group[1] > 1 else 0.15):
                self.suit(self._other(story.case, debtor=self.teller.person(BRANCHES[0]).number))
            if self.random.random() < (0.14 if kind.sham else 0.30):
                creditor = self.teller.person(BRANCHES[1])
                self.suit(self._other(story.case, creditor=creditor.number, creditor_phone=creditor.phone, creditor_kind="natural", agent=None))
            if self.random.random() < 0.7:
                creditor, debtor = (self.teller.person(self.random.choice(BRANCHES)) for _ in range(2))
                day = FIRST + timedelta(days=self.random.randrange(2500))
                self.agreement({
                    "committee": self.random.choice(self.teller.committees), "agreement_no": self.make.serial("调", 7), "mediator": self.make.person_name(),
                    "creditor": creditor.number, "debtor": debtor.number, "amount": round(self.random.lognormvariate(10, 0.8), 2), "agreed_on": day,
                })

    def _other(self, case: Row, **changed: Any) -> Row:
        """Another suit around the same time, with words of its own unless the creditor has a stock text."""
        filed = case["filed_on"] + timedelta(days=self.random.randrange(-400, 200))
        decided = filed + timedelta(days=self.random.randrange(10, 160))
        words = case["statement"] if changed.get("debtor") and self.random.random() < 0.3 else self.teller.statement(self.random.random() < 0.3)
        return {
            **case, "case_no": self.make.case_number(filed.year, "民初", self.random.randrange(1, 7)), "filed_on": filed, "decided_on": decided,
            "loan_on": filed - timedelta(days=self.random.randrange(60, 700)), "due_on": filed, "statement": words, "mode": "judgment",
            "claim": round(self.random.lognormvariate(10.8, 0.8), 2), **changed,
        }

    # -- reviews ---------------------------------------------------------------------------------------------------

    def candidates(self, stories: list[Story]) -> list[Candidate]:
        """Every deduction that is scored, as those who choose see it."""
        outside = {row["person"] for row in self.tables["fund_accounts"] if row["domicile"] == "外市"}
        broken = {row["deduction"] for row in self.tables["fund_deductions"] if "豫" not in row["case_no"]}
        gone = {row["reverses"]: row["received_on"] for row in self.tables["fund_deductions"] if row.get("reverses")}
        made = []
        for story in stories:
            unit, sham = story.deduction["deduction"], story.group.kind.sham
            known = self.known[unit]
            day = as_of_date(known, story.deduction["deducted_on"])
            if not FIRST_LIST <= day <= LAST or gone.get(unit, LAST) < day or story.deduction["deducted_on"].year < 2020:
                continue
            made.append(Candidate(
                unit, day, sham, story.rule_hits, story.deduction["amount"], story.deduction["district"],
                severity=self.random.gauss(0.7 * sham, 0.9) + 0.5 * (story.debtor.number in outside),
                complaint=self.random.random() < (0.06 if sham else 0.02), lawful=not sham and story.rule_hits > 1,
                flaw="data_error" if unit in broken and self.random.random() < 0.6 else "identity_mismatch" if self.random.random() < 0.006 else "",
            ))
        return made

    def hindsight(self, stories: list[Story], verdicts: list[Row]) -> None:
        """What was filled in after checks and dated back: the centre's grade, and the money found to have gone back."""
        found = {row["deduction"]: row["outcome"] for row in verdicts}
        grades = {"confirmed": (4, 5), "not_confirmed": (1, 2)}
        for row in self.tables["fund_deductions"]:
            row["centre_grade"] = self.random.choice(grades.get(found.get(row["deduction"], ""), (3,)))
        for story in stories:
            taken = story.deduction
            if found.get(taken["deduction"]) == "confirmed" and self.random.random() < 0.97:
                day = taken["deducted_on"] + timedelta(days=self.random.randrange(0, 12))
                self.tables["return_transfers"].append({
                    "transfer": self.make.serial("LS", 10), "deduction": taken["deduction"], "payer": story.case["creditor"], "payee": taken["person"],
                    "amount": round(taken["amount"] * self.random.uniform(0.7, 0.95), 2), "transferred_on": day, "received_on": day,
                })


def _of(year: int) -> Any:
    return lambda row: isinstance(row["deducted_on"], date) and row["deducted_on"].year == year


_RENAMED = {"amount": "划款金额（元）", "balance_after": "划款后余额（元）", "deducted_on": "划款日期", "case_no": "执行依据文书案号", "court": "来函法院"}
_OWN_HEADERS = {"person": "证件号码", "person_name": "姓名", "case_no": "法院案号", "amount": "金额", "deducted_on": "办理日期", "deduction": "业务流水号"}

DELIVERIES: dict[str, Delivery] = {
    "fund_accounts": Delivery((File("公积金账户", "gbk", "slash"),), rates={"D06": 0}),
    "fund_deductions": Delivery(
        (
            File("扣划明细_2019", "xlsx", holds=_of(2019)),
            File("扣划明细_2020", "xlsx", holds=_of(2020)),
            File("戊区管理部扣划", "gbk", "chinese", _OWN_HEADERS, holds=lambda row: row["district"] == BRANCHES[4].name),
            File("扣划明细_接口_旧", "utf-8", "compact", holds=lambda row: isinstance(row["deducted_on"], date) and row["deducted_on"] < RENAMED),
            File("扣划明细_接口_新", "utf-8", "iso", _RENAMED),
        ),
        covered_from=FIRST, rates={"D06": 0},
    ),
    "people_mediations": Delivery((File("人民调解协议", "xlsx"),), units={"amount": "万元"}, covered_from=MEDIATIONS_FROM, rates={"D15": 0.05}),
    "civil_cases": Delivery(
        (File("民事案件", "utf-8", "iso"),), codes={"cause": {"民间借贷": "private_loan", "借款合同纠纷": "financial_loan"}}, covered_from=COURTS_FROM
    ),
    "enforcement_cases": Delivery((File("执行案件", "gbk", "dots"),), covered_from=COURTS_FROM),
    "return_transfers": Delivery((File("回流转账_逐案", "xlsx"),)),
    "deduction_verdicts": Delivery((File("处理决定"),), rates=dict.fromkeys(("D01", "D04", "D05", "D06", "D17", "D18"), 0.0)),
}
"""How each table comes in: encodings, notations, renamed headers, a branch with its own, what was never delivered."""

__all__ = ["DELIVERIES", "PRACTICE", "as_of_date", "simulate"]
