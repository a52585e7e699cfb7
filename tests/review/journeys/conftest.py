"""One workbench and one browser for all journeys; a procuratorate and readers for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import CHROMIUM, Office, Reader, Workbench, chromium


@pytest.fixture(scope="package")
def workbench(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Workbench]:
    """A server of its own with a database of its own."""
    made = Workbench(tmp_path_factory.mktemp("workbench"), django_db_blocker.unblock)
    yield made
    made.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM}: apt-get install chromium")
    with chromium() as found:
        yield found


@pytest.fixture
def office(browser: Any, workbench: Workbench) -> Office:
    return workbench.office()


@pytest.fixture
def sit(browser: Any, workbench: Workbench) -> Iterator[Callable[..., Reader]]:
    """`sit(user)` gives a reader who is logged in, `sit()` a stranger; what they must not cause is checked at the end."""
    readers: list[Reader] = []

    def begin(user: Any = None, **options: Any) -> Reader:
        reader = Reader(browser, workbench, **options)
        readers.append(reader)
        return reader.log_in(user) if user is not None else reader

    yield begin
    for reader in readers:
        reader.close()
