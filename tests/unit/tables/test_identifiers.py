"""Official numberings: the examples of the standards, and what their check digits must catch."""

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jcml.tables import identifiers
from jcml.tables.identifiers import IDENTIFIERS, compact, mask, masked, placeholder

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
unhurried = settings(deadline=None)

WORKED = [  # kind, as written, normalised, valid
    ("uscc", "91350100M000100Y43", "91350100M000100Y43", True),
    ("uscc", "９１350100m000100y43 ", "91350100M000100Y43", True),
    ("uscc", "91350100M000100Y44", "91350100M000100Y44", False),
    ("uscc", "91350100I000100Y43", "91350100I000100Y43", False),
    ("uscc", "91350100M000100Y4", "91350100M000100Y4", False),
    ("org_code", "D2143569-X", "D2143569X", True),
    ("org_code", "d2143569x", "D2143569X", True),
    ("org_code", "M000100Y4", "M000100Y4", True),
    ("org_code", "D2143569-1", "D21435691", False),
    ("business_reg_no", "110108000000016", "110108000000016", True),
    ("business_reg_no", "110108000000017", "110108000000017", False),
    ("business_reg_no", "11010800000001", "11010800000001", False),
    ("resident_id", "11010519491231002X", "11010519491231002X", True),
    ("resident_id", "440524188001010014", "440524188001010014", True),
    ("resident_id", " 110105 19491231 002x", "11010519491231002X", True),
    ("resident_id", "１１０１０５１９４９１２３１００２ｘ", "11010519491231002X", True),
    ("resident_id", "110105491231002", "11010519491231002X", True),
    ("resident_id", "110105194912310021", "110105194912310021", False),
    ("resident_id", "1101051949123100", "1101051949123100", False),
    ("case_number", "(2017)京04民终367号", "（2017）京04民终367号", True),
    ("case_number", "（2024）浙0602民初1234号", "（2024）浙0602民初1234号", True),
    ("case_number", "〔2023〕豫0581执恢45号之一", "（2023）豫0581执恢45号之一", True),
    ("case_number", " [2022] 最高法民再 12 号", "（2022）最高法民再12号", True),
    ("case_number", "（２０２４）粤０１刑初１号", "（2024）粤01刑初1号", True),
    ("case_number", "2024浙0602民初1234号", "2024浙0602民初1234号", False),
    ("case_number", "（2024）浙0602民初号", "（2024）浙0602民初号", False),
    ("plate", "浙D·12345", "浙D12345", True),
    ("plate", "浙d-a1b2c", "浙DA1B2C", True),
    ("plate", "浙D1234挂", "浙D1234挂", True),
    ("plate", "浙DD12345", "浙DD12345", True),
    ("plate", "浙D12345F", "浙D12345F", True),
    ("plate", "浙DI2345", "浙DI2345", False),
    ("plate", "浙D123456", "浙D123456", False),
    ("mobile", "186 0000 1402", "18600001402", True),
    ("mobile", "+86 186-0000-1402", "18600001402", True),
    ("mobile", "0086-18600001402", "18600001402", True),
    ("mobile", "8618600001402", "18600001402", True),
    ("mobile", "12600001402", "12600001402", False),
    ("mobile", "0575-88001234", "057588001234", False),
    ("bank_card", "6222 0212 3456 7890 128", "6222021234567890128", True),
    ("bank_card", "6222021234567890129", "6222021234567890129", False),
    ("bank_card", "62220212345", "62220212345", False),
    ("special_cert", "t11010519491231002x", "T11010519491231002X", True),
    ("special_cert", "T110105194912310021", "T110105194912310021", False),
    ("special_cert", "11010519491231002X", "11010519491231002X", False),
    ("property_unit", "330602 001001 GB00001 F00010001", "330602001001GB00001F00010001", True),
    ("property_unit", "330602001001GB00001F0001000", "330602001001GB00001F0001000", False),
    ("penalty_doc_no", "某市监处罚[2023]12号", "某市监处罚〔2023〕12号", True),
    ("penalty_doc_no", "某市监处罚（２０２３）第 12 号", "某市监处罚〔2023〕第12号", True),
    ("penalty_doc_no", "某(越)应急罚〔2023〕12号", "某(越)应急罚〔2023〕12号", True),
    ("penalty_doc_no", "某市监处罚〔2023〕号", "某市监处罚〔2023〕号", False),
    ("tax_goods_code", "1070101010000000000", "1070101010000000000", True),
    ("tax_goods_code", "107010101", "107010101", False),
    ("med_org_code", "h33060200123", "H33060200123", True),
    ("med_org_code", "P33060200123", "P33060200123", True),
    ("med_org_code", "D33060200123", "D33060200123", False),
]


@pytest.mark.parametrize(("kind", "written", "normalised", "valid"), WORKED)
def test_worked_examples(kind, written, normalised, valid):
    identifier = IDENTIFIERS[kind]
    assert identifier.normalise(written) == normalised
    assert identifier.valid(normalised) is valid


def test_every_numbering_has_an_example_that_is_valid_and_one_that_is_not():
    seen = {(kind, valid) for kind, _, _, valid in WORKED}
    assert seen == {(kind, valid) for kind in IDENTIFIERS for valid in (True, False)}


def test_every_numbering_says_what_it_is_in_both_languages():
    for name, identifier in IDENTIFIERS.items():
        assert identifier.name == name
        assert re.search("[\u4e00-\u9fff]", identifier.zh)
        assert identifier.en.isascii()
        assert identifier.standard


def test_an_impossible_birth_date_makes_an_identity_number_invalid_even_with_the_right_check_digit():
    number = "11010519490231002"
    assert not any(IDENTIFIERS["resident_id"].valid(number + check) for check in "0123456789X")


def test_a_credit_code_stays_valid_when_the_organisation_code_in_it_is_not():
    body = "91350100M000100Y5"
    code = next(body + check for check in USCC_ALPHABET if IDENTIFIERS["uscc"].valid(body + check))
    assert not IDENTIFIERS["org_code"].valid(code[8:17])


def changed_in_one_place(number, alphabet):
    for place, sign in enumerate(number):
        yield from (number[:place] + other + number[place + 1 :] for other in alphabet if other != sign)


@unhurried
@given(
    st.text(USCC_ALPHABET, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(USCC_ALPHABET, min_size=9, max_size=9),
)
def test_a_credit_code_has_one_check_digit_and_notices_every_single_change(kind, region, body):
    valid = IDENTIFIERS["uscc"].valid
    found = [code for check in USCC_ALPHABET if valid(code := kind + region + body + check)]
    assert len(found) == 1
    assert not any(map(valid, changed_in_one_place(found[0], USCC_ALPHABET)))


@unhurried
@given(
    st.text("0123456789", min_size=6, max_size=6),
    st.dates(date(1800, 1, 1), date(2099, 12, 31)),
    st.text("0123456789", min_size=3, max_size=3),
)
def test_an_identity_number_has_one_check_digit_and_notices_every_single_change(region, born, serial):
    valid = IDENTIFIERS["resident_id"].valid
    found = [number for check in "0123456789X" if valid(number := f"{region}{born:%Y%m%d}{serial}{check}")]
    assert len(found) == 1
    assert not any(map(valid, changed_in_one_place(found[0], "0123456789X")))


@unhurried
@given(
    st.text("0123456789", min_size=6, max_size=6),
    st.dates(date(1900, 1, 1), date(1999, 12, 31)),
    st.text("0123456789", min_size=3, max_size=3),
)
def test_a_fifteen_digit_identity_number_becomes_the_eighteen_digit_one(region, born, serial):
    resident = IDENTIFIERS["resident_id"]
    number = resident.normalise(f"{region}{born:%y%m%d}{serial}")
    assert number[:17] == f"{region}{born:%Y%m%d}{serial}"
    assert resident.valid(number)


@unhurried
@given(st.text("0123456789", min_size=14, max_size=14))
def test_a_registration_number_has_one_check_digit_and_notices_every_single_change(body):
    valid = IDENTIFIERS["business_reg_no"].valid
    found = [number for check in "0123456789" if valid(number := body + check)]
    assert len(found) == 1
    assert not any(map(valid, changed_in_one_place(found[0], "0123456789")))


@unhurried
@given(st.text("0123456789", min_size=11, max_size=18))
def test_a_card_number_has_one_check_digit_and_notices_every_single_change(body):
    valid = IDENTIFIERS["bank_card"].valid
    found = [number for check in "0123456789" if valid(number := body + check)]
    assert len(found) == 1
    assert not any(map(valid, changed_in_one_place(found[0], "0123456789")))


@unhurried
@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=8, max_size=8))
def test_an_organisation_code_has_one_check_digit(body):
    assert sum(IDENTIFIERS["org_code"].valid(body + check) for check in "0123456789X") == 1


@unhurried
@given(st.text(st.one_of(st.characters(), st.sampled_from("0123456789Xx（〔[2024号 *－")), max_size=24))
def test_normalising_twice_changes_nothing_more_and_nothing_ever_fails(text):
    for identifier in IDENTIFIERS.values():
        once = identifier.normalise(text)
        assert identifier.normalise(once) == once
        assert identifier.valid(once) in (True, False)


@pytest.mark.parametrize(
    "value", ["1101**********1234", "仲**", "张*", "张＊", "仲*妮", "*小妮", "欧阳*妮", "**", "6222****", "阿·*"]
)
def test_values_masked_by_an_agency_are_recognised(value):
    assert masked(value)


@pytest.mark.parametrize("value", ["", "*", "仲小妮", "3*5", "A*ST", "规格*型号甲", "11010519491231002X"])
def test_other_values_do_not_count_as_masked(value):
    assert not masked(value)


@pytest.mark.parametrize(
    "value",
    ["无", "不详", "未知", "空", "-", "--", "/", "N/A", "n/a", "NULL", "null", "None", "无数据", "000000", "0" * 18],
)
def test_words_for_nothing_are_placeholders(value):
    assert placeholder(value)


@pytest.mark.parametrize("value", ["", "0", "00000", "0000001", "无锡", "空调", "Nullarbor", "---"])
def test_other_words_are_no_placeholders(value):
    assert not placeholder(value)


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        ("仲小妮", "name", "仲*妮"),
        ("仲妮", "name", "仲*"),
        ("仲", "name", "*"),
        ("欧阳小妮", "name", "欧**妮"),
        ("11010519491231002X", "resident_id", "110105********002X"),
        ("110105491231002", "resident_id", "110105*****1002"),
        ("1101051949", "resident_id", "11******49"),
        ("18600001402", "mobile", "186****1402"),
        ("1860000", "mobile", "18***00"),
        ("6222021234567890128", "bank_card", "***************0128"),
        ("91350100M000100Y43", "uscc", "91**************43"),
        ("浙D12345", "plate", "浙D***45"),
        ("ABCDE", "", "A****"),
        ("A", "", "*"),
        ("", "", ""),
    ],
)
def test_values_are_shown_masked(value, kind, shown):
    assert mask(value, kind) == shown


@unhurried
@given(st.text(min_size=1), st.sampled_from(["", "name", "resident_id", "mobile", "bank_card", "uscc"]))
def test_masking_always_hides_something_and_stays_short(value, kind):
    shown = mask(value, kind)
    hidden = len(value) - len(shown.replace("*", "")) if "*" not in value else 1
    assert hidden >= 1
    assert "*" in shown
    assert len(shown) <= 26


LONG = ["0", "1*", "仲", "（2024", "(2024)京", "〔", "T1", "86-", "京A", "·", " ", "号", "之一"]


@pytest.mark.parametrize("piece", LONG)
def test_a_very_long_value_is_answered(piece):
    found = {name: value for name, value in vars(identifiers).items() if isinstance(value, re.Pattern)}
    assert len(found) > 10
    for size in (10_000, 100_000):
        value = (piece * size)[:size]
        for pattern in found.values():
            pattern.search(value)
            pattern.fullmatch(value)
        for identifier in IDENTIFIERS.values():
            assert not identifier.valid(identifier.normalise(value))
        assert len(mask(value)) == 20
        assert masked(value) is False
        assert placeholder(value) is (piece == "0")
        assert compact(value) == compact(compact(value))
