"""No page asks the database more often because there is more to show."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from procuratorate import House, propose

from jcml.review import handling
from jcml.review.models import User

MOST = {"/": 30, "/queue": 30, "clue": 45}


@pytest.mark.parametrize("page", MOST)
def test_the_number_of_queries_is_bounded(house: House, browse: Callable[[User], Client], page: str) -> None:
    def asked(n: int) -> int:
        clues = house.clues(n, model=f"model{n}")
        li, boss = house.person("li", "R"), house.person("boss", "C", "L")
        for clue in clues[:5]:
            handling.claim(house.act(li), clue.pk)
        propose(house, li, clues[0])
        client = browse(boss)
        address = f"/clues/{clues[0].pk}" if page == "clue" else page
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    few, many = asked(6), asked(40)
    assert many <= few + 1 and many <= MOST[page]
