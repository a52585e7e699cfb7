"""A synthetic office for motor-fuel tax (成品油涉税): some five hundred filling stations and the four books kept about them.

Every month a station sells so many litres. Pumps, purchases, receipts and returns are derived from them, each with its
own errors; what a station does not declare shows in some of the books and not in others:

| mechanism | what happened | its trace |
|---|---|---|
| `off_books` | sales through personal codes were left out of the return | metered above declared, personal receipts, complaints |
| `invented` | the return is a made-up, even figure | flat and round returns, a small gap |
| `tampered` | dispensers were altered: they count less, and so does the return | bought above metered, new mainboards and seals, many vehicles |
| `hidden_tank` | a second tank and unmetered pumps | waybills without invoice, unloaded elsewhere |
| `unknown_oil` | cheaper oil was mixed in | goods that are not motor fuel, tainted suppliers, failed samples |
| `surplus_invoices` | invoices for cash sales were passed to others | buyers without vehicles, amounts just below the check |
| `bought_invoices` | invoices without oil lower the tax | bought above delivered, tainted suppliers, low burden |

At least as many stations look alike in one book and have a lawful explanation (`EXPLANATIONS`). Dispensers were
connected step by step until 2022; waybills begin in 2021, receipts and forecourt counts in July 2021; the amount from
which an invoice needs a list fell in July 2022, and those who pass invoices on stayed below it; since July 2023 half of
those who sell off the books stay under the published 10 %; tax columns were renamed in 2024; one district delivers in
its own way; in the third quarter of 2023 a campaign ran. The inspection risk grade and the ledger of supplementary
payments follow the check: leaks, planted on purpose. Where a legal person comes from weighs on who is reviewed, never on
the truth. A station that was confirmed pays and stops. Rates are from the build sheet of the field (8 % true, about 15 %
reviewed, verdicts after 30 to 540 days).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from math import exp, log, sin
from random import Random
from typing import Any

from jcml.dates import shift_months
from jcml.simulation.identities import DISTRICTS, District, Identities
from jcml.simulation.reviewers import Candidate, Channel, Flaw, Practice, decide, select
from jcml.simulation.world import Delivery, File, Row, World, batch_day, known_after

FIRST, LAST, FIRST_LIST = date(2019, 7, 1), date(2025, 12, 31), date(2020, 8, 16)
MONTHS, SETTLED = 78, 45
CONNECTED, WAYBILLS_FROM, RECEIPTS_FROM, COUNTS_FROM = date(2022, 6, 30), date(2021, 1, 1), date(2021, 7, 1), date(2021, 7, 1)
CHECK_LOWERED, LEARNED, RENAMED = date(2022, 7, 1), date(2023, 7, 1), date(2024, 1, 1)
PRACTICE = Practice(
    share=0.22, audit=0.03, rule=0.7, amount=0.5, complaint=1.2, severity=0.7, preference=0.4, campaigns={date(2023, 8, 16): 2.0},
    capacity=30, delay=(30, 120, 540), noise=0.03,
)

MECHANISMS = ("off_books", "invented", "tampered", "hidden_tank", "unknown_oil", "surplus_invoices", "bought_invoices")
"""How sales or purchases were kept out of the return."""

EXPLANATIONS = (
    "own_use", "stored", "repaired", "rebuilt", "road_works", "own_account", "fleet", "machines", "amended",
)
"""Why a station whose books disagree needs nothing: the hard negatives."""

_LASTS = {"rebuilt": (3, 6), "road_works": (8, 16), "repaired": (24, 24)}  # months; the other explanations last for years
_BRANDS = {"state": 0.32, "joint": 0.08, "private": 0.60}
_TEMPTED = {"state": 0.10, "joint": 0.16, "private": 0.60}
_ROADS = {"urban": (0.40, 95_000), "highway": (0.08, 150_000), "trunk": (0.32, 85_000), "rural": (0.20, 55_000)}
_LORRY = 36_000
_NO_RECEIPT = ("加油后店员说不开发票，只能扫个人码付款。", "多次索要，站里不给发票。", "付款时出示的是个人收款码，没有小票。")
_QUANTITY = ("油箱只有55升，加了61升，超油箱容积。", "怀疑加油数量不足，加不准。", "加油后发动机抖动，怀疑油品质量。")
_OTHER = ("排队时间长，服务态度不好。", "洗手间卫生差。", "优惠活动与宣传不一致。", "站内抽烟无人制止。")


@dataclass
class Episode:
    """A time in which a station did something; months are counted from the first one, `end` is excluded.

    >>> Episode("off_books", 3, 9, 0.2).within(0, 6)
    3
    """

    kind: str
    begin: int
    end: int
    strength: float

    def within(self, first: int, last: int) -> int:
        """How many of the months from `first` up to, not including, `last` it covers."""
        return max(0, min(self.end, last) - max(self.begin, first))


@dataclass(frozen=True)
class Books:
    """What one month of a station leaves in the books, in litres and yuan.

    >>> Books(100.0, 100.0, 90.0).declared
    90.0
    """

    sold: float
    pumped: float
    declared: float
    deducted: float = 0.0
    delivered: float = 0.0
    secret: float = 0.0
    invoiced: float = 0.0
    blended: float = 0.0
    bought_paper: float = 0.0
    personal: float = 0.0
    issued: float = 0.0
    passed_on: float = 0.0
    vehicles: float = 0.0


@dataclass
class _Station:
    row: Row
    district: District
    taxpayer: str
    volume: float
    growth: float
    phase: float
    diesel: float
    margin: float
    careful: bool
    outside: bool
    personal: float
    issued: float
    suppliers: list[str]
    noise: list[tuple[float, ...]]
    connected: date
    tells: bool
    counted: bool
    mechanism: Episode | None = None
    explanation: Episode | None = None
    handled: date | None = None
    dispensers: list[str] = field(default_factory=list)


@cache
def month_start(index: int) -> date:
    """The first day of a month counted from July 2019.

    >>> month_start(0), month_start(6)
    (datetime.date(2019, 7, 1), datetime.date(2020, 1, 1))
    """
    return shift_months(FIRST, index)


@cache
def month_end(index: int) -> date:
    """The last day of a month counted from July 2019.

    >>> month_end(7)
    datetime.date(2020, 2, 29)
    """
    return month_start(index + 1) - timedelta(days=1)


def lists() -> list[date]:
    """The as-of dates: 45 days after each quarter, from August 2020 on.

    >>> lists()[0], len(lists())
    (datetime.date(2020, 8, 16), 22)
    """
    days = [shift_months(FIRST_LIST, 3 * n) for n in range(40)]
    return [day for day in days if day <= LAST]


def settled_months(as_of: date) -> int:
    """How many months, counted from the first one, are over and delivered at an as-of date.

    >>> settled_months(date(2020, 8, 16))
    12
    """
    day = as_of - timedelta(days=SETTLED)
    return (day.year - FIRST.year) * 12 + day.month - FIRST.month


def invoice_check(day: date) -> int:
    """The amount in yuan from which a special invoice needs a list.

    >>> invoice_check(date(2022, 6, 30)), invoice_check(date(2022, 7, 1))
    (100000, 50000)
    """
    return 50_000 if day >= CHECK_LOWERED else 100_000


def price(index: int) -> float:
    """Yuan a litre without tax in a month counted from July 2019.

    >>> 5 < price(0) < 8
    True
    """
    return 6.2 + 0.7 * sin(index / 9) + 0.3 * sin(index / 2.3)


def simulate(seed: int, *, size: int = 520) -> World:
    """The records of the example city's filling stations.

    Parameters
    ----------
    seed : int
        Equal seeds give equal tables and truths.
    size : int
        Stations.

    Examples
    --------
    >>> world = simulate(1, size=10)
    >>> world.tables == simulate(1, size=10).tables, sorted(world.truth[0])
    (True, ['as_of', 'explanation', 'mechanism', 'outcome', 'rule_hits', 'unit'])
    """
    return _City(seed, size).world()


class _City:
    def __init__(self, seed: int, size: int) -> None:
        self.random = Random(f"refined_oil_tax/{seed}")  # noqa: S311
        self.make = Identities(self.random)
        self.tables: dict[str, list[Row]] = defaultdict(list)
        self.tainted = [self.make.uscc() for _ in range(10)]
        self.suppliers = [self.make.uscc() for _ in range(40)]
        self.shells = [self.make.uscc() for _ in range(90)]
        self.buyers = [self.make.uscc() for _ in range(260)]
        self.lorries = [self.make.plate() for _ in range(120)]
        self.stations = [self._station(number) for number in range(size)]

    def world(self) -> World:
        """Everything that was known by the last day."""
        candidates = {(c.unit, c.as_of): c for c in self._candidates()}
        self.tables["station_verdicts"] = self._reviews(list(candidates.values()))
        self._surroundings()
        for station in self.stations:
            self._write_down(station)
        known = {name: [r for r in rows if r["received_on"] <= LAST] for name, rows in self.tables.items()}
        truth = [self._truth(s, day, candidates[s.row["station"], day]) for day in lists() for s in self.stations]
        return World("refined_oil_tax", known, truth, FIRST, LAST, _deliveries())

    def _add(self, table: str, **row: Any) -> None:
        self.tables[table].append(row)

    # -- chance --------------------------------------------------------------------------------------------------------

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _around(self, middle: float, spread: float) -> float:
        return exp(self.random.gauss(log(middle), spread))

    def _day(self, month: int) -> date:
        return month_start(month) + timedelta(days=self.random.randrange(28))

    def _later(self, day: date, low: int, high: int) -> date:
        return day + timedelta(days=self.random.randint(low, high))

    def _often(self, mean: float) -> int:
        """How many events in a month whose mean is small: 0, 1 or 2."""
        return self._chance(mean / 2) + self._chance(mean / 2)

    def _pick(self, weights: dict[str, float]) -> str:
        return self.random.choices(list(weights), weights=list(weights.values()))[0]

    # -- who there is --------------------------------------------------------------------------------------------------

    def _station(self, number: int) -> _Station:
        district = self.random.choice(DISTRICTS)
        brand = self._pick(_BRANDS)
        road = self._pick({name: share for name, (share, _) in _ROADS.items()})
        volume = self._around(_ROADS[road][1], 0.42) * (1.25 if brand == "state" else 1.0)
        latitude, longitude = self.make.place(district)
        tank = max(40, round(volume / 1000 / self.random.uniform(1.2, 3.4) / 10) * 10)
        dispensers = max(2, min(5, round(volume / 32_000)))
        row: Row = {
            "record_no": self.make.serial("ML"), "station": f"ZD{district.code}{number:04d}", "station_name": self.make.company("加油站", "")[3:],
            "taxpayer": self.make.uscc(district), "brand": brand, "road": road, "district": district.code, "tank_volume": min(tank, 400),
            "size": "first" if tank > 150 else "second" if tank > 90 else "third", "nozzles": 2 * dispensers + self.random.randrange(4),
            "latitude": latitude, "longitude": longitude, "valid_from": self._later(date(2008, 1, 1), 0, 3600), "received_on": date(2019, 7, 5),
        }
        connected = FIRST if self._chance(0.35) else self._later(date(2020, 1, 1), 0, (CONNECTED - date(2020, 1, 1)).days)
        station = _Station(
            row, district, row["taxpayer"], volume, self.random.gauss(-0.02, 0.05), self.random.uniform(-0.3, 0.3),
            min(0.8, max(0.05, self.random.gauss({"urban": 0.15, "highway": 0.45, "trunk": 0.4, "rural": 0.45}[road], 0.1))),
            self.random.uniform(0.08, 0.16), self._chance(0.5), self._chance(0.3),
            self.random.uniform(0.0, 0.10) if brand == "private" else 0.0, self.random.uniform(0.03, 0.16),
            self.random.sample(self.suppliers, 2), [tuple(self.random.gauss(0, 1) for _ in range(8)) for _ in range(MONTHS)],
            connected, self._chance(0.75), self._chance(0.7), dispensers=[self.make.serial("JYJ", 7) for _ in range(dispensers)],
        )
        if self._chance(0.12):
            station.suppliers[1] = self.random.choice(self.tainted)
        if self._chance(_TEMPTED[brand]):
            begin = round(self.random.triangular(-24, MONTHS - 6, MONTHS - 20))
            station.mechanism = Episode(
                self.random.choice(MECHANISMS), begin, begin + self.random.randrange(20, 60), min(0.6, max(0.10, self._around(0.27, 0.40)))
            )
        if self._chance(0.42):
            kind = self.random.choice(EXPLANATIONS)
            low, high = _LASTS.get(kind, (24, 90))
            begin = self.random.randrange(-20 if high > 24 else 0, MONTHS - 6)
            station.explanation = Episode(kind, begin, begin + self.random.randint(low, high), min(0.6, max(0.08, self._around(0.24, 0.5))))
        return station

    # -- what a month was like -----------------------------------------------------------------------------------------

    def _books(self, station: _Station, month: int) -> Books:
        """The month as it was; the same draws give the same month, whatever came before."""
        noise = station.noise[month]
        how, strength = self._doing(station, month)
        why, extent = (
            (station.explanation.kind, station.explanation.strength)
            if station.explanation is not None and station.explanation.within(month, month + 1) else ("", 0.0)
        )
        usual = station.volume * exp(station.growth * month / 12)
        sold = usual * (1 + 0.10 * sin((month + 3) / 6 * 3.1416 + station.phase)) * exp(0.05 * noise[0])
        sold *= {"rebuilt": 0.15, "road_works": 0.62}.get(why, 1.0)
        pumped = sold * (1 + 0.004 * noise[1])
        declared = sold * (1 + 0.012 * noise[2])
        deducted = 0.003 * sold
        bought = sold * (1 + 0.06 * noise[3])
        delivered, invoiced, secret, blended, paper = bought, bought, 0.0, 0.0, 0.0
        personal = max(0.0, station.personal + 0.02 * noise[4])
        issued, passed_on = station.issued * sold, 0.0
        vehicles = sold / 34 * exp(0.05 * noise[5] + 0.25 * station.phase)
        if why == "own_use":
            pumped, delivered, invoiced = pumped + extent * sold, delivered + extent * sold, invoiced + extent * sold
            deducted += extent * sold * (0.25 + 0.6 * abs(station.phase) / 0.3)
        elif why == "stored":
            pumped, delivered = pumped + 0.5 * extent * sold, delivered + extent * sold
            deducted += 0.5 * extent * sold * (0.25 + 0.6 * abs(station.phase) / 0.3)
        elif why == "own_account":
            personal = min(0.95, 0.25 + extent)
        elif why == "fleet":
            issued += (0.15 + extent) * sold
        elif why == "machines":
            blended = 0.4 * extent * sold
        elif why == "amended" and month % 5 == 0:
            deducted *= 0.5
        if how == "off_books":
            hidden = min(strength, 0.085) if station.careful and month_start(month) >= LEARNED else strength
            declared, invoiced = declared * (1 - hidden), invoiced * (1 - 0.45 * hidden)
            personal = min(0.9, personal + 0.7 * strength)
        elif how == "invented":
            declared = round(usual * (1 - 0.45 * strength) * (1 + 0.015 * noise[2]), -3)
        elif how == "tampered":
            pumped, declared = pumped * (1 - strength), declared * (1 - strength)
            invoiced *= 1 - 0.35 * strength
        elif how == "hidden_tank":
            secret, vehicles = strength * sold, vehicles * (1 + 0.4 * strength)
        elif how == "unknown_oil":
            delivered, invoiced = delivered * (1 - strength), invoiced * (1 - strength)
            blended, secret = blended + 0.35 * strength * sold, 0.4 * strength * sold
            declared *= 1 - 0.15 * strength
        elif how == "surplus_invoices":
            passed_on = 0.8 * strength * sold
        elif how == "bought_invoices":
            paper = 0.7 * strength * sold
            declared *= 1 - 0.1 * strength
        return Books(
            sold, pumped, declared, deducted, delivered, secret, invoiced, blended, paper, personal, issued, passed_on, vehicles,
        )

    def _doing(self, station: _Station, month: int) -> tuple[str, float]:
        episode = station.mechanism
        return (episode.kind, episode.strength) if episode is not None and episode.within(month, month + 1) else ("", 0.0)

    # -- who is looked at ----------------------------------------------------------------------------------------------

    def _positive(self, station: _Station, as_of: date) -> bool:
        """True when it kept sales or purchases out of the books in at least 3 of 12 months, and was not confirmed before."""
        last, episode = settled_months(as_of), station.mechanism
        handled = station.handled is not None and station.handled < as_of
        return episode is not None and not handled and episode.within(last - 12, last) >= 3

    def _lawful(self, station: _Station, as_of: date) -> str:
        last, episode = settled_months(as_of), station.explanation
        return episode.kind if episode is not None and episode.within(last - 12, last) >= 2 else ""

    def _hits(self, station: _Station, year: list[Books], as_of: date) -> int:
        """How many published rules the station hits, from the months themselves."""
        pumped, declared, invoiced = (sum(getattr(b, c) for b in year) for c in ("pumped", "declared", "invoiced"))
        connected, told = station.connected < as_of - timedelta(days=300), station.tells and as_of > RECEIPTS_FROM + timedelta(days=120)
        tampered = station.mechanism is not None and station.mechanism.kind == "tampered" and self._positive(station, as_of)
        hits = (
            connected and pumped > 1.1 * declared, connected and pumped > 1.3 * declared, connected and invoiced > 1.05 * pumped,
            told and sum(b.personal for b in year) > 0.2 * len(year), sum(b.blended for b in year) > 0,
            tampered or self._lawful(station, as_of) == "repaired",
        )
        return sum(hits)

    def _candidates(self) -> list[Candidate]:
        """Every station on every list, as those who choose see it; where its legal person comes from weighs in with them."""
        made = []
        months = [[self._books(station, month) for month in range(MONTHS)] for station in self.stations]
        for day in lists():
            last = settled_months(day)
            for station, books in zip(self.stations, months, strict=True):
                year = books[last - 12 : last]
                truth, lawful = self._positive(station, day), self._lawful(station, day)
                grumble = 0.12 if truth and station.mechanism and station.mechanism.kind == "off_books" else 0.02
                flaw: Flaw = "data_error" if lawful == "repaired" and self._chance(0.1) else "identity_mismatch" if self._chance(0.004) else ""
                made.append(Candidate(
                    station.row["station"], day, truth, self._hits(station, year, day), 7 * sum(b.sold for b in year), station.row["district"],
                    self.random.gauss(0.7 * truth, 0.9) + 0.5 * station.outside, self._chance(grumble), bool(lawful), flaw,
                ))
        return made

    def _reviews(self, candidates: list[Candidate]) -> list[Row]:
        """Verdicts, list by list: a station that is being checked or was lately is left alone, except by the draw."""
        by_name = {s.row["station"]: s for s in self.stations}
        free: dict[str, date] = {}
        chosen: dict[date, list[tuple[Candidate, Channel]]] = defaultdict(list)
        for candidate, channel in select(candidates, PRACTICE, self.random):
            chosen[candidate.as_of].append((candidate, channel))
        rows: list[Row] = []
        for day in sorted(chosen):
            now = [
                (replace(c, truth=self._positive(by_name[c.unit], day)), channel)
                for c, channel in chosen[day] if channel == "audit" or free.get(c.unit, day) <= day
            ]
            found = decide(now, PRACTICE, self.random, unit="station", until=LAST, prefix="JY")
            for row in found:
                free[row["station"]] = max(day + timedelta(days=360), row["decided_on"])
                if row["outcome"] == "confirmed":
                    self._handle(by_name[row["station"]], row["decided_on"])
            rows += found
        return rows

    def _handle(self, station: _Station, decided: date) -> None:
        """What a confirmed check brings about: it stops, and tax is recovered."""
        if station.handled is not None:
            return
        station.handled = decided
        if station.mechanism is not None:
            stops = max(0, (decided.year - FIRST.year) * 12 + decided.month - FIRST.month)
            station.mechanism.end = max(station.mechanism.begin, min(station.mechanism.end, stops))
        if self._chance(0.85):
            self._recover(station.taxpayer, self._later(decided, 15, 90), self._around(300_000, 0.8))

    def _recover(self, enterprise: str, decided: date, amount: float) -> None:
        self._add(
            "tax_decisions", decision_no=self.make.serial("税处"), enterprise=enterprise, recovered=round(amount, 2), fine=round(amount * 0.5, 2),
            decided_on=decided, received_on=known_after(self.random, decided, 10, 40),
        )

    # -- what is around ------------------------------------------------------------------------------------------------

    def _surroundings(self) -> None:
        """Registers of enterprises, vehicles and districts; what agencies found out about suppliers."""
        agents = [self.make.mobile() for _ in range(6)]
        owner, left = "", 0
        for station in self.stations:
            if left == 0:
                owner, left = self.make.resident_id(), self.random.choices((1, 2, 3, 5), weights=(60, 20, 12, 8))[0]
            left -= 1
            person = owner if station.row["brand"] == "private" else self.make.resident_id()
            self._enterprise(station.taxpayer, "加油站", station.district, person, self.random.choice(agents) if self._chance(0.08) else "", station.outside)
            if self._chance(0.07):
                day = self._later(FIRST, 60, 2200)
                self._recover(station.taxpayer, day, self._around(60_000, 0.8))
        for number, supplier in enumerate([*self.tainted, *self.suppliers, *self.buyers, *self.shells]):
            trade = "石化" if number < 50 else self.random.choice(("物流", "工程", "商贸", "农机"))
            self._enterprise(supplier, trade, self.random.choice(DISTRICTS), self.make.resident_id(), "", self._chance(0.3))
        for supplier in self.tainted[:7] + self.suppliers[:3]:
            self._recover(supplier, self._later(date(2019, 9, 1), 0, 1500), self._around(2_000_000, 0.7))
        for buyer in self.buyers:
            for _ in range(0 if self._chance(0.3) else self.random.randint(1, 6)):
                since = self._later(date(2014, 1, 1), 0, 3000)
                self._add("freight_vehicles", plate=self.make.plate(), owner=buyer, valid_from=since, received_on=max(FIRST, self._later(since, 5, 30)))
        for district in DISTRICTS:
            fuel, electric = self._around(60_000, 0.3), self._around(2_500, 0.3)
            for half in range(0, MONTHS, 6):
                day = month_end(half + 5)
                self._add(
                    "district_vehicles", entry_no=self.make.serial("BY"), district=district.code, fuel_vehicles=round(fuel * 1.01**half),
                    electric_vehicles=round(electric * 1.028**half), counted_on=day, received_on=self._later(day, 5, 25),
                )

    def _enterprise(self, number: str, trade: str, district: District, person: str, phone: str, outside: bool) -> None:
        since = self._later(date(2006, 1, 1), 0, 4500)
        self._add(
            "enterprises", record_no=self.make.serial("DJ"), enterprise=number, enterprise_name=self.make.company(trade), legal_person=person,
            phone=phone or self.make.mobile(), address=self.make.address(district), status="open", valid_from=since, received_on=FIRST,
            legal_person_origin="外市" if outside else "本市", legal_person_sex=self.random.choice(("男", "女")),
        )

    # -- what is written down ------------------------------------------------------------------------------------------

    def _write_down(self, station: _Station) -> None:
        """All books of a station; the risk grade and the ledger came after the check and are dated back."""
        bad = station.mechanism is not None and station.mechanism.within(0, MONTHS) > 0
        grade = self.random.randint(4, 5) if bad != self._chance(0.02) else self.random.randint(1, 3)
        self._add("stations", **station.row, risk_grade=grade)
        if station.mechanism is not None and bad and self._chance(0.95):
            noted = month_start(max(0, station.mechanism.begin))
            self._add(
                "inspection_entries", entry_no=self.make.serial("JC"), station=station.row["station"], amount=round(self._around(200_000, 0.7), 2),
                entered_on=noted, received_on=noted,
            )
        months = [self._books(station, month) for month in range(MONTHS)]
        self._licences(station)
        self._pumps(station, months)
        for month, books in enumerate(months):
            self._returned(station, month, books)
            self._supplied(station, month, books)
            self._invoiced(station, month, books)
            self._watched(station, month, books)

    def _licences(self, station: _Station) -> None:
        day = self._later(date(2015, 1, 1), 0, 1400)
        while day < LAST:
            until = shift_months(day, 60)
            self._add(
                "retail_licences", licence_no=self.make.serial("油零售"), station=station.row["station"], issued_on=day, expires_on=until,
                received_on=max(FIRST, self._later(day, 3, 20)),
            )
            day = self._later(until, -60, 20) if self._chance(0.93) else self._later(until, 40, 200)

    def _pumps(self, station: _Station, months: list[Books]) -> None:
        """Quarterly readings of running totals; a new mainboard begins at zero."""
        totals = [0.0]
        for books in months:
            totals.append(totals[-1] + books.pumped)

        def until(day: date) -> float:
            month = (day.year - FIRST.year) * 12 + day.month - FIRST.month
            return totals[month] + (totals[month + 1] - totals[month]) * (day.day - 1) / (month_end(month).day)

        swaps = self._swaps(station)
        weights = [self.random.uniform(0.6, 1.4) for _ in station.dispensers]
        days = [self._later(station.connected, 0, 40)]
        while days[-1] < LAST:
            days.append(days[-1] + timedelta(days=self.random.randint(80, 102)))
        for dispenser, weight in zip(station.dispensers, weights, strict=True):
            share, begin = weight / sum(weights), float(self.random.randrange(200_000, 4_000_000)) - until(station.connected) * weight / sum(weights)
            board, seal, sealed = self.make.serial("ZB"), self.make.serial("QF"), set[date]()
            for day in days[:-1]:
                due = [(on, filed) for on, filed in swaps if on <= day and on not in sealed]
                for on, _ in due:
                    sealed.add(on)
                    begin, board, seal = -share * until(on), self.make.serial("ZB"), self.make.serial("QF")
                if self._chance(0.015):
                    seal = self.make.serial("QF")
                self._add(
                    "pump_readings", reading_no=self.make.serial("DS", 9), station=station.row["station"], dispenser=dispenser,
                    total=round(max(0.0, begin + share * until(day))), mainboard=board, seal=seal, repaired=any(filed for _, filed in due),
                    read_on=day, received_on=known_after(self.random, day, 8, 40, late=0.04),
                )

    def _swaps(self, station: _Station) -> list[tuple[date, bool]]:
        """When mainboards were replaced, and whether a repair is on file."""
        swaps = []
        if (how := station.mechanism) is not None and how.kind == "tampered":
            swaps.append((self._day(max(0, how.begin)), self._chance(0.3)))
            if self._chance(0.5):
                swaps.append((self._day(max(0, how.begin) + 9), self._chance(0.3)))
        if (why := station.explanation) is not None and why.kind == "repaired":
            swaps += [(self._day(max(0, why.begin)), self._chance(0.75)) for _ in range(self.random.choice((1, 1, 2)))]
        if self._chance(0.1):
            swaps.append((self._day(self.random.randrange(MONTHS)), self._chance(0.75)))
        return sorted(s for s in swaps if s[0] <= LAST)

    def _returned(self, station: _Station, month: int, books: Books) -> None:
        """The return of the month, and perhaps a later version of it."""
        end, yuan = month_end(month), price(month)
        sales = books.declared * yuan
        claimed = (books.invoiced + books.blended + books.bought_paper) * yuan * (1 - station.margin) * 0.13
        tax = max(0.0, sales * 0.13 - claimed) * exp(0.05 * station.noise[month][6])
        row: Row = {
            "return_no": f"SB{station.row['station'][2:]}{end:%Y%m}", "taxpayer": station.taxpayer, "station": station.row["station"],
            "litres": round(books.declared, -3 if self._chance(0.04) else 0), "deducted_litres": round(books.deducted), "sales": round(sales, 2),
            "output_tax": round(sales * 0.13, 2), "input_tax": round(claimed, 2), "tax_paid": round(tax, 2), "amended": False, "period_end": end,
            "received_on": batch_day(end, 3, 38) + timedelta(days=30 * self._chance(0.03)),
        }
        why = station.explanation
        late = 0.3 if why is not None and why.kind == "amended" and why.within(month, month + 1) else 0.01
        if self._chance(late):
            cut = self.random.uniform(0.35, 0.8)
            fewer = {c: round(row[c] * cut, 0 if c == "litres" else 2) for c in ("litres", "sales", "output_tax", "tax_paid")}
            self._add("vat_returns", **{**row, **fewer})
            row |= {"amended": True, "received_on": self._later(row["received_on"], 40, 200)}
        self._add("vat_returns", **row)

    def _supplied(self, station: _Station, month: int, books: Books) -> None:
        """Delivery notes, waybills and purchase invoices; what came in secret has a waybill at most."""
        first = books.delivered * self.random.uniform(0.55, 0.8)
        billed = {station.suppliers[0]: first, station.suppliers[1]: books.delivered - first}
        for supplier, litres in billed.items():
            self._loads(station, month, supplier, litres, noted=True, carried=0.93, elsewhere=0.02)
        hauler = self.tainted[int(station.taxpayer[10], 36) % len(self.tainted)]
        if books.secret > 0:
            self._loads(station, month, hauler, books.secret, noted=False, carried=0.7, elsewhere=0.45 if self._doing(station, month)[0] == "hidden_tank" else 0.05)
        for supplier, litres in billed.items():
            goods = "diesel" if self._chance(station.diesel) else "petrol"
            self._purchase(station, month, supplier, litres * books.invoiced / max(1.0, books.delivered), goods)
        if books.blended > 0 and self._chance(0.6):
            self._purchase(station, month, hauler if self._doing(station, month)[0] == "unknown_oil" else self.random.choice(self.suppliers), books.blended / 0.6, "blended")
        if books.bought_paper > 0 and self._chance(0.7):
            self._purchase(station, month, hauler, books.bought_paper / 0.7, "diesel")

    def _loads(self, station: _Station, month: int, supplier: str, litres: float, *, noted: bool, carried: float, elsewhere: float) -> None:
        count = max(1, round(litres / _LORRY)) if litres > 3000 else 0
        for _ in range(count):
            day, size = self._day(month), litres / count
            grade = "diesel" if self._chance(station.diesel) else "petrol"
            if noted:
                self._add(
                    "fuel_deliveries", note_no=self.make.serial("GY", 9), supplier=supplier, station=station.row["station"], grade=grade, litres=round(size),
                    delivered_on=day, received_on=known_after(self.random, day, 1, 10),
                )
            if day >= WAYBILLS_FROM and self._chance(carried):
                away = self.random.uniform(0.03, 0.08) * self.random.choice((-1, 1)) if self._chance(elsewhere) else self.random.gauss(0, 0.002)
                self._add(
                    "fuel_waybills", waybill_no=self.make.serial("YD", 9), shipper=supplier, consignee=station.taxpayer, station=station.row["station"],
                    plate=self.random.choice(self.lorries), grade=grade, tonnes=round(size / (1176 if grade == "diesel" else 1388), 3),
                    latitude=round(station.row["latitude"] + away, 6), longitude=round(station.row["longitude"] + self.random.gauss(0, 0.002), 6),
                    loaded_on=day, received_on=known_after(self.random, day, 1, 7),
                )

    def _purchase(self, station: _Station, month: int, seller: str, litres: float, goods: str) -> None:
        day = self._later(month_start(month), 15, 27)
        self._add(
            "purchase_invoices", invoice_no=self.make.serial("JX", 10), seller=seller, buyer=station.taxpayer, goods=goods, litres=round(litres),
            tax=round(litres * price(month) * (1 - station.margin) * 0.13, 2), issued_on=day, received_on=batch_day(day, 3, 25),
        )

    def _invoiced(self, station: _Station, month: int, books: Books) -> None:
        """Invoices to enterprises; those passed on go to shells and stay below the amount that is checked."""
        yuan, check = price(month), invoice_check(month_start(month))
        fleet = station.explanation is not None and station.explanation.kind == "fleet"
        customers = Random(station.taxpayer).sample(self.buyers, 6)  # noqa: S311
        left = books.issued * yuan
        while left > 8_000:
            amount = min(left, self._around(60_000 if fleet else 32_000, 0.6))
            self._sale(station, month, self.random.choice(customers), amount)
            left -= amount
        left = books.passed_on * yuan
        while left > 8_000:
            amount = min(left, check * (self.random.uniform(0.86, 0.998) if self._chance(0.75) else self.random.uniform(0.3, 1.3)))
            self._sale(station, month, self.random.choice(self.shells if self._chance(0.55) else self.buyers), amount)
            left -= amount

    def _sale(self, station: _Station, month: int, buyer: str, amount: float) -> None:
        day = self._day(month)
        self._add(
            "sales_invoices", invoice_no=self.make.serial("XX", 10), seller=station.taxpayer, buyer=buyer, litres=round(amount / price(month)),
            amount=round(amount, 2), issued_on=day, received_on=batch_day(day, 3, 25),
        )

    def _watched(self, station: _Station, month: int, books: Books) -> None:
        """Receipts, vehicles, complaints, samples, penalties."""
        end, name = month_end(month), station.row["station"]
        if station.tells and end >= RECEIPTS_FROM:
            total = books.pumped * price(month) * 1.13 * min(1.0, 0.86 + 0.03 * station.noise[month][7])
            for personal, share in ((True, books.personal), (False, 1 - books.personal)):
                if share > 0.004:
                    self._add(
                        "merchant_receipts", receipt_no=self.make.serial("SK", 9), station=name, personal=personal, amount=round(total * share, 2),
                        month_end=end, received_on=batch_day(end, 3, 40),
                    )
        if station.counted and end >= COUNTS_FROM:
            self._add(
                "forecourt_counts", count_no=self.make.serial("CL", 9), station=name, vehicles=round(books.vehicles), month_end=end,
                received_on=self._later(end, 1, 3),
            )
        how, strength = self._doing(station, month)
        calls = {
            _NO_RECEIPT: 0.012 + 0.35 * strength * (how == "off_books") + 0.08 * books.personal,
            _QUANTITY: 0.02 + 0.25 * strength * (how in ("tampered", "unknown_oil")), _OTHER: 0.07,
        }
        for texts, mean in calls.items():
            for _ in range(self._often(mean)):
                day = self._day(month)
                self._add(
                    "station_complaints", order_no=self.make.serial("RX", 9), station=name, content=self.random.choice(texts), called_on=day,
                    received_on=self._later(day, 1, 3),
                )
        if self._chance(0.06):
            failed, day = self._chance(0.03 + 0.9 * strength * (how == "unknown_oil")), self._day(month)
            self._add(
                "fuel_samples", sample_no=self.make.serial("CY"), station=name, grade="diesel" if self._chance(station.diesel) else "petrol",
                sulphur=round(self._around(60 if failed else 6, 0.4), 1), passed=not failed, sampled_on=day, received_on=self._later(day, 20, 60),
            )
            if failed and self._chance(0.5):
                self._penalty(station, self._later(day, 40, 100), "quality")
        if self._chance(0.002 + 0.01 * (how == "tampered")):
            self._penalty(station, self._day(month), "metrology")

    def _penalty(self, station: _Station, day: date, matter: str) -> None:
        self._add(
            "enterprise_penalties", decision_no=self.make.penalty_no(day.year), enterprise=station.taxpayer, matter=matter,
            fine=round(self._around(20_000, 0.7), 2), decided_on=day, revoked=False, received_on=known_after(self.random, day, 7, 30),
        )

    def _truth(self, station: _Station, as_of: date, candidate: Candidate) -> Row:
        positive, handled = self._positive(station, as_of), station.handled is not None and station.handled < as_of
        return {
            "unit": station.row["station"], "as_of": as_of, "outcome": positive,
            "mechanism": station.mechanism.kind if positive and station.mechanism is not None else "",
            "explanation": self._lawful(station, as_of) or ("handled" if handled else ""), "rule_hits": candidate.rule_hits,
        }


def _deliveries() -> dict[str, Delivery]:
    """One district has its own ways, the tax authority renamed columns, three sources start late, devices write no typing errors."""
    geng = DISTRICTS[6].code
    in_order = {"D06": 0.0}  # versions of a row must stay in the order in which they were made
    device = {"D05": 0.0, "D01": 0.005, "D06": 0.02}
    renamed = {"litres": "应税油品销售数量", "deducted_litres": "扣除数量", "period_end": "所属期止"}
    own_ways = {"station_name": "加油站名称", "brand": "经济类型", "district": "区划"}
    return {
        "stations": Delivery((
            File("加油站名录_庚区", kind="gbk", dates="slash", headers=own_ways, holds=lambda r: r["district"] == geng), File("加油站名录"),
        ), rates={"D01": 0.005, "D05": 0.0}),
        "vat_returns": Delivery((
            File("增值税申报_2023年及以前", dates="compact", headers=renamed, holds=lambda r: r["period_end"] < RENAMED), File("增值税申报_2024年起"),
        ), rates=in_order | {"D01": 0.01, "D04": 0.0}),
        "purchase_invoices": Delivery((File("进项发票", kind="gbk"),), rates={"D01": 0.01}),
        "pump_readings": Delivery((File("加油机读数", dates="dots"),), rates=device),
        "fuel_waybills": Delivery(covered_from=WAYBILLS_FROM, rates=device),
        "merchant_receipts": Delivery(covered_from=RECEIPTS_FROM),
        "forecourt_counts": Delivery(covered_from=COUNTS_FROM, rates=device),
        "enterprise_penalties": Delivery((File("企业行政处罚", kind="xlsx"),)),
        "district_vehicles": Delivery((File("机动车保有量", kind="xlsx"),), rates={"D05": 0.0}),
    }
