"""A short signature of a text by which near-duplicates are found.

SimHash of character trigrams in 60 bits (Charikar, STOC 2002): texts that differ in a few places have signatures
that differ in a few bits, and with at most 3 different bits one of four 15-bit bands is equal (Manku, Jain and
Das Sarma, WWW 2007), so candidates are found by an ordinary join. Digits count as one sign, because a template
keeps its words and changes its numbers.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

BITS = 60
_NOISE = re.compile(r"[\s\W_]+")
_DIGITS = re.compile(r"\d+")


def signature(text: str) -> int | None:
    """The 60-bit signature of a text; None when nothing is left of it.

    >>> signature("原告与被告双方确认借款事实无异议，金额3万元。") == signature("原告与被告双方确认借款事实无异议,金额 5 万元")
    True
    >>> signature("……") is None
    True
    """
    cleaned = _DIGITS.sub("0", _NOISE.sub("", text))
    if not cleaned:
        return None
    grams = [cleaned[i : i + 3] for i in range(max(1, len(cleaned) - 2))]
    totals = [0] * 3
    half = len(grams)
    # three 20-bit thirds are counted side by side in wide integers, one 16-bit lane per bit
    for gram in grams:
        for third, lanes in enumerate(_lanes(gram)):
            totals[third] += lanes
    made = 0
    for third, total in enumerate(totals):
        for bit in range(20):
            if 2 * ((total >> (24 * bit)) & 0xFFFFFF) > half:
                made |= 1 << (20 * third + bit)
    return made


@lru_cache(maxsize=100_000)
def _lanes(gram: str) -> tuple[int, int, int]:
    raw = gram.encode()
    mixed = (zlib.crc32(raw) << 32) | zlib.crc32(raw[::-1], 0x9E3779B9)
    thirds = []
    for third in range(3):
        bits = (mixed >> (20 * third)) & 0xFFFFF
        thirds.append(sum(1 << (24 * b) for b in range(20) if bits >> b & 1))
    return thirds[0], thirds[1], thirds[2]
