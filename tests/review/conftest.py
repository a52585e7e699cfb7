"""A small procuratorate in a database of its own, and clients that are logged in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from procuratorate import House

from jcml.review.models import User


@pytest.fixture
def house(db: None, settings: Any, tmp_path: Path) -> House:
    settings.HOME = tmp_path
    return House()


@pytest.fixture
def browse() -> Callable[[User], Client]:
    """A client that is logged in as somebody."""

    def make(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="jcml.review.sign_on.PasswordBackend")
        return client

    return make
