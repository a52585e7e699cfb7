"""Numbers and names for a city that does not exist: every check digit holds, and nobody is meant.

Region codes begin with 99, court codes with 99, plates with letters that the region never issued, phones with a prefix
that was not allotted, cards with an issuer number outside China; coordinates lie in open sea. So a synthetic number
cannot be a real one by chance, and still passes `jcml.tables.identifiers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from jcml.tables.identifiers import IDENTIFIERS

CITY = "示例市"


@dataclass(frozen=True)
class District:
    """A district of the example city: its code, its name, and where its middle lies (degrees).

    >>> DISTRICTS[0].name, DISTRICTS[0].code
    ('甲区', '990101')
    """

    code: str
    name: str
    latitude: float
    longitude: float


DISTRICTS: tuple[District, ...] = tuple(
    District(f"9901{number:02d}", name + "区", 35.40 + 0.12 * ((number - 1) // 3), 123.00 + 0.15 * ((number - 1) % 3))
    for number, name in enumerate("甲乙丙丁戊己庚辛", 1)
)
"""Eight fictional districts; a scenario may use fewer."""

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳鲍史唐"
_GIVEN = "安宁平和明远景行志成思齐若水子衿文博云帆晓晨静姝雨桐嘉树知夏书言清越怀瑾致柔清扬望舒承泽亦凡可欣立新建设春生秋实冬青夏至"
_FIRST = ("青杉", "云栖", "朗润", "禾木", "砚田", "澄江", "北麓", "南浦", "望岳", "临溪", "松涛", "竹影", "瑞禾", "晴川", "远帆", "长庚", "星河", "沐风", "映月", "听泉", "丰穗", "广益", "拾光", "恒岳")
_SECOND = ("达", "源", "通", "盛", "泰", "兴", "和", "顺", "隆", "嘉", "启", "信", "诚", "合", "汇", "茂")
_ROADS = ("朝霞路", "晚枫路", "长堤路", "石桥路", "南塘路", "北苑路", "东篱路", "西窗路", "环城一路", "环城二路", "国道辅路", "港前大道", "工农支路", "麦田路", "灯塔路", "渡口路")
_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_COURTS = "豫"


class Identities:
    """Draws identities from one random stream; no number is given out twice.

    Parameters
    ----------
    random : Random
        Where all draws come from.

    Examples
    --------
    >>> one, other = Identities(Random(7)), Identities(Random(7))
    >>> one.uscc() == other.uscc()
    True
    >>> one.uscc() == one.uscc()
    False
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self._given: set[tuple[str, str]] = set()

    def _new(self, kind: str, draw: str) -> bool:
        if (kind, draw) in self._given:
            return False
        self._given.add((kind, draw))
        return True

    def _digits(self, count: int) -> str:
        return "".join(self.random.choices("0123456789", k=count))

    def uscc(self, district: District = DISTRICTS[0]) -> str:
        """A unified social credit code of an enterprise (GB 32100-2015), the organisation code inside valid too."""
        while True:
            body = "".join(self.random.choices(_CREDIT, k=8))
            org = next(body + c for c in "0123456789X" if IDENTIFIERS["org_code"].valid(body + c))
            stem = f"91{district.code}{org}"
            number = next(stem + c for c in _CREDIT if IDENTIFIERS["uscc"].valid(stem + c))
            if self._new("uscc", number):
                return number

    def resident_id(self, born: date | None = None, district: District = DISTRICTS[0]) -> str:
        """A resident identity number (GB 11643-1999) of somebody born on a day, by default 20 to 65 years before 2025."""
        while True:
            day = born or date(1960, 1, 1) + timedelta(days=self.random.randrange(16_400))
            stem = f"{district.code}{day:%Y%m%d}{self._digits(3)}"
            number = next(stem + c for c in "0123456789X" if IDENTIFIERS["resident_id"].valid(stem + c))
            if self._new("resident_id", number):
                return number

    def mobile(self) -> str:
        """A mobile number with the prefix 154, which is not allotted."""
        while True:
            number = "154" + self._digits(8)
            if self._new("mobile", number):
                return number

    def plate(self, *, lorry: bool = False) -> str:
        """A number plate (GA 36-2018) with a letter that Ningxia does not issue; a lorry's new-energy plate has 8 signs."""
        while True:
            letter = self.random.choice("XYZ")
            tail = self._digits(5) + "D" if lorry else self.random.choice("ABCDEFGHJK") + self._digits(4)
            number = f"宁{letter}{tail}"
            if self._new("plate", number):
                return number

    def bank_card(self) -> str:
        """A card number that keeps Luhn's check digit, with an issuer number that no Chinese bank has."""
        while True:
            stem = "9999" + self._digits(14)
            number = next(stem + c for c in "0123456789" if IDENTIFIERS["bank_card"].valid(stem + c))
            if self._new("bank_card", number):
                return number

    def case_number(self, year: int, kind: str = "民初", court: int = 1) -> str:
        """A case number (法〔2015〕137号) of a court of the example city."""
        while True:
            number = f"（{year}）{_COURTS}99{court:02d}{kind}{self.random.randrange(1, 20_000)}号"
            if self._new("case_number", number):
                return number

    def penalty_no(self, year: int, agency: str = "市监") -> str:
        """The number of a penalty decision."""
        while True:
            number = f"示例{agency}处罚〔{year}〕{self.random.randrange(1, 100_000)}号"
            if self._new("penalty_no", number):
                return number

    def serial(self, prefix: str, digits: int = 8) -> str:
        """A number of an agency's own, such as an invoice or a waybill."""
        while True:
            number = prefix + self._digits(digits)
            if self._new("serial", number):
                return number

    def person_name(self) -> str:
        """A name of two or three characters; names may repeat, as they do."""
        return self.random.choice(_SURNAMES) + "".join(self.random.choices(_GIVEN, k=self.random.choice((1, 2, 2, 2))))

    def company(self, trade: str, ending: str = "有限公司") -> str:
        """A company name: example city, fanciful words, trade, legal form."""
        while True:
            fancy = self.random.choice(_FIRST) + self.random.choice(("", *_FIRST)) + self.random.choice(_SECOND)
            if self._new("company", fancy + trade):
                return CITY + fancy + trade + ending

    def address(self, district: District = DISTRICTS[0]) -> str:
        """A full address: city, district, road, door number."""
        return f"{CITY}{district.name}{self.random.choice(_ROADS)}{self.random.randrange(1, 999)}号"

    def place(self, district: District = DISTRICTS[0], spread: float = 0.05) -> tuple[float, float]:
        """(latitude, longitude) near the middle of a district, degrees with six places; in open sea."""
        return (
            round(self.random.gauss(district.latitude, spread), 6),
            round(self.random.gauss(district.longitude, spread), 6),
        )


def court(number: int = 1) -> str:
    """The name of a court of the example city; `case_number(court=number)` is its code.

    >>> court(2)
    '示例市乙区人民法院'
    """
    return f"{CITY}{DISTRICTS[number - 1].name}人民法院"


def procuratorate(number: int = 1) -> str:
    """The name of a procuratorate of the example city.

    >>> procuratorate(1)
    '示例市甲区人民检察院'
    """
    return f"{CITY}{DISTRICTS[number - 1].name}人民检察院"
