"""Logging in through a directory with OpenID Connect: the whole flow against a provider of the test's own, over HTTP."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PREPARE = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from procuratorate import House
house = House(); house.person("li", "R"); house.clues(1)
gone = house.person("gone", "R"); gone.is_active = False; gone.save()
"""
EVENTS = """
import django; django.setup()
from jcml.review.models import Event
print(list(Event.objects.filter(what="login.succeeded").values_list("actor", flat=True)))
"""


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Provider(BaseHTTPRequestHandler):
    """A directory that knows one person at a time, and signs what it says."""

    who = "li"
    nonces: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        parts, asked = urlsplit(self.path), {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        if parts.path == "/authorize":
            Provider.nonces["code"] = asked["nonce"]
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{urlencode({'code': 'code', 'state': asked['state']})}")
            self.end_headers()
        elif parts.path == "/keys":
            numbers = KEY.public_key().public_numbers()
            key = {"kty": "RSA", "kid": "k1", "alg": "RS256", "use": "sig", "n": b64(numbers.n.to_bytes(256, "big")), "e": b64(numbers.e.to_bytes(3, "big"))}
            self.say({"keys": [key]})
        else:
            self.say({"sub": "1", "preferred_username": Provider.who})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        head, body = {"alg": "RS256", "kid": "k1"}, {"sub": "1", "aud": "jcml", "nonce": Provider.nonces["code"], "exp": time.time() + 60, "iat": time.time()}
        signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(body).encode())}"
        token = f"{signed}.{b64(KEY.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
        self.say({"access_token": "a", "id_token": token, "token_type": "Bearer"})

    def say(self, content: object) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A workbench that sends people to the provider, and the environment of its processes."""
    directory = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=directory.serve_forever, daemon=True).start()
    there = f"http://127.0.0.1:{directory.server_port}"
    (tmp_path / "review.toml").write_text(
        f'[oidc]\nclient_id = "jcml"\nclient_secret = "s"\nauthorization = "{there}/authorize"\ntoken = "{there}/token"\nuser = "{there}/user"\nkeys = "{there}/keys"\n'
    )
    environment = {
        **os.environ, "JCML_REVIEW_HOME": str(tmp_path), "JCML_REVIEW_DATABASE": "", "DJANGO_SETTINGS_MODULE": "jcml.review.settings",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    subprocess.run([sys.executable, "-c", PREPARE], env=environment, check=True)
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--no-control-socket", "-b", "127.0.0.1:0", "django.core.wsgi:get_wsgi_application()"], env=environment,
        stderr=subprocess.PIPE, text=True,
    )
    address = ""
    for line in server.stderr or ():
        if "Listening at" in line:
            address = line.split("Listening at: ")[1].split(" ")[0].strip()
            break
    yield address, environment
    server.terminate()
    server.wait()
    directory.shutdown()


def test_the_directory_says_who_it_is_and_grants_stay_here(site: tuple[str, dict[str, str]]) -> None:
    address, environment = site
    for who, inside in (("li", True), ("stranger", False), ("gone", False)):
        Provider.who = who
        session = requests.Session()
        assert "/oidc/authenticate/" in session.get(f"{address}/login", timeout=30).text
        page = session.get(f"{address}/oidc/authenticate/", timeout=30)
        assert ("li检察官" in page.text) is inside and page.url.endswith("/" if inside else "/login")
        assert (session.get(f"{address}/queue", timeout=30, allow_redirects=False).status_code == 200) is inside
    told = subprocess.run([sys.executable, "-c", EVENTS], env=environment, check=True, capture_output=True, text=True).stdout
    assert told.strip() == "['li']"
