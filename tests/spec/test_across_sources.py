"""Conditions across sources (碰撞), and following references to other entities."""

from spec.contracts import Cases, Firms, Penalties, Sales, Stations

from jcml.dates import ever, months
from jcml.features.language import gap, shared, this

STATIONS = "version | station | firm | phone | known_on\n1 | S-1 | F-1 | 111 | 2020-01-01\n2 | S-2 | F-2 | 111 | 2020-01-01\n3 | S-3 | F-3 | 333 | 2020-01-01"
SALES = """
    sale | station | supplier | sold_on    | known_on   | litres
    1    | S-1     | F-8      | 2024-06-01 | 2024-06-02 | 10
    2    | S-1     | F-9      | 2024-07-01 | 2024-07-02 | 20
    3    | S-2     | F-9      | 2024-05-01 | 2024-05-02 | 40
"""
PENALTIES = """
    decision | firm | fine | decided_on | known_on
    P-1      | F-9  | 100  | 2024-06-01 | 2024-06-15
    P-2      | F-2  | 200  | 2024-08-01 | 2025-06-01
"""


def test_deliveries_from_suppliers_that_had_been_penalised_by_then(spec):
    """The condition compares the days of the two rows; the penalty must be known before the as-of date."""
    penalised = Penalties.present(firm=Sales.supplier, where=Penalties.decided_on <= Sales.sold_on)
    spec({Stations: STATIONS, Sales: SALES, Penalties: PENALTIES}, Sales.litres.sum(over=months(12), where=penalised), expected={"S-1": 20.0, "S-2": 0.0, "S-3": 0.0})


def test_a_matching_row_that_is_not_known_yet_does_not_make_the_condition_true(spec):
    """On 15 June the decision against F-9 is only just arriving; another one makes the source delivered."""
    earlier = PENALTIES + "    P-0      | F-0  | 100  | 2024-01-01 | 2024-01-02\n"
    penalised = Penalties.present(firm=Sales.supplier)
    tables = {Stations: STATIONS, Sales: SALES, Penalties: earlier}
    spec(tables, Sales.litres.sum(over=months(12), where=penalised), as_of="2024-06-15", expected={"S-1": 0.0, "S-2": 0.0, "S-3": 0.0})


def test_once_it_is_known_it_does(spec):
    penalised = Penalties.present(firm=Sales.supplier)
    spec({Stations: STATIONS, Sales: SALES, Penalties: PENALTIES}, Sales.litres.sum(over=months(12), where=penalised), as_of="2024-07-10", expected={"S-1": 20.0, "S-2": 40.0, "S-3": 0.0})


def test_absence_is_the_opposite(spec):
    unpenalised = Penalties.absent(firm=Sales.supplier)
    spec({Stations: STATIONS, Sales: SALES, Penalties: PENALTIES}, Sales.count(over=months(12), where=unpenalised), expected={"S-1": 1.0, "S-2": 0.0, "S-3": 0.0})


def test_within_so_many_days(spec):
    """A sale with a penalty of its supplier at most 40 days apart."""
    close = Penalties.present(firm=Sales.supplier, where=abs(gap(Penalties.decided_on, Sales.sold_on)) <= 30)
    spec({Stations: STATIONS, Sales: SALES, Penalties: PENALTIES}, Sales.count(over=months(12), where=close), expected={"S-1": 1.0, "S-2": 0.0, "S-3": 0.0})


def test_a_withdrawn_match_stops_making_the_condition_true(spec):
    """The same decision, first known in June, was corrected in July to another firm."""
    corrected = PENALTIES + "    P-1      | F-7  | 100  | 2024-06-01 | 2024-07-10\n"
    penalised = Penalties.present(firm=Sales.supplier)
    spec({Stations: STATIONS, Sales: SALES, Penalties: corrected}, Sales.count(over=ever, where=penalised), as_of="2024-07-11", expected={"S-1": 0.0, "S-2": 0.0, "S-3": 0.0})


def test_before_the_withdrawal_was_known_it_did(spec):
    corrected = PENALTIES + "    P-1      | F-7  | 100  | 2024-06-01 | 2024-07-10\n"
    penalised = Penalties.present(firm=Sales.supplier)
    spec({Stations: STATIONS, Sales: SALES, Penalties: corrected}, Sales.count(over=ever, where=penalised), as_of="2024-07-10", expected={"S-1": 1.0, "S-2": 1.0, "S-3": 0.0})


def test_a_fact_that_is_known_withdrawn_and_known_again(spec):
    """Two rows make the condition true in turn; between them it is false."""
    turns = """
        decision | firm | decided_on | known_on
        P-1      | F-8  | 2024-01-01 | 2024-02-01
        P-1      | F-0  | 2024-01-01 | 2024-08-01
        P-2      | F-8  | 2024-01-01 | 2024-10-01
    """
    penalised = Penalties.present(firm=Sales.supplier)
    tables = {Stations: STATIONS, Sales: SALES, Penalties: turns}
    spec(tables, Sales.count(over=ever, where=penalised), as_of="2024-08-01", expected={"S-1": 1.0, "S-2": 0.0, "S-3": 0.0})


def test_in_between_it_is_false(spec):
    turns = """
        decision | firm | decided_on | known_on
        P-1      | F-8  | 2024-01-01 | 2024-02-01
        P-1      | F-0  | 2024-01-01 | 2024-08-01
        P-2      | F-8  | 2024-01-01 | 2024-10-01
    """
    penalised = Penalties.present(firm=Sales.supplier)
    spec({Stations: STATIONS, Sales: SALES, Penalties: turns}, Sales.count(over=ever, where=penalised), as_of="2024-10-01", expected={"S-1": 0.0, "S-2": 0.0, "S-3": 0.0})


def test_presence_asked_of_the_unit_itself(spec):
    """Is the station's firm among the penalised? The penalty of F-2 is not known yet."""
    spec({Stations: STATIONS, Penalties: PENALTIES}, Penalties.present(firm=Stations.firm), expected={"S-1": 0.0, "S-2": 0.0, "S-3": 0.0})


def test_presence_once_it_is_known(spec):
    spec({Stations: STATIONS, Penalties: PENALTIES}, Penalties.present(firm=Stations.firm), as_of="2025-06-02", expected={"S-1": 0.0, "S-2": 1.0, "S-3": 0.0})


def test_a_condition_may_compare_a_row_with_the_unit(spec):
    """Sales whose supplier is the station's own firm."""
    own = SALES + "    4    | S-3     | F-3      | 2024-09-01 | 2024-09-02 | 5\n"
    spec({Stations: STATIONS, Sales: own}, Sales.count(over=months(12), where=Sales.supplier == Stations.firm), expected={"S-1": 0.0, "S-2": 0.0, "S-3": 1.0})


def test_a_table_without_the_units_key_is_reached_through_its_reference(spec):
    """Penalties name firms, a station names its firm."""
    spec({Stations: STATIONS, Penalties: PENALTIES}, Penalties.fine.sum(over=months(12)), as_of="2025-06-02", expected={"S-1": 0.0, "S-2": 200.0, "S-3": 0.0})


def test_a_column_of_another_register_is_that_of_the_entity_referred_to(spec):
    firms = "firm | founded | size | known_on\nF-1 | 2010-01-01 | 5 | 2020-01-01\nF-2 | 2011-01-01 | 7 | 2025-02-01"
    spec({Stations: STATIONS, Firms: firms}, Firms.size, expected={"S-1": 5.0, "S-2": None, "S-3": None})


CASES = """
    case | creditor | debtor | claim | filed_on   | closed_on  | known_on   | facts
    C-1  | P-1      | P-5    | 100   | 2024-01-10 | 2024-01-20 | 2024-01-15 | 原告与被告双方确认借款事实无异议，被告自愿偿还借款本金100元
    C-2  | P-1      | P-6    | 200   | 2024-03-10 |            | 2024-03-15 | 原告与被告双方确认借款事实无异议，被告自愿偿还借款本金200元
    C-3  | P-1      | P-7    | 300   | 2024-06-10 | 2024-06-11 | 2024-06-15 | 被告辩称从未收到该笔款项，请求驳回原告的全部诉讼请求，双方争议很大
    C-4  | P-2      | P-5    | 400   | 2024-06-10 | 2024-06-30 | 2024-06-15 | 案涉房屋租赁合同到期后被告拒不腾退，原告诉请支付占用期间的使用费用
"""


def test_suits_of_this_creditor_this_one_left_out(spec):
    """Each case is scored once, on the first as-of date after it became known."""
    suits = Cases.matching(creditor=Cases.creditor)
    spec({Cases: CASES}, suits.count(over=months(24), where=Cases.case != this(Cases.case)), unit=Cases.case, once=0, as_of="2024-07-01", expected={"C-3": 2.0, "C-4": 0.0})


def test_near_duplicate_texts_of_others(spec):
    """The two template texts differ in their amounts only."""
    spec({Cases: CASES}, Cases.alike(Cases.facts).count(over=ever) - 1, unit=Cases.case, once=0, as_of="2024-04-01", expected={"C-2": 1.0})


def test_texts_that_differ_are_not_alike(spec):
    spec({Cases: CASES}, Cases.alike(Cases.facts).count(over=ever) - 1, unit=Cases.case, once=0, as_of="2024-07-01", expected={"C-3": 0.0, "C-4": 0.0})


def test_keywords(spec):
    spec({Cases: CASES}, Cases.facts.mentions("无异议", "自愿"), unit=Cases.case, once=0, as_of="2024-04-01", expected={"C-2": 1.0})


def test_who_else_holds_the_same_phone(spec):
    spec({Stations: STATIONS}, shared(Stations.phone), expected={"S-1": 1.0, "S-2": 1.0, "S-3": 0.0})


def test_the_share_of_others_for_whom_a_condition_holds(spec):
    """Of the stations with the same phone, how many belong to a penalised firm."""
    penalised = Penalties.present(firm=Stations.firm)
    spec({Stations: STATIONS, Penalties: PENALTIES}, shared(Stations.phone, where=penalised, measure="share"), as_of="2025-06-02", expected={"S-1": 1.0, "S-2": 0.0, "S-3": None})
