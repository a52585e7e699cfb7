"""What a site says of itself in `review.toml`, in the workbench's home; unknown keys are errors.

Whatever the file does not say has a safe default. Nothing here knows Django.
"""

from __future__ import annotations

import os
import secrets
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from jcml.errors import ConfigurationError, Place, nearest

KEYS: dict[str, tuple[Any, str]] = {
    "name": ("检察监督线索工作台", "what stands at the head of every page"),
    "database": ("", "empty: SQLite in the home; or `postgresql://user:password@host/name`; `JCML_REVIEW_DATABASE` goes before"),
    "hosts": (["localhost", "127.0.0.1", "[::1]"], "the names under which browsers reach it"),
    "https": (False, "true behind a gateway that speaks TLS and sets `X-Forwarded-Proto`: secure cookies, redirects, HSTS"),
    "passwords": ("asvs", "`asvs`: twelve characters, nothing else; `dengbao`: also three kinds of characters, and a new one every 90 days"),
    "checkpoints": ("", "the file of signed checkpoints, best on another machine's share; empty: `checkpoints.jsonl` in the home"),
    "gateway_login": (False, "true when a gateway before the server proves who it is and sets `REMOTE_USER`"),
    "oidc": ({}, "log in through OpenID Connect; needs the extra `oidc`"),
    "ldap": ({}, "check passwords in a directory; needs the extra `ldap`"),
    "demo": (False, "true marks every page as a demonstration"),
    "small_cells": (5, "statistics withhold cells with fewer reviewed clues"),
}
TABLES: dict[str, dict[str, str]] = {
    "oidc": {
        "client_id": "as the directory knows the workbench", "client_secret": "shared with the directory", "authorization": "address where people log in",
        "token": "address of tokens", "user": "address of who it is; `preferred_username` names the person", "keys": "address of the signing keys (JWKS)",
        "algorithm": "of signatures; `RS256` when it is left out",
    },
    "ldap": {"server": "as `ldaps://directory.example`", "user_dn": "as `uid=%(user)s,ou=people,dc=example`"},
}


def read_site(path: Path) -> dict[str, Any]:
    """The site's own settings over the defaults; a file that is not there changes nothing.

    Raises
    ------
    ConfigurationError
        JC7001, if it is not TOML or holds an unknown key or a value of the wrong type.

    >>> read_site(Path("nowhere.toml"))["passwords"]
    'asvs'
    """
    defaults = {key: default for key, (default, _) in KEYS.items()}
    if not path.exists():
        return defaults
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError("JC7001", Place(path), problem=str(error)) from None
    for key, value in given.items():
        if key not in KEYS:
            raise ConfigurationError("JC7001", Place(path), problem=f"{key}? {nearest(key, KEYS)}")
        if type(value) is not type(defaults[key]):
            raise ConfigurationError("JC7001", Place(path), problem=f"{key}: {type(defaults[key]).__name__}")
    if given.get("passwords", "asvs") not in ("asvs", "dengbao"):
        raise ConfigurationError("JC7001", Place(path), problem="passwords: asvs, dengbao")
    for table, allowed in TABLES.items():
        for key in given.get(table, {}):
            if key not in allowed:
                raise ConfigurationError("JC7001", Place(path), problem=f"{table}.{key}? {nearest(key, allowed)}")
    return {**defaults, **given}


def database(url: str, home: Path) -> dict[str, Any]:
    """Django's description of a database address; empty means SQLite in the home.

    Raises
    ------
    ConfigurationError
        JC7002, if it is neither SQLite nor PostgreSQL.

    >>> database("postgresql://review:s@db/review", Path("."))["NAME"]
    'review'
    """
    parts = urlsplit(url or f"sqlite:///{home / 'review.db'}")
    if parts.scheme == "sqlite":
        pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000; PRAGMA foreign_keys=ON"
        return {
            "ENGINE": "django.db.backends.sqlite3", "NAME": parts.path, "CONN_MAX_AGE": None,
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": pragmas, "timeout": 20}, "TEST": {"NAME": None},
        }
    if parts.scheme in ("postgresql", "postgres"):
        more = dict(parse_qsl(parts.query))
        return {
            "ENGINE": "django.db.backends.postgresql", "NAME": parts.path.lstrip("/"), "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""), "HOST": parts.hostname or more.pop("host", ""), "PORT": str(parts.port or more.pop("port", "")),
            "CONN_MAX_AGE": 60, "OPTIONS": more,
        }
    raise ConfigurationError("JC7002", Place(home / "review.toml"), scheme=parts.scheme)


def secret(home: Path) -> str:
    """The key that signs sessions: made once, readable by its owner alone.

    >>> import tempfile
    >>> home = Path(tempfile.mkdtemp())
    >>> secret(home) == secret(home)
    True
    """
    path = home / "secret.key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii")
