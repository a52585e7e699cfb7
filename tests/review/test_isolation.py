"""What lies outside a person's scope changes nothing that the person sees: random unit trees, grants, clues and verdicts.

For every person of a random world every address is asked twice: before and after clues are added where the person may not
read, about the same subjects, with the same reasons, firms and rows. The answers must be equal, byte for byte but for
tokens and the clock; so no list, count, search, graph, export, print, statistic or error text can tell of them.
"""

from __future__ import annotations

import os
import re
from datetime import date
from io import BytesIO
from random import Random
from typing import Any
from zipfile import ZipFile

import pytest
from addresses import path_of, patterns
from django.db import transaction
from django.test import Client
from procuratorate import ACCEPTED, House, decide, given_clue, propose, run_facts

from jcml.review import handling, policy
from jcml.review.intake import take_in
from jcml.review.journal import SYSTEM
from jcml.review.models import Clue, Grant, Unit, User
from jcml.review.verdicts import Opinion

WORLDS = int(os.environ.get("JCML_WORLDS", "20"))
CANARY = "卡纳里"
ASKED_BY_POST = {"search": {"text": CANARY}, "queue-export": {"format": "csv"}}
SKIPPED = {"logout", "language", "password", "login", "metrics", "healthz", "readyz"}  # they show no clue
CHANGING = re.compile(
    rb'name="(csrfmiddlewaretoken|idempotency_key)" value="[^"]*"|"X-CSRFToken": "[^"]*"|\d\d\d\d-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?|\d\d:\d\d(:\d\d)?|data-lease="[^"]*"|\b[0-9a-fA-F]{8}\b'
)


class World(House):
    """A tree of units with people and clues in some of them."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.random = random
        self.units = [self.province, self.city, self.first, self.second]
        for n in range(random.randint(0, 4)):
            self.units.append(Unit.objects.create(code=f"98{n}", zh=f"院{n}", en=f"Unit {n}", parent=random.choice([None, *self.units])))
        self.people = [self.somebody(f"p{n}") for n in range(3)]
        self.made = 0
        for _ in range(3):
            self.add_run(random.choice(self.units))

    def somebody(self, name: str) -> User:
        user = self.person(name)
        for role in self.random.sample(["R", "C", "L", "M", "D"], self.random.randint(1, 2)):
            department = self.random.choice([None, None, "administrative", "civil_supervision"])
            Grant.objects.get_or_create(user=user, role=role, unit=self.random.choice(self.units), department_id=department)
        return user

    def add_run(self, unit: Unit, canary: str = "") -> None:
        """A run with two clues, one of them handled; subjects, firms and reasons are those of all other runs."""
        self.made += 1
        run, model = f"run{self.made}", self.random.choice(["reverse_penalty_link", "refined_oil_tax"])
        day = str(date(2025, 1, 1).replace(month=1 + self.made % 12, day=1 + self.made // 12))
        given = [given_clue(n, run, model, subject=f"subject{n}", person=f"p{n}", title=f"{canary}潘**", as_of=day) for n in range(2)]
        take_in(SYSTEM, unit, {**run_facts(run, 2, model), "as_of": day}, given)
        reader, checker = self.person(f"r-{unit.code}", "R", unit=unit), self.person(f"c-{unit.code}", "C", unit=unit)
        clue = Clue.objects.get(pk=given[0].id)
        handling.claim(self.act(reader), clue.pk)
        propose(self, reader, clue, self.random.choice([ACCEPTED, Opinion("duplicate", linked=f"{canary}XS1"), Opinion("unsure", missing=f"{canary}合同")]))
        if Clue.objects.get(pk=clue.pk).state == "proposed" and self.random.random() < 0.7:
            decide(self, checker, clue, approved=self.random.random() < 0.7, text=f"{canary}同意")

    def seen_by(self, user: User, foreign: str) -> dict[str, tuple[int, bytes]]:
        """Every answer that a person gets; what asking changes is undone."""
        client = Client()
        client.force_login(user, backend="jcml.review.sign_on.PasswordBackend")
        user.__dict__.pop("_grants", None)
        mine = list(policy.clues(user, "see").order_by("pk")[:2])
        answers: dict[str, tuple[int, bytes]] = {}
        for name, pattern in patterns():
            if name in SKIPPED:
                continue
            about = [*((c.pk, path_of(pattern, c)) for c in mine), ("", path_of(pattern, None).replace("nothing", foreign))] if "<" in pattern else [("", path_of(pattern, None))]
            for _, address in about:
                for method, form in (("get", {}), ("post", ASKED_BY_POST.get(name, {}))):
                    if method == "post" and name not in ASKED_BY_POST and name != "act":
                        continue
                    with transaction.atomic():
                        answer: Any = getattr(client, method)(address, form)
                        body = answer.getvalue() if answer.streaming else answer.content
                        transaction.set_rollback(True)
                    if body.startswith(b"PK"):  # Word and Excel: what is inside, without the times of the archive
                        with ZipFile(BytesIO(body)) as archive:
                            body = b"".join(archive.read(n) for n in sorted(archive.namelist()))
                    answers[f"{method} {address}".replace(foreign, "*")] = (answer.status_code, CHANGING.sub(b"", body.replace(foreign.encode(), b"*")))
                    assert answer.status_code < 500, address
        return answers


@pytest.mark.parametrize("seed", range(WORLDS))
def test_what_is_out_of_scope_changes_nothing(house: House, seed: int) -> None:
    for unit in Unit.objects.order_by("-pk"):
        unit.delete()
    world = World(Random(seed))
    for user in world.people:
        hidden = [u for u in world.units if not Unit.objects.filter(policy.units(user, "see"), pk=u.pk).exists()]
        user.__dict__.pop("_grants", None)
        if not hidden:
            continue
        before = world.seen_by(user, "nowhere")
        canary = f"{CANARY}{world.made}号"
        world.add_run(world.random.choice(hidden), canary)
        foreign = Clue.objects.filter(run_id=f"run{world.made}").first()
        assert foreign is not None
        after = world.seen_by(user, foreign.pk)
        told = {address: answer for address, answer in after.items() if canary.encode() in answer[1]}
        assert told == {}
        assert before.keys() == after.keys()
        assert [difference(a, before[a], after[a]) for a in after if before[a] != after[a]] == []


def difference(address: str, before: tuple[int, bytes], after: tuple[int, bytes]) -> tuple[str, int, int, str, str]:
    """Where two answers part."""
    at = next((n for n, (a, b) in enumerate(zip(before[1], after[1])) if a != b), min(len(before[1]), len(after[1])))
    place = slice(max(0, at - 60), at + 80)
    return address, before[0], after[0], before[1][place].decode(errors="replace"), after[1][place].decode(errors="replace")
