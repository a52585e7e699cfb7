"""A crowd at one workbench, as a process of its own: python crowd.py prepare|claim|approve|count … (see test_crowd.py)."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jcml.review.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from procuratorate import House, propose

from jcml.review import handling
from jcml.review.journal import Actor
from jcml.review.models import Approval, Clue, Event, Unit, User, Verdict
from jcml.review.refusal import Refusal


def everybody(begin: float, tasks: list[object]) -> list[object]:
    """Run all tasks at once, each in a thread with a connection of its own; what each gave or was refused with."""
    answers: list[object] = [None] * len(tasks)

    def one(at: int) -> None:
        time.sleep(max(0.0, begin - time.time()))
        try:
            answers[at] = tasks[at]()  # type: ignore[operator]
        except Refusal as refusal:
            answers[at] = refusal.status
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def prepare(people: int, clues: int, proposed: int) -> None:
    call_command("migrate", verbosity=0)
    house = House()
    for n in range(people):
        house.person(f"r{n}", "R")
    for n in range(10):
        house.person(f"c{n}", "C")
    made = house.clues(clues)
    proposer = house.person("proposer", "R")
    for clue in made[:proposed]:
        handling.claim(house.act(proposer), clue.pk)
        propose(house, proposer, clue)


def claim(begin: float, first: int, people: int, each: int) -> list[object]:
    def take(user: User) -> list[str]:
        got = [handling.claim_next(Actor(user)) for _ in range(each)]
        return [clue.pk for clue in got if clue]

    users = [User.objects.get(username=f"r{n}") for n in range(first, first + people)]
    return everybody(begin, [lambda user=user: take(user) for user in users])


def approve(begin: float, first: int, people: int) -> list[object]:
    clue = Clue.objects.get(state="proposed")

    def decide(n: int) -> str:
        handling.decide(
            Actor(User.objects.get(username=f"c{n % 10}")), clue.pk, approved=n % 2 == 0, text="同意或退回", version=clue.version, digest=clue.evidence_digest
        )
        return "decided"

    return everybody(begin, [lambda n=n: decide(n) for n in range(first, first + people)])


def count() -> dict[str, object]:
    from jcml.review.chain import flaws
    from jcml.review.journal import entries

    held = Clue.objects.filter(state="claimed").values_list("holder__username", flat=True)
    return {
        "held": dict(Counter(held)), "approvals": Approval.objects.count(), "standing": dict(Counter(Verdict.objects.values_list("standing", flat=True))),
        "claimed events": Event.objects.filter(what="clue.claimed").count(), "flaws": len(list(flaws(entries()))), "units": Unit.objects.count(), "vendor": connection.vendor,
    }


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    numbers = [float(g) if "." in g else int(g) for g in given]
    print(json.dumps({"prepare": prepare, "claim": claim, "approve": approve, "count": count}[what](*numbers)))
