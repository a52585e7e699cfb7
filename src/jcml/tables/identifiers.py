"""Official numberings: how a number is written the one right way, and whether its check digits hold.

An agency's number is the best join key there is, and it is the first thing that is mistyped: full-width digits, a
lower-case x, a fifteen-digit identity number from before 1999. `normalise` removes what people add when they write a
number down; it never mends a wrong one. `valid` says whether a normalised number can have been issued: form, date and
check digits. Whether it *was* issued only the register knows.

Sources: GB 32100-2015 (unified social credit code), GB 11714 (organisation code), ISO 7064 MOD 11,10 (business
registration number), GB 11643-1999 (resident identity number), GA 36-2018 (plates), ISO/IEC 7812-1 annex B (Luhn),
法〔2015〕137号 (case numbers).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

_HALF_WIDTH = {0x3000: " ", **{full: chr(full - 0xFEE0) for full in range(0xFF01, 0xFF5F)}}
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_PROVINCES = "京津沪渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
_COURTS = "京津沪渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川黔滇藏陕甘青宁新兵军"
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"

_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_ORG_CODE = re.compile(r"[0-9A-Z]{8}[0-9X]")
_BUSINESS_REG_NO = re.compile(r"[0-9]{15}")
_RESIDENT_ID = re.compile(r"[0-9]{6}(?:18|19|20)[0-9]{9}[0-9X]")
_OLD_RESIDENT_ID = re.compile(r"[0-9]{15}")
_CASE_NUMBER = re.compile(
    rf"（(?:19|20)[0-9]{{2}}）(?:最高法知?|[{_COURTS}][0-9]{{0,4}})[\u4e00-\u9fa5]{{1,5}}[0-9]{{1,7}}号"
    r"(?:之[一二三四五六七八九十0-9]{1,4})?"
)
_PLATE = re.compile(
    rf"[{_PROVINCES}][A-HJ-NP-Z](?:[A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9挂学警港澳]|[A-HJK][A-HJ-NP-Z0-9][0-9]{{4}}|[0-9]{{5}}[A-HJK])"
)
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_BANK_CARD = re.compile(r"[0-9]{12,19}")
_PROPERTY_UNIT = re.compile(r"[0-9]{12}[A-Z]{2}[0-9]{5}[A-Z][0-9]{8}")
_PENALTY_DOC_NO = re.compile(r".{1,20}?〔?20[0-9]{2}〕?第?[0-9]{1,6}号")
_TAX_GOODS_CODE = re.compile(r"[0-9]{19}")
_MED_ORG_CODE = re.compile(r"[HP][0-9]{11}")

_BRACKETED_YEAR = re.compile(r"[(\[〔【]([0-9]{4})[)\]〕】]")
_COUNTRY_PREFIX = re.compile(r"(?:\+|00)?86-?(?=1[0-9-]{10,14}$)")
_SEPARATORS = {ord(mark): None for mark in "-·•・."}
_MASKED_RUN = re.compile(r"[*＊]{2}")
_MASKED_NAME = re.compile(rf"(?=.{{2,4}}$)[{_HAN}·]*[*＊][{_HAN}·]*")
_PLACEHOLDERS = frozenset(
    ("无", "不详", "未知", "空", "无数据", "-", "--", "－", "—", "——", "/", "n/a", "null", "none")
)
_LONGEST_PLACEHOLDER = max(map(len, _PLACEHOLDERS))
_MOST_STARS = 16


@dataclass(frozen=True)
class Identifier:
    """One official numbering.

    Parameters
    ----------
    name : str
        How contracts call it.
    zh, en : str
        What people call it.
    standard : str
        The standard or rule that defines it.
    normalise : callable of str to str
        The number as it is stored and joined: half-width, without spaces, upper case, with the standard's own
        brackets. It never fails and never mends: what is no such number comes back as some other text.
    valid : callable of str to bool
        Whether a *normalised* number has the right form and check digits.

    Examples
    --------
    >>> resident = IDENTIFIERS["resident_id"]
    >>> resident.normalise(" １１０１０５19491231 002x")
    '11010519491231002X'
    >>> resident.valid("11010519491231002X"), resident.valid("110105194912310021")
    (True, False)
    """

    name: str
    zh: str
    en: str
    standard: str
    normalise: Callable[[str], str]
    valid: Callable[[str], bool]


def half_width(text: str) -> str:
    """Full-width letters, digits, punctuation and space as their half-width twins; all else as it is.

    >>> half_width("（１２３）Ａ，号")
    '(123)A,号'
    """
    return text if text.isascii() else text.translate(_HALF_WIDTH)


def compact(text: str) -> str:
    """Half-width, upper case, without any white space.

    >>> compact(" 91350100 ｍ000100y43 ")
    '91350100M000100Y43'
    """
    return "".join(half_width(text).split()).upper()


def masked(value: str) -> bool:
    """True when an agency hid part of the value on export, so that it can identify nobody.

    Two stars in a row anywhere, or one star in a Chinese name of at most four characters.

    >>> masked("1101**********1234"), masked("仲＊妮"), masked("王*"), masked("3*5"), masked("11010519491231002X")
    (True, True, True, False, False)
    """
    return _MASKED_RUN.search(value) is not None or _MASKED_NAME.fullmatch(value) is not None


def placeholder(value: str) -> bool:
    """True when the text says that there is nothing: 无, 不详, `--`, `NULL`, or six or more zeros and nothing else.

    >>> placeholder("不详"), placeholder("null"), placeholder("000000"), placeholder("0"), placeholder("无锡")
    (True, True, True, False, False)
    """
    if len(value) <= _LONGEST_PLACEHOLDER:
        return value.lower() in _PLACEHOLDERS
    return len(value) >= 6 and not value.strip("0")


def mask(value: str, kind: str = "") -> str:
    """The value with its middle hidden, for screens, logs and quarantine.

    A number too short for the rule of its kind follows the general one, so that a mistyped identity number is not
    shown whole. At most 16 stars are written, whatever the length.

    Parameters
    ----------
    value : str
        What to show.
    kind : str
        `name`, `resident_id`, `mobile` or `bank_card`; anything else follows the general rule: the first and last two
        characters of six or more, otherwise the first one.

    >>> mask("仲小妮", "name"), mask("仲妮", "name"), mask("11010519491231002X", "resident_id")
    ('仲*妮', '仲*', '110105********002X')
    >>> mask("18600001402", "mobile"), mask("6222021234567890128", "bank_card")
    ('186****1402', '***************0128')
    >>> mask("91350100M000100Y43"), mask("A1234"), mask("A")
    ('91**************43', 'A****', '*')
    """
    first, last = _shown(len(value), kind)
    stars = "*" * min(len(value) - first - last, _MOST_STARS)
    return value[:first] + stars + value[len(value) - last :]


def _shown(length: int, kind: str) -> tuple[int, int]:
    if kind == "name":
        return (1, 1) if length > 2 else (length // 2, 0)
    if kind == "resident_id" and length >= 15:
        return 6, 4
    if kind == "mobile" and length >= 11:
        return 3, 4
    if kind == "bank_card" and length >= 12:
        return 0, 4
    if length >= 6:
        return 2, 2
    return (1, 0) if length > 1 else (0, 0)


def _without_separators(text: str) -> str:
    return compact(text).translate(_SEPARATORS)


def _resident_id(text: str) -> str:
    number = compact(text)
    if not _OLD_RESIDENT_ID.fullmatch(number):
        return number
    number = f"{number[:6]}19{number[6:]}"
    return number + _resident_check(number)


def _mobile(text: str) -> str:
    return _COUNTRY_PREFIX.sub("", compact(text)).translate(_SEPARATORS)


def _case_number(text: str) -> str:
    return _BRACKETED_YEAR.sub(r"（\1）", compact(text))


def _penalty_doc_no(text: str) -> str:
    return _BRACKETED_YEAR.sub(r"〔\1〕", compact(text))


def _uscc_valid(value: str) -> bool:
    if not _USCC.fullmatch(value):
        return False
    total = sum(weight * _USCC_ALPHABET.index(sign) for weight, sign in zip(_USCC_WEIGHTS, value, strict=False))
    return value[17] == _USCC_ALPHABET[-total % 31]


def _org_code_valid(value: str) -> bool:
    if not _ORG_CODE.fullmatch(value):
        return False
    total = sum(weight * int(sign, 36) for weight, sign in zip(_ORG_WEIGHTS, value, strict=False))
    return value[8] == "0123456789X"[-total % 11]


def _business_reg_no_valid(value: str) -> bool:
    if not _BUSINESS_REG_NO.fullmatch(value):
        return False
    carried = 10
    for digit in value[:14]:
        carried = ((carried + int(digit)) % 10 or 10) * 2 % 11
    return (carried + int(value[14])) % 10 == 1


def _resident_check(number: str) -> str:
    total = sum(weight * int(digit) for weight, digit in zip(_RESIDENT_WEIGHTS, number, strict=False))
    return "10X98765432"[total % 11]


def _resident_id_valid(value: str) -> bool:
    if not _RESIDENT_ID.fullmatch(value) or value[17] != _resident_check(value):
        return False
    try:
        date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    return True


def _bank_card_valid(value: str) -> bool:
    if not _BANK_CARD.fullmatch(value):
        return False
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in value[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in value[::-2])) % 10 == 0


def _special_cert_valid(value: str) -> bool:
    return value.startswith("T") and _resident_id_valid(value[1:])


def _of_form(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


IDENTIFIERS: dict[str, Identifier] = {
    identifier.name: identifier
    for identifier in (
        Identifier("uscc", "统一社会信用代码", "unified social credit code", "GB 32100-2015", compact, _uscc_valid),
        Identifier("org_code", "组织机构代码", "organisation code", "GB 11714", _without_separators, _org_code_valid),
        Identifier(
            "business_reg_no", "工商注册号", "business registration number", "GS 15; ISO 7064 MOD 11,10",
            compact, _business_reg_no_valid,
        ),
        Identifier(
            "resident_id", "居民身份证号", "resident identity number", "GB 11643-1999", _resident_id, _resident_id_valid
        ),
        Identifier("case_number", "案号", "case number", "法〔2015〕137号", _case_number, _of_form(_CASE_NUMBER)),
        Identifier("plate", "机动车号牌", "number plate", "GA 36-2018", _without_separators, _of_form(_PLATE)),
        Identifier("mobile", "手机号码", "mobile number", "电信网编号计划", _mobile, _of_form(_MOBILE)),
        Identifier(
            "bank_card", "银行卡号", "bank card number", "GB/T 19584; ISO/IEC 7812-1",
            _without_separators, _bank_card_valid,
        ),
        Identifier(
            "special_cert", "特种作业操作证号", "special-operation certificate number", "ZWFW C0210-2021",
            compact, _special_cert_valid,
        ),
        Identifier(
            "property_unit", "不动产单元号", "real-estate unit number", "GB/T 37346-2019",
            compact, _of_form(_PROPERTY_UNIT),
        ),
        Identifier(
            "penalty_doc_no", "行政处罚决定书文号", "penalty decision number", "各机关文号规则",
            _penalty_doc_no, _of_form(_PENALTY_DOC_NO),
        ),
        Identifier(
            "tax_goods_code", "商品和服务税收分类编码", "tax classification code of goods", "商品和服务税收分类编码表",
            compact, _of_form(_TAX_GOODS_CODE),
        ),
        Identifier(
            "med_org_code", "定点医药机构编码", "medical institution code", "医保定点医疗机构编码规则",
            compact, _of_form(_MED_ORG_CODE),
        ),
    )
}  # fmt: skip
"""Every numbering a contract may name.

The ninth to seventeenth character of a credit code are an organisation code and as a rule pass its check too. Codes of
some registers do not, so this is no part of validity; ask for it separately:

>>> credit_code = "91350100M000100Y43"
>>> IDENTIFIERS["uscc"].valid(credit_code), IDENTIFIERS["org_code"].valid(credit_code[8:17])
(True, True)
>>> IDENTIFIERS["org_code"].valid(IDENTIFIERS["org_code"].normalise("D2143569-X"))
True
>>> IDENTIFIERS["business_reg_no"].valid("110108000000016")
True
>>> IDENTIFIERS["case_number"].normalise("(2017)京04民终367号")
'（2017）京04民终367号'
>>> IDENTIFIERS["bank_card"].valid(IDENTIFIERS["bank_card"].normalise("6222 0212 3456 7890 128"))
True
"""
