"""The vendored files are the ones that their table names."""

from __future__ import annotations

import hashlib
import re

from conftest import ROOT

VENDOR = ROOT / "src" / "jcml" / "review" / "static" / "review" / "vendor"
LINE = re.compile(r"^\| `([^`]+)` \| .+ \| .+ \| `([0-9a-f]{64})` \|$", re.MULTILINE)


def test_every_vendored_script_is_named_with_its_digest() -> None:
    told = dict(LINE.findall((VENDOR / "README.md").read_text(encoding="utf-8")))
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.glob("*.js")}
    assert told == there


def test_every_vendored_script_has_its_licence_beside_it() -> None:
    for path in VENDOR.glob("*.js"):
        licence = VENDOR / f"{path.name.partition('.')[0]}.LICENSE"
        assert licence.stat().st_size > 200, path.name
