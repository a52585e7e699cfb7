"""The workbench under a hundred reviewers on 200,000 clues, beside a bare Django page on the same server in the same run.

    python -m benchmarks.review_load [--clues 200000] [--reviewers 100] [--seconds 120]

Each reviewer thinks ten seconds on average between pages: desk, queue, next clue, its page, a verdict. The bare page is Django
with nothing in it, served and asked in the same way just before. The clues are copies of one invented clue.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from statistics import quantiles
from types import ModuleType
from urllib.parse import urljoin

import requests

from benchmarks.figures import show

ROOT = Path(__file__).resolve().parents[1]
THINK = 10.0
PASSWORD = "correct horse battery"
BARE = """
import django
from django.conf import settings
settings.configure(SECRET_KEY="x", ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__)
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse("<h1>bare</h1>"))]
application = get_wsgi_application()
"""


def django_here(home: Path) -> ModuleType:
    """Django set up for a home."""
    os.environ |= {"JCML_REVIEW_HOME": str(home), "DJANGO_SETTINGS_MODULE": "jcml.review.settings"}
    sys.path.insert(0, str(ROOT / "tests"))
    import django

    django.setup()
    return django


def fill(home: Path, clues: int, reviewers: int) -> None:
    """An office with so many clues in one run, and people with one password."""
    django_here(home)
    from django.contrib.auth.hashers import make_password
    from django.core.management import call_command
    from django.db import transaction
    from django.utils import timezone
    from procuratorate import House

    from jcml.review.models import Clue, Link, Reason, User

    call_command("migrate", verbosity=0)
    house = House()
    hashed = make_password(PASSWORD)
    for n in range(reviewers):
        user = house.person(f"r{n}", "R")
        User.objects.filter(pk=user.pk).update(password=hashed, password_set=timezone.now())
    (first,) = house.clues(1)
    reasons, links = list(first.reasons.all()), list(first.links.all())
    made = 1
    while made < clues:
        size = min(5000, clues - made)
        batch = []
        for n in range(made, made + size):
            clue = Clue.objects.model(**{f.attname: getattr(first, f.attname) for f in Clue._meta.concrete_fields})
            clue.id, clue.number, clue.subject = f"load{n:08d}", f"XS2026-{n + 10:07d}", f"load{n}"
            clue.rank, clue.place, clue.band = n, n * 7919 % clues, ("high", "medium", "low")[n % 3]
            batch.append(clue)
        with transaction.atomic():
            Clue.objects.bulk_create(batch, 500)
            Reason.objects.bulk_create([Reason(clue_id=c.id, feature=r.feature, place=r.place, speaks_for=r.speaks_for, contribution=r.contribution) for c in batch for r in reasons], 2000)
            Link.objects.bulk_create([Link(clue_id=c.id, kind=k.kind, value=f"{c.id}-{k.value}", shown=k.shown, rows=k.rows) for c in batch for k in links], 2000)
        made += size


class Server:
    """gunicorn with two workers on a free port."""

    def __init__(self, application: str, folder: Path, environment: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        command = [sys.executable, "-m", "gunicorn", "-w", "2", "-k", "gthread", "--threads", "8", "-b", self.address[7:], "--no-control-socket", "--keep-alive", "30", application]
        self.process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)

    def __enter__(self) -> str:
        for _ in range(200):
            try:
                requests.get(self.address, timeout=5)
                return self.address
            except requests.ConnectionError:
                time.sleep(0.1)
        raise RuntimeError("the server does not answer")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


class Crowd:
    """Threads that ask pages until a time, and what each kind of page took."""

    def __init__(self, people: int, seconds: float) -> None:
        self.people, self.seconds = people, seconds
        self.taken: dict[str, list[float]] = defaultdict(list)
        self.errors: list[str] = []

    def run(self, person: object) -> Crowd:
        """Let everybody work at once; they arrive within twenty seconds."""
        threads = [threading.Thread(target=self._work, args=(n, person)) for n in range(self.people)]
        self.end = time.monotonic() + self.seconds
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self

    def _work(self, n: int, person: object) -> None:
        chance = random.Random(n)
        time.sleep(chance.random() * min(20.0, self.seconds / 4))
        try:
            for _ in person(self, n, requests.Session(), chance):  # type: ignore[operator]
                time.sleep(chance.expovariate(1 / THINK))
                if time.monotonic() > self.end:
                    return
        except Exception as error:
            self.errors.append(f"{type(error).__name__}: {error}")

    def ask(self, name: str, method: str, session: requests.Session, url: str, **more: object) -> requests.Response:
        """One request, timed; an answer of 400 or more is an error."""
        begun = time.perf_counter()
        answer = session.request(method, url, timeout=60, **more)  # type: ignore[arg-type]
        self.taken[name].append(time.perf_counter() - begun)
        if answer.status_code >= 400:
            said = re.findall(r"<strong>(.*?)</strong>", answer.text)[:1]
            self.errors.append(f"{name} {url}: {answer.status_code} {said}")
        return answer


def reviewer(address: str):  # type: ignore[no-untyped-def]
    """A person who works through the queue."""

    def work(crowd: Crowd, n: int, session: requests.Session, chance: random.Random):  # type: ignore[no-untyped-def]
        page = session.get(f"{address}/login", timeout=60)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]  # type: ignore[index]
        crowd.ask("log in", "POST", session, f"{address}/login", data={"username": f"r{n}", "password": PASSWORD, "csrfmiddlewaretoken": token})
        yield
        while True:
            desk = crowd.ask("desk", "GET", session, f"{address}/")
            yield
            crowd.ask("queue", "GET", session, f"{address}/queue", params={"band": chance.choice(["", "high", "low"]), "page": chance.randint(1, 50)})
            yield
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', desk.text)[1]  # type: ignore[index]
            taken = crowd.ask("claim next", "POST", session, f"{address}/next", data={"csrfmiddlewaretoken": token}, allow_redirects=False)
            clue = urljoin(address, taken.headers["Location"])
            page = crowd.ask("clue", "GET", session, clue)
            yield
            hidden = dict(re.findall(r'name="(csrfmiddlewaretoken|version|evidence_digest|idempotency_key)" value="([^"]+)"', page.text))
            said = {**hidden, "kind": "duplicate", "linked": "XS2026-0000001", "worth_checking": "no"}
            crowd.ask("verdict", "POST", session, f"{clue}/verdict", data=said, allow_redirects=False)
            yield

    return work


def bare(address: str):  # type: ignore[no-untyped-def]
    """A person who asks an empty page."""

    def work(crowd: Crowd, n: int, session: requests.Session, chance: random.Random):  # type: ignore[no-untyped-def]
        while True:
            crowd.ask("bare", "GET", session, address)
            yield

    return work


def middle_and_tail(seconds: list[float]) -> tuple[float, float]:
    """p50 and p95 in milliseconds."""
    cut = quantiles(seconds, n=20)
    return cut[9] * 1000, cut[18] * 1000


def main(clues: int, reviewers: int, seconds: float) -> int:
    """Measure and print; 1 when anything failed."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "benchmarks.review_load", "--fill", str(home), "--clues", str(clues), "--reviewers", str(reviewers)], check=True, cwd=ROOT)
        show("review: prepare the clues", time.perf_counter() - begun, "s", f"{clues:,} clues, SQLite")
        (home / "bare.py").write_text(BARE, encoding="utf-8")
        with Server("bare:application", home, {}) as address:
            nothing = Crowd(reviewers, min(20.0, seconds)).run(bare(address))
        base, base_tail = middle_and_tail(nothing.taken["bare"])
        show("review: bare Django page, p50", base, "ms", f"{reviewers} clients")
        show("review: bare Django page, p95", base_tail, "ms", f"{reviewers} clients")
        environment = {"JCML_REVIEW_HOME": str(home), "DJANGO_SETTINGS_MODULE": "jcml.review.settings"}
        with Server("django.core.wsgi:get_wsgi_application()", ROOT, environment) as address:
            found = Crowd(reviewers, seconds).run(reviewer(address))
    asked = sum(map(len, found.taken.values()))
    show("review: requests", asked / seconds, "per s", f"{reviewers} reviewers, {THINK:g} s of thought, {seconds:g} s")
    show("review: errors", len(found.errors) + len(nothing.errors), "", f"{asked} requests", limit=0)
    for name, limit in (("log in", None), ("desk", None), ("queue", 500), ("claim next", None), ("clue", 300), ("verdict", 500)):
        middle, tail = middle_and_tail(found.taken[name])
        show(f"review: {name}, p50", middle, "ms", f"bare page {base:.1f} ms: {middle / base:.1f} times")
        show(f"review: {name}, p95", tail, "ms", f"bare page {base_tail:.1f} ms: {tail / base_tail:.1f} times", limit=limit)
    for error in found.errors[:5]:
        print(error, file=sys.stderr)
    return 1 if found.errors else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--clues", type=int, default=200_000)
    parser.add_argument("--reviewers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--fill", type=Path)
    given = parser.parse_args()
    if given.fill:
        fill(given.fill, given.clues, given.reviewers)
    else:
        raise SystemExit(main(given.clues, given.reviewers, given.seconds))
