"""What people do to clues, and what they may not do."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from procuratorate import ACCEPTED, TEXT, House, decide, given_clue, propose, run_facts

from jcml.errors import DataError
from jcml.review import handling, policy
from jcml.review.intake import take_in
from jcml.review.journal import SYSTEM
from jcml.review.models import Clue, Event, ScoreVersion, Unit
from jcml.review.refusal import Refusal
from jcml.review.verdicts import Opinion


def test_a_clue_goes_from_the_queue_to_a_confirmed_verdict(house: House) -> None:
    clue, *_ = house.clues(2)
    li, wang = house.person("li", "R"), house.person("wang", "C")
    taken = handling.claim_next(house.act(li))
    assert taken is not None and taken.pk == clue.pk and taken.holder == li
    made = propose(house, li, taken)
    assert made.standing == "proposed" and made.model_version == 1 and made.shown_rank == 1
    decide(house, wang, taken)
    taken.refresh_from_db()
    assert (taken.state, taken.outcome, taken.holder) == ("closed", "confirmed", None)
    told = list(Event.objects.filter(object=clue.pk).order_by("seq").values_list("what", flat=True))
    assert told == ["clue.claimed", "verdict.proposed", "verdict.approved", "clue.closed"]


def test_nobody_decides_on_their_own_verdict(house: House) -> None:
    clue, *_ = house.clues(1)
    both = house.person("both", "R", "C", "L")
    handling.claim(house.act(both), clue.pk)
    propose(house, both, clue)
    with pytest.raises(Refusal) as refused:
        decide(house, both, clue)
    assert refused.value.status == 403


def test_who_approved_a_clue_once_does_not_approve_it_again(house: House) -> None:
    clue, *_ = house.clues(1)
    li, wang, zhao = house.person("li", "R"), house.person("wang", "C"), house.person("zhao", "L")
    handling.claim(house.act(li), clue.pk)
    propose(house, li, clue)
    decide(house, wang, clue)
    handling.reopen(house.act(zhao), clue.pk, "有新材料")
    handling.claim(house.act(li), clue.pk)
    clue.refresh_from_db()
    with pytest.raises(Refusal):  # li's earlier verdict stands in the way of nobody but li
        propose(house, wang, clue)
    propose(house, li, clue)
    with pytest.raises(Refusal) as refused:
        decide(house, wang, clue)
    assert refused.value.status == 403
    decide(house, zhao, clue)


def test_changed_evidence_stops_a_decision(house: House) -> None:
    clue, *_ = house.clues(1)
    li, wang = house.person("li", "R"), house.person("wang", "C")
    handling.claim(house.act(li), clue.pk)
    propose(house, li, clue)
    clue.refresh_from_db()
    Clue.objects.filter(pk=clue.pk).update(evidence_digest="f" * 64)
    with pytest.raises(Refusal) as refused:
        handling.decide(house.act(wang), clue.pk, approved=True, text="", version=clue.version, digest=clue.evidence_digest)
    assert refused.value.status == 409 and refused.value.differs


def test_a_form_that_is_older_than_the_clue_is_refused_with_what_differs(house: House) -> None:
    clue, *_ = house.clues(1)
    li = house.person("li", "R")
    handling.claim(house.act(li), clue.pk)
    with pytest.raises(Refusal) as refused:
        handling.propose(house.act(li), clue.pk, ACCEPTED, version=1, digest=clue.evidence_digest)
    assert refused.value.status == 409 and [row[0] for row in refused.value.differs]


@pytest.mark.parametrize(
    ("opinion", "lacks"),
    [
        (Opinion("accepted"), {"subtype", "confirmed_reason", "text", "department", "worth_checking"}),
        (Opinion("pending"), {"due_on", "next_step"}),
        (Opinion("explained", text="短"), {"reason_code", "text", "worth_checking"}),
        (Opinion("data_error"), {"subtype", "wrong_field"}),
        (Opinion("duplicate"), {"linked"}),
        (Opinion("elsewhere", target_unit="nowhere"), {"target_unit"}),
        (Opinion("unsure"), {"missing"}),
        (Opinion(""), {"kind"}),
        (Opinion("explained", reason_code="retired long ago", text=TEXT, worth_checking=False), {"reason_code"}),
        (Opinion("unsure", missing="合同", feedback={"no such reason": "true"}), {"feedback"}),
    ],
)
def test_an_incomplete_verdict_says_what_is_missing(house: House, opinion: Opinion, lacks: set[str]) -> None:
    clue, *_ = house.clues(1)
    li = house.person("li", "R")
    handling.claim(house.act(li), clue.pk)
    with pytest.raises(Refusal) as refused:
        propose(house, li, clue, opinion)
    assert refused.value.status == 422 and set(refused.value.lacks) == lacks


def test_verdicts_without_a_second_person_stand_at_once_and_can_be_undone(house: House) -> None:
    clue, *_ = house.clues(1)
    li = house.person("li", "R")
    handling.claim(house.act(li), clue.pk)
    assert propose(house, li, clue, Opinion("duplicate", linked="XS2026-0000009")).standing == "stands"
    clue.refresh_from_db()
    assert clue.state == "closed"
    handling.undo(house.act(li), clue.pk)
    clue.refresh_from_db()
    assert clue.state == "claimed" and clue.holder == li and clue.verdicts.get().standing == "undone"


def test_an_expired_lease_goes_to_the_next_person_and_the_first_is_told(house: House) -> None:
    clue, *_ = house.clues(1)
    li, wang = house.person("li", "R"), house.person("wang", "R")
    handling.claim(house.act(li), clue.pk)
    handling.keep_draft(house.act(li), clue.pk, {"text": "半句"})
    assert handling.claim_next(house.act(wang)) is None
    Clue.objects.filter(pk=clue.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
    taken = handling.claim_next(house.act(wang))
    assert taken is not None and taken.holder == wang
    with pytest.raises(Refusal) as refused:
        propose(house, li, clue)
    assert refused.value.status == 409
    assert Event.objects.filter(what="lease.expired", object=clue.pk).exists()
    assert clue.draft_set.filter(user=li).exists()


def test_twenty_open_claims_are_enough(house: House) -> None:
    house.clues(21)
    li = house.person("li", "R")
    for _ in range(20):
        assert handling.claim_next(house.act(li))
    with pytest.raises(Refusal) as refused:
        handling.claim_next(house.act(li))
    assert refused.value.status == 409


def test_a_clue_of_another_unit_goes_there_when_both_sides_agree(house: House) -> None:
    clue, *_ = house.clues(1)
    li, hub = house.person("li", "R"), house.person("hub", "M")
    there, away = house.person("there", "M", unit=house.second), house.person("away", "R", unit=house.second)
    handling.claim(house.act(li), clue.pk)
    propose(house, li, clue, Opinion("elsewhere", target_unit=house.second.code))
    transfer = clue.transfers.get()
    with pytest.raises(Refusal):  # not before case management has confirmed it
        handling.answer_transfer(house.act(there), transfer.pk, accepted=True, answer="")
    handling.confirm_transfer(house.act(hub), transfer.pk)
    handling.answer_transfer(house.act(there), transfer.pk, accepted=True, answer="")
    clue.refresh_from_db()
    assert (clue.unit, clue.state) == (house.second, "queued")
    assert handling.claim_next(house.act(away)) == clue
    assert not policy.clues(house.act(li).user, "see").exists()


def test_a_refused_transfer_comes_back_with_its_reason(house: House) -> None:
    clue, *_ = house.clues(1)
    hub, there = house.person("hub", "M"), house.person("there", "M", unit=house.second)
    transfer = handling.transfer(house.act(hub), clue.pk, house.second.code, "行为地在该区")
    with pytest.raises(Refusal) as refused:
        handling.answer_transfer(house.act(there), transfer.pk, accepted=False, answer="")
    assert refused.value.status == 422
    handling.answer_transfer(house.act(there), transfer.pk, accepted=False, answer="行为地不在本区")
    clue.refresh_from_db()
    assert (clue.unit, clue.state) == (house.first, "queued")


def test_many_clues_are_handled_all_or_none_and_can_be_undone(house: House) -> None:
    clues = house.clues(4)
    li, wang = house.person("li", "R"), house.person("wang", "R")
    handling.claim(house.act(wang), clues[3].pk)
    with pytest.raises(Refusal):
        handling.bulk(house.act(li), [c.pk for c in clues], "duplicate", {"linked": "XS1"})
    assert set(Clue.objects.exclude(pk=clues[3].pk).values_list("state", flat=True)) == {"queued"}
    act = handling.bulk(house.act(li), [c.pk for c in clues[:3]], "duplicate", {"linked": "XS1"})
    assert Clue.objects.filter(state="closed").count() == 3
    assert Event.objects.filter(what="bulk.handled").count() == 3
    handling.undo_bulk(house.act(li), act.pk)
    assert set(Clue.objects.exclude(pk=clues[3].pk).values_list("state", flat=True)) == {"queued"}


def test_a_run_is_taken_in_once_whatever_happens(house: House) -> None:
    given = [given_clue(k, "run1") for k in range(3)]
    facts = run_facts("run1", 3)
    _, first = take_in(SYSTEM, house.first, facts, given)
    _, again = take_in(SYSTEM, house.first, facts, given)
    assert (first, again, Clue.objects.count()) == (3, 0, 3)
    with pytest.raises(DataError):
        take_in(SYSTEM, house.first, run_facts("run2", 2), [given_clue(k, "run2") for k in range(2)])
    with pytest.raises(DataError):
        take_in(SYSTEM, house.second, run_facts("run3", 3), [given_clue(k, "run3") for k in range(2)])
    assert Clue.objects.count() == 3
    take_in(SYSTEM, house.first, run_facts("run4", 3, supersede="更正数据"), [given_clue(k, "run4") for k in range(3)])
    assert Clue.objects.filter(state="superseded").count() == 3 and ScoreVersion.objects.count() == 3


def test_names_are_read_by_those_who_hold_the_clue_with_a_reason_and_every_reading_is_written_down(house: House, settings: Any) -> None:
    clue, *_ = house.clues(1)
    li, wang, boss = house.person("li", "R"), house.person("wang", "R"), house.person("boss", "L")
    assert clue.sealed.exists() and "潘某某" not in str(list(clue.sealed.values_list("box", flat=True)))
    handling.claim(house.act(li), clue.pk)
    with pytest.raises(Refusal) as refused:
        handling.unmask(house.act(wang), clue.pk, "好奇")
    assert refused.value.status == 403
    with pytest.raises(Refusal):
        handling.reveal(house.act(li), clue)
    handling.unmask(house.act(li), clue.pk, "核对当事人身份")
    assert handling.reveal(house.act(li), clue) == {("penalty_decisions", "R-0"): {"当事人": "潘某某0"}}
    (settings.HOME / "names.key").write_bytes(base64.b64encode(bytes(32)))
    with pytest.raises(DataError) as closed:
        handling.reveal(house.act(li), clue)
    assert closed.value.code == "JC7003"
    handling.unmask(house.act(boss), clue.pk, "审批")
    assert Event.objects.filter(what="names.read", object=clue.pk).count() == 1


def test_units_beside_one_do_not_exist(house: House) -> None:
    clue, *_ = house.clues(1)
    beside, above = house.person("beside", "R", unit=house.second), house.person("above", "L", unit=house.city)
    with pytest.raises(Refusal) as refused:
        handling.claim(house.act(beside), clue.pk)
    assert refused.value.status == 404
    assert policy.clues(above, "details").filter(pk=clue.pk).exists()
    with pytest.raises(Refusal) as read_only:
        handling.reopen(house.act(above), clue.pk, "看一看")
    assert read_only.value.status == 403
    assert Unit.objects.filter(policy.units(above, "see")).count() == 3
