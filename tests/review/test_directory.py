"""Logging in with a password that a directory knows: against a real slapd, where it and the extra `ldap` are installed."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SLAPD = shutil.which("slapd") or "/usr/sbin/slapd"
PASSWORD = "correct horse battery"
CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
database mdb
suffix "dc=example"
rootdn "cn=admin,dc=example"
rootpw secret
directory {folder}/db
"""
PEOPLE = "dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n\ndn: ou=people,dc=example\nobjectClass: organizationalUnit\nou: people\n"
PERSON = "\ndn: uid={uid},ou=people,dc=example\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\nuserPassword: " + PASSWORD + "\n"
TRY = """
import json, django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.test import Client
from procuratorate import House
from jcml.review.models import User
house = House(); house.person("li", "R")
gone = house.person("gone", "R"); gone.is_active = False; gone.save()
def inside(name, password):
    client = Client(HTTP_HOST="localhost")
    client.post("/login", {"username": name, "password": password})
    return client.get("/queue").status_code == 200
answers = [inside(*who) for who in json.loads(input())]
print(json.dumps([answers, sorted(User.objects.values_list("username", flat=True))]))
"""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[str]:
    """A directory that knows three people; its address."""
    if importlib.util.find_spec("django_auth_ldap") is None or not Path(SLAPD).exists():
        pytest.skip("needs the extra ldap and Debian's slapd and ldap-utils")
    (tmp_path / "db").mkdir()
    (tmp_path / "slapd.conf").write_text(CONFIGURATION.format(folder=tmp_path))
    (tmp_path / "people.ldif").write_text(PEOPLE + "".join(PERSON.format(uid=uid) for uid in ("li", "stranger", "gone")))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"ldap://127.0.0.1:{free.getsockname()[1]}"
    server = subprocess.Popen([SLAPD, "-d", "0", "-f", str(tmp_path / "slapd.conf"), "-h", f"{address}/"])
    add = ["ldapadd", "-x", "-H", address, "-D", "cn=admin,dc=example", "-w", "secret", "-f", str(tmp_path / "people.ldif")]
    for _ in range(50):
        if subprocess.run(add, capture_output=True, check=False).returncode == 0:
            break
        time.sleep(0.1)
    yield address
    server.terminate()
    server.wait()


def test_the_directory_proves_a_password_and_nobody_is_made(directory: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "review.toml").write_text(f'[ldap]\nserver = "{directory}"\nuser_dn = "uid=%(user)s,ou=people,dc=example"\n')
    environment = {
        **os.environ, "JCML_REVIEW_HOME": str(home), "JCML_REVIEW_DATABASE": "", "DJANGO_SETTINGS_MODULE": "jcml.review.settings",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)]),
    }
    people = [["li", "wrong"], ["li", PASSWORD], ["stranger", PASSWORD], ["gone", PASSWORD]]
    done = subprocess.run([sys.executable, "-c", TRY], input=json.dumps(people), env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [[False, True, False, False], ["gone", "li"]]
