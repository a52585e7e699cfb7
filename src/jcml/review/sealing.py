"""Encrypting names at rest and signing checkpoints; the only door to `cryptography`."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jcml.errors import DataError

VERSION = b"\x01"  # AES-256-GCM, 96-bit random nonce


def key_of(path: Path) -> bytes:
    """32 random bytes, made once, readable by their owner alone.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "names.key"
    >>> key_of(path) == key_of(path)
    True
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(base64.b64encode(os.urandom(32)))
    return base64.b64decode(path.read_bytes())


def seal(names: Mapping[str, str], key: bytes, place: str) -> bytes:
    """Encrypt values so that they can be opened under the same key at the same place only (a clue and row, say).

    >>> key = bytes(32)
    >>> unseal(seal({"户名": "张三"}, key, "c1/loans/7"), key, "c1/loans/7")
    {'户名': '张三'}
    """
    nonce = os.urandom(12)
    return VERSION + nonce + AESGCM(key).encrypt(nonce, json.dumps(dict(names), ensure_ascii=False).encode(), place.encode())


def unseal(box: bytes, key: bytes, place: str) -> dict[str, str]:
    """What was sealed.

    Raises
    ------
    DataError
        JC7003, if the key is another one, the place is another one, or the box was changed.

    >>> unseal(seal({}, bytes(32), "a"), bytes(32), "b")
    Traceback (most recent call last):
    ...
    jcml.errors.DataError: ...
    """
    try:
        if box[:1] != VERSION:
            raise InvalidTag
        return dict(json.loads(AESGCM(key).decrypt(bytes(box[1:13]), bytes(box[13:]), place.encode())))
    except InvalidTag:
        raise DataError("JC7003", place=place) from None


def sign(message: bytes, key: bytes) -> str:
    """An Ed25519 signature in base 64.

    >>> verified(b"a", sign(b"a", bytes(32)), public_key(bytes(32)))
    True
    """
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(key).sign(message)).decode()


def public_key(key: bytes) -> str:
    """The key that anyone may verify with, in base 64.

    >>> len(public_key(bytes(32)))
    44
    """
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()).decode()


def verified(message: bytes, signature: str, public: str) -> bool:
    """Whether a signature is of this message and key.

    >>> verified(b"b", sign(b"a", bytes(32)), public_key(bytes(32)))
    False
    """
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public)).verify(base64.b64decode(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
