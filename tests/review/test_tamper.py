"""Whoever changes the log is found: two thousand trials, the triggers of the database, and no handling without an event."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from procuratorate import ACCEPTED, House, decide, propose

from jcml.errors import NotPermitted
from jcml.review import checkpoints, handling
from jcml.review.chain import START, Entry, Flaw, flaws
from jcml.review.checkpoints import append, make_checkpoint, read_checkpoints, verify
from jcml.review.journal import FIELDS, SYSTEM, entries, record_alone
from jcml.review.models import Draft, Event, Head, User
from jcml.review.verdicts import Opinion

Log = list[tuple[Entry, str]]
TRIALS = 2000


def chained(events: list[Entry], before: str = START) -> Log:
    """Events with hashes as the workbench would have computed them."""
    made: Log = []
    for event in events:
        before = event.hashed(before)
        made.append((event, before))
    return made


def flip(log: Log, dice: random.Random) -> Log:
    at, name = dice.randrange(len(log)), dice.choice([n for n in FIELDS if n != "seq"])
    entry, stored = log[at]
    changed = replace(entry, **{name: getattr(entry, name) + dice.choice("abc1、")})
    if dice.random() < 0.5:
        stored = changed.hashed(log[at - 1][1] if at else START)
    return [*log[:at], (changed, stored), *log[at + 1 :]]


def delete(log: Log, dice: random.Random) -> Log:
    at = dice.randrange(len(log) - 1)
    left = [e for e, _ in log[:at]] + [replace(e, seq=e.seq - 1) for e, _ in log[at + 1 :]]
    return [*log[:at], *log[at + 1 :]] if dice.random() < 0.5 else chained(left)


def insert(log: Log, dice: random.Random) -> Log:
    at = dice.randrange(len(log))
    new = replace(log[at][0], actor="nobody", what="verdict.approved")
    if dice.random() < 0.5:
        return [*log[:at], (new, new.hashed(log[at - 1][1] if at else START)), *log[at:]]
    return chained([*(e for e, _ in log[:at]), new, *(replace(e, seq=e.seq + 1) for e, _ in log[at:])])


def swap(log: Log, dice: random.Random) -> Log:
    one, other = sorted(dice.sample(range(len(log)), 2))
    events = [e for e, _ in log]
    events[one], events[other] = replace(log[other][0], seq=one + 1), replace(log[one][0], seq=other + 1)
    if dice.random() < 0.5:
        return chained(events)
    changed = list(log)
    changed[one], changed[other] = (events[one], log[one][1]), (events[other], log[other][1])
    return changed


def truncate(log: Log, dice: random.Random) -> Log:
    return log[: -dice.randint(1, len(log) - 1)]


def rewrite(log: Log, dice: random.Random) -> Log:
    at = dice.randrange(len(log))
    events = [e if n < at else replace(e, actor=dice.choice(["zhao", "qian"])) for n, (e, _) in enumerate(log)]
    events[at] = replace(events[at], actor="sun")
    return chained(events)


WAYS: tuple[Callable[[Log, random.Random], Log], ...] = (flip, delete, insert, swap, truncate, rewrite)


def write_log(house: House, n: int = 300) -> Log:
    """Events of real handling, and more beside them."""
    clue, *_ = house.clues(3)
    li, wang = house.person("li", "R"), house.person("wang", "C")
    handling.claim(house.act(li), clue.pk)
    propose(house, li, clue)
    decide(house, wang, clue)
    while (head := Head.objects.get()).seq < n:
        record_alone(house.act(li if head.seq % 2 else wang), "clue.opened", "clue", f"c{head.seq}", house.first, n=head.seq, 名="潘**")
    return list(entries())


def test_every_trial_is_found_with_a_checkpoint_and_not_every_one_without(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    log = write_log(house)
    assert len(log) == 300 and not list(flaws(log)) and verify() == []
    checkpoint = [(log[-1][0].seq, log[-1][1])]
    dice, missed, tried = random.Random(20261126), Counter[str](), Counter[str]()
    for trial in range(TRIALS):
        way = WAYS[trial % len(WAYS)]
        tampered = way(log, dice)
        assert tampered != log
        tried[way.__name__] += 1
        if next(flaws(tampered), None) is None:
            missed[way.__name__] += 1
            assert next(flaws(tampered, checkpoint), None) is not None, way.__name__
    assert tried.total() == TRIALS
    assert missed["truncate"] == tried["truncate"] and missed["rewrite"] == tried["rewrite"]  # a chain alone cannot see them
    with capsys.disabled():
        print(f"\n{TRIALS} trials: all found with a checkpoint; without one {missed.total()} not found: {dict(missed)}")


def test_the_database_refuses_to_change_or_delete_an_event(house: House) -> None:
    record_alone(SYSTEM, "login.failed", "user", "li")
    for act in (lambda: Event.objects.update(actor="other"), lambda: Event.objects.all().delete(), lambda: Event.objects.get(seq=1).delete()):
        with pytest.raises(DatabaseError, match="neither changed nor deleted"), transaction.atomic():
            act()
    assert Event.objects.get(seq=1).actor == "system" and verify() == []


def forced(sql: str, *values: Any) -> None:
    """What somebody with the whole database in their hands can do: switch the triggers off."""
    with connection.cursor() as cursor:
        for name in ("update", "delete"):
            cursor.execute(f"DROP TRIGGER IF EXISTS review_event_no_{name}")
        cursor.execute(sql, values)


needs_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="switches triggers off as SQLite does")


@needs_sqlite
def test_tampering_in_the_database_is_found(house: House) -> None:
    write_log(house, 40)
    made = make_checkpoint()
    assert made is not None and made.seq == 40 and verify() == []
    forced("UPDATE review_event SET actor = 'nobody' WHERE seq = %s", 7)
    assert verify() == [Flaw(7, "hash")]
    forced("DELETE FROM review_event WHERE seq > %s", 30)
    assert verify() == [Flaw(7, "hash"), Flaw(40, "cut off"), Flaw(40, "head")]


@needs_sqlite
def test_a_log_that_is_cut_off_and_goes_on_is_found(house: House) -> None:
    write_log(house, 40)
    make_checkpoint()
    forced("DELETE FROM review_event WHERE seq > %s", 30)
    last = Event.objects.get(seq=30)
    Head.objects.update(seq=30, hash=last.hash)
    assert verify() == [Flaw(40, "cut off")]
    for n in range(15):
        record_alone(SYSTEM, "clue.opened", "clue", str(n))
    assert verify() == [Flaw(40, "checkpoint")]
    make_checkpoint()
    assert Flaw(40, "checkpoint") in verify()


@needs_sqlite
def test_an_event_before_the_first_and_a_wrong_head_are_found(house: House) -> None:
    write_log(house, 10)
    forced("INSERT INTO review_event SELECT 0, at, actor, role, address, what, kind, object, unit, detail, hash FROM review_event WHERE seq = %s", 1)
    assert Flaw(0, "number") in verify()
    forced("DELETE FROM review_event WHERE seq = %s", 0)
    assert verify() == []
    Head.objects.update(hash="0" * 64)
    assert verify() == [Flaw(10, "head")]


def test_a_part_of_the_log_is_verified_from_a_checkpoint_on(house: House) -> None:
    write_log(house, 40)
    make_checkpoint()
    write_log_more(house, 60)
    assert verify(most=30) == [] and verify() == []
    if connection.vendor == "sqlite":
        forced("UPDATE review_event SET actor = 'nobody' WHERE seq = %s", 7)
        assert verify(most=30) == [] and verify() == [Flaw(7, "hash")]
        forced("UPDATE review_event SET actor = 'nobody' WHERE seq = %s", 41)
        assert verify(most=30) == [Flaw(41, "hash")]


def write_log_more(house: House, n: int) -> None:
    while Head.objects.get().seq < n:
        record_alone(SYSTEM, "clue.opened", "clue", "c", house.first)


def signed(folder: Path, n: int = 5) -> tuple[Path, Path]:
    file, key = folder / "checkpoints.jsonl", folder / "checkpoint.key"
    for k in range(1, n + 1):
        append(file, key, 10 * k, f"hash{k}", f"2026-11-26T0{k}:00:00+00:00")
    return file, key.with_suffix(".pub")


def flaws_after(folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> list[Flaw]:
    file, pinned = signed(folder)
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))
    return read_checkpoints(file, pinned).flaws


def test_lines_of_the_checkpoints_that_were_changed_moved_or_removed_are_found(tmp_path: Path) -> None:
    def changed(lines: list[bytes]) -> list[bytes]:
        return [*lines[:2], lines[2].replace(b'"hash3"', b'"hash9"'), *lines[3:]]

    assert flaws_after(tmp_path / "a", lambda lines: lines) == []
    assert flaws_after(tmp_path / "b", changed) == [Flaw(3, "line unsigned"), Flaw(4, "line moved")]
    assert flaws_after(tmp_path / "c", lambda lines: [*lines[:1], *lines[2:]]) == [Flaw(2, "line moved")]
    assert Flaw(3, "line backwards") in flaws_after(tmp_path / "d", lambda lines: [lines[0], lines[2], lines[1], *lines[3:]])
    assert flaws_after(tmp_path / "e", lambda lines: [*lines, b"{nothing\n"]) == [Flaw(6, "line unreadable")]
    assert flaws_after(tmp_path / "f", lambda lines: []) == [Flaw(0, "gone")]
    file, pinned = signed(tmp_path / "g")
    pinned.unlink()
    assert read_checkpoints(file, pinned).flaws == [Flaw(0, "key")]


def test_a_line_signed_with_another_key_does_not_count(tmp_path: Path) -> None:
    file, pinned = signed(tmp_path / "ours", 1)
    theirs, _ = signed(tmp_path / "theirs", 1)
    file.write_bytes(theirs.read_bytes())
    assert read_checkpoints(file, pinned).flaws == [Flaw(1, "line unsigned")]
    (tmp_path / "ours" / "checkpoint.key").write_bytes((tmp_path / "theirs" / "checkpoint.key").read_bytes())
    with pytest.raises(NotPermitted, match="JC7201"):
        append(file, tmp_path / "ours" / "checkpoint.key", 20, "x", "2026-11-26T00:00:00+00:00")


def test_a_line_that_the_machine_stopped_in_is_told_of_and_the_next_one_stands_alone(tmp_path: Path) -> None:
    file, pinned = signed(tmp_path, 2)
    with file.open("ab") as stream:
        stream.write(b'{"at":"2026')
    append(file, tmp_path / "checkpoint.key", 30, "hash3", "2026-11-26T03:00:00+00:00")
    found = read_checkpoints(file, pinned)
    assert [c.seq for c in found.checkpoints] == [10, 20, 30] and found.flaws == [Flaw(3, "line unreadable")]


def test_another_hash_for_the_same_event_is_found_and_the_first_counts(tmp_path: Path) -> None:
    file, pinned = signed(tmp_path, 2)
    append(file, tmp_path / "checkpoint.key", 20, "rewritten", "2026-11-26T03:00:00+00:00")
    found = read_checkpoints(file, pinned)
    assert found.flaws == [Flaw(20, "checkpoint")] and found.known()[20] == "hash2"


def test_a_published_run_makes_a_checkpoint_and_a_late_one_is_told_of(house: House, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        house.clues(2)
    newest = checkpoints.newest()
    assert newest is not None and newest.seq == Head.objects.get().seq and checkpoints.overdue() is None
    assert checkpoints.overdue(timezone.now() + timedelta(hours=30)) is None  # nothing happened since
    record_alone(SYSTEM, "login.failed", "user", "li")
    assert checkpoints.overdue(timezone.now() + timedelta(hours=1)) is None
    assert checkpoints.overdue(timezone.now() + timedelta(hours=3)) is not None
    make_checkpoint()
    assert checkpoints.overdue(timezone.now() + timedelta(hours=3)) is None


def rows() -> dict[str, Any]:
    """Every row of the workbench but the log itself; drafts, and how long a lease runs, are no acts."""
    found: dict[str, Any] = {}
    for model in apps.get_app_config("review").get_models():
        if model not in (Event, Head, Draft):
            for row in model.objects.values():
                left = {k: v for k, v in row.items() if k not in ("lease_until", "changed")}
                found[f"{model.__name__} {row[model._meta.pk.attname]}"] = json.dumps(left, default=str, sort_keys=True, ensure_ascii=False)
    return found


def test_no_handling_changes_a_row_without_an_event(house: House) -> None:
    clues = [c.pk for c in house.clues(9)]
    li, wang, zhou, mo = house.person("li", "R"), house.person("wang", "C"), house.person("zhou", "L"), house.person("mo", "M")
    mo2 = house.person("mo2", "M", unit=house.second)
    free = [c for c in clues if not handling.Clue.objects.get(pk=c).blind]

    def clue(n: int) -> Any:
        return handling.Clue.objects.get(pk=free[n])

    def act(user: User) -> Any:
        return house.act(user)

    told: dict[str, list[str]] = {}
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("claim", lambda: handling.claim(act(li), free[0])),
        ("claim_next", lambda: handling.claim_next(act(li))),
        ("renew", lambda: handling.renew(act(li), free[0])),
        ("say_of_reason", lambda: handling.say_of_reason(act(li), free[0], "no_penalty", "true")),
        ("keep_draft", lambda: handling.keep_draft(act(li), free[0], {"text": "x"})),
        ("snooze", lambda: handling.snooze(act(li), free[0], timezone.localdate() + timedelta(3), "等待材料")),
        ("wake", lambda: handling.wake(act(li), free[0])),
        ("unmask", lambda: handling.unmask(act(li), free[0], "核对身份")),
        ("reveal", lambda: handling.reveal(act(li), clue(0))),
        ("propose", lambda: propose(house, li, clue(0))),
        ("withdraw", lambda: handling.withdraw(act(li), free[0])),
        ("propose again", lambda: propose(house, li, clue(0))),
        ("return", lambda: decide(house, wang, clue(0), approved=False, text="请补充")),
        ("propose once more", lambda: propose(house, li, clue(0))),
        ("approve", lambda: decide(house, wang, clue(0))),
        ("reopen", lambda: handling.reopen(act(zhou), free[0], "发现新证据")),
        ("reassign", lambda: handling.reassign(act(wang), free[0], li.username)),
        ("release", lambda: handling.release(act(li), free[0])),
        ("claim for elsewhere", lambda: handling.claim(act(li), free[3])),
        ("propose elsewhere", lambda: propose(house, li, clue(3), Opinion("elsewhere", target_unit=house.second.code, text="发生在乙区，由该院管辖更为便利，故移送。"))),
        ("confirm_transfer", lambda: handling.confirm_transfer(act(mo), clue(3).transfers.get().pk)),
        ("answer_transfer", lambda: handling.answer_transfer(act(mo2), clue(3).transfers.get().pk, accepted=True, answer="")),
        ("transfer", lambda: handling.transfer(act(mo), free[4], house.second.code, "由乙区院办理")),
        ("claim for undo", lambda: handling.claim(act(li), free[5])),
        ("propose for undo", lambda: propose(house, li, clue(5), ACCEPTED)),
        ("undo", lambda: handling.undo(act(li), free[5])),
        ("bulk", lambda: handling.bulk(act(wang), free[6:8], "duplicate", {"linked": "XS2026-1"})),
        ("undo_bulk", lambda: handling.undo_bulk(act(wang), handling.Bulk.objects.get().pk)),
    ]
    for name, step in steps:
        before, seq = rows(), Head.objects.get().seq
        step()
        after = rows()
        changed = {k for k in after.keys() | before.keys() if after.get(k) != before.get(k)}
        told[name] = list(Event.objects.filter(seq__gt=seq).values_list("what", flat=True))
        assert told[name] or not changed, (name, changed)
    silent = {name for name, events in told.items() if not events}
    assert silent == {"renew", "keep_draft"}  # every ten seconds while somebody writes; neither is an act
    assert verify() == []
