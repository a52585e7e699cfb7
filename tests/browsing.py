"""A workbench with its real server and a real browser before it: a process of gunicorn, a file of SQLite, Debian's Chromium.

Every journey has a procuratorate of its own in one database, as offices have in one workbench. The database is written by one
thread with a connection of its own, so that neither Playwright's event loop nor the database of other tests is in the way.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from procuratorate import PASSWORD, House

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]
SCREEN = {"width": 1366, "height": 768}
WATCH = """document.addEventListener('securitypolicyviolation', function (event) {
  console.error('securitypolicyviolation ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sourceFile + ':' + event.lineNumber);
});"""
T = TypeVar("T")
numbers = itertools.count(1)


class Office(House):
    """A procuratorate whose codes, names and runs occur once in the database."""

    def __init__(self) -> None:
        from jcml.review.models import Unit

        self.mark = n = next(numbers)
        self.province = Unit.objects.create(code=f"{n:03d}", zh="示例省院", en="Province")
        self.city = Unit.objects.create(code=f"{n:03d}01", zh="示例市院", en="City", parent=self.province)
        self.first = Unit.objects.create(code=f"{n:03d}0101", zh="甲区院", en="First district", parent=self.city)
        self.second = Unit.objects.create(code=f"{n:03d}0102", zh="乙区院", en="Second district", parent=self.city)
        self.runs = itertools.count(1)

    def person(self, name: str, *roles: str, **where: Any) -> Any:
        """Somebody who is known by a short name here, and can log in."""
        user = super().person(f"{name}{self.mark}", *roles, **where)
        if user.name.startswith(user.username):
            user.name = f"{name}检察官"
            user.save(update_fields=["name"])
        return user

    def clues(self, n: int = 3, unit: Any = None, **of_clue: Any) -> list[Any]:
        """Clues of a run whose name occurs once, none of them in a blind sample."""
        made = super().clues(n, unit, **{"run": f"o{self.mark}r{next(self.runs)}", **of_clue})
        for clue in made:
            clue.blind = False
            clue.save(update_fields=["blind"])
        return made


class Workbench:
    """The server and its database. `unblock` opens the database where a test runner keeps it shut."""

    def __init__(self, folder: Path, unblock: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        self.home = folder
        self.home.mkdir(parents=True, exist_ok=True)
        self.unblock = unblock
        self.writer = ThreadPoolExecutor(1, "database")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.writer.submit(self._connect).result()
        self.do(lambda: __import__("django.core.management", fromlist=["call_command"]).call_command("migrate", verbosity=0))
        self.log = (self.home / "server.log").open("w", encoding="utf-8")
        self.server = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn", "jcml.review.wsgi:application", "--bind", f"127.0.0.1:{self.port}", "--workers", "1",
                "--worker-class", "gthread", "--threads", "4", "--no-control-socket", "--log-level", "warning",
            ],
            env={**os.environ, "JCML_REVIEW_HOME": str(self.home), "JCML_REVIEW_DATABASE": "", "DJANGO_SETTINGS_MODULE": "jcml.review.settings"},
            stdout=self.log, stderr=self.log, start_new_session=True,
        )
        self._wait()

    def _connect(self) -> None:
        from django.db import connections
        from django.db.utils import load_backend

        from jcml.review.site import database

        there = dict(database("", self.home))
        there = connections.configure_settings({"default": there})["default"]
        connections["default"] = load_backend(there["ENGINE"]).DatabaseWrapper(there, "default")

    def _wait(self) -> None:
        for _ in range(200):
            if self.server.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{self.address}/login", timeout=5)
                return
            except urllib.error.URLError:
                time.sleep(0.1)
        raise RuntimeError((self.home / "server.log").read_text(encoding="utf-8"))

    def do(self, what: Callable[..., T], *arguments: Any) -> T:
        """Do something to the database, with the home and the key of the server."""
        from django.conf import settings
        from django.test.utils import override_settings

        from jcml.review.site import secret

        def done() -> T:
            with self.unblock(), override_settings(HOME=self.home, SECRET_KEY=secret(self.home)):
                return what(*arguments)

        assert settings.configured
        return self.writer.submit(done).result()

    def office(self) -> Office:
        """A new procuratorate."""
        return self.do(Office)

    def session(self, user: Any) -> str:
        """The cookie of somebody who is logged in."""
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
        from django.contrib.sessions.backends.db import SessionStore

        def begin() -> str:
            store = SessionStore()
            store.update({SESSION_KEY: str(user.pk), BACKEND_SESSION_KEY: "jcml.review.sign_on.PasswordBackend", HASH_SESSION_KEY: user.get_session_auth_hash()})
            store.save()
            return str(store.session_key)

        return self.do(begin)

    def with_password(self, user: Any, password: str = PASSWORD) -> Any:
        """The same person with a password."""
        from django.utils import timezone

        def give() -> None:
            user.set_password(password)
            user.password_set = timezone.now()
            user.save()

        self.do(give)
        return user

    def stop(self) -> None:
        """End the server and the connection."""
        self.server.send_signal(signal.SIGTERM)
        try:
            self.server.wait(10)
        except subprocess.TimeoutExpired:
            self.server.kill()
        self.log.close()
        self.do(lambda: __import__("django.db", fromlist=["connections"]).connections["default"].close())
        self.writer.shutdown()


class Reader:
    """Somebody before a browser. What they see is on `page`; what should not happen is noted."""

    def __init__(self, browser: Any, workbench: Workbench, language: str = "zh-hans", scripts: tuple[str, ...] = (), **of_context: Any) -> None:
        self.workbench = workbench
        self.elsewhere: list[str] = []
        self.violations: list[str] = []
        self.errors: list[str] = []
        self.context = browser.new_context(viewport=SCREEN, locale="en-US" if language == "en" else "zh-CN", timezone_id="Asia/Shanghai", **of_context)
        self.context.add_init_script(WATCH)
        for script in scripts:
            self.context.add_init_script(script)
        self.context.route("**/*", self._pass)
        self.page = self.context.new_page()
        self.page.on("console", lambda said: self._console(said.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.set_default_timeout(15_000)

    def _pass(self, route: Any) -> None:
        where = urlsplit(route.request.url)
        if where.scheme in ("data", "blob") or where.netloc == f"127.0.0.1:{self.workbench.port}":
            route.continue_()
        else:
            self.elsewhere.append(route.request.url)
            route.abort()

    def _console(self, text: str) -> None:
        if "securitypolicyviolation" in text or "Content Security Policy" in text:
            self.violations.append(text)

    def log_in(self, user: Any) -> Reader:
        """Somebody who has logged in already."""
        self.context.add_cookies([{"name": "sessionid", "value": self.workbench.session(user), "url": self.workbench.address}])
        return self

    def go(self, path: str) -> Reader:
        """Open a page by its address."""
        self.status = self.page.goto(self.workbench.address + path).status
        self.ready()
        return self

    def ready(self) -> None:
        """Wait until keys work."""
        self.page.wait_for_selector("html.ready")

    def press(self, *keys: str) -> Reader:
        """Press keys that change this page and load no other one."""
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def leave(self, *keys: str) -> Reader:
        """Press keys, the last of which loads a page."""
        self.press(*keys[:-1])
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            self.page.keyboard.press(keys[-1])
        self.ready()
        return self

    def type(self, text: str) -> Reader:
        """Type into what has the focus; Chinese arrives as from an input method."""
        self.page.keyboard.insert_text(text)
        return self

    def tab_to(self, selector: str, most: int = 120) -> Reader:
        """Reach something by Tab alone."""
        for _ in range(most):
            if self.page.evaluate("s => document.activeElement && document.activeElement.matches(s)", selector):
                return self
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} cannot be reached by Tab")

    def fill(self, selector: str, text: str) -> Reader:
        """Reach a field and type into it."""
        return self.tab_to(selector).type(text)

    def choose(self, selector: str, value: str) -> Reader:
        """Reach a list and take one of its values with the arrow keys."""
        self.tab_to(selector).press("Home")
        for _ in range(self.page.eval_on_selector(selector, "field => field.options.length")):
            if self.page.input_value(selector) == value:
                return self
            self.press("ArrowDown")
        raise AssertionError(f"{selector} has no {value}")

    def date(self, selector: str, day: date) -> Reader:
        """Reach a date field and type a day, in whichever order the browser asks for it."""
        self.tab_to(selector)
        year, month, of_month = f"{day.year:04d}", f"{day.month:02d}", f"{day.day:02d}"
        for order in ((year, month, of_month), (month, of_month, year), (of_month, month, year)):
            for part in order:
                self.page.keyboard.type(part)
                if part == year:
                    self.press("ArrowRight")
            if self.page.input_value(selector) == day.isoformat():
                return self
            self.press("ArrowLeft", "ArrowLeft", "ArrowLeft", "Delete", "ArrowRight", "Delete", "ArrowRight", "Delete", "ArrowLeft", "ArrowLeft")
        raise AssertionError(f"{selector} takes no {day}")

    @property
    def text(self) -> str:
        """What the page says."""
        return str(self.page.inner_text("body"))

    @property
    def path(self) -> str:
        """Where one is."""
        return urlsplit(self.page.url).path

    def close(self) -> None:
        """Leave; nothing asked another host, broke the content policy, or failed in a script."""
        self.context.close()
        assert (self.elsewhere, self.violations, self.errors) == ([], [], [])


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser of Debian."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
