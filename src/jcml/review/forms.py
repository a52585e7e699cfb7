"""What the official forms say: 线索审查表 and 法律监督线索移送表. Word and the print page show the same one, each in its way.

A form holds what a person may read and nothing else: names only with leave to read them, a proposed verdict only when a
blind sample's second person has said what they think, and of a clue on its way to another unit what concerns the transfer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from jcml.review.models import Approval, Clue, ReasonFeedback, Transfer, Unit, Verdict
from jcml.review.shown import Page
from jcml.review.stamp import Stamp
from jcml.review.states import STATES
from jcml.review.verdicts import KINDS, SAYS

Pair = tuple[str, str]
MOST_ROWS = 40
MARK: Pair = ("辅助草稿，未经检察官审查不得对外", "A draft that assists; not to leave the office before a prosecutor has examined it")
NOTICE: Pair = (
    "本表由系统根据已导入的数据自动生成，模型结果仅供线索筛查参考，不作为认定事实或责任的依据。",
    "Made by the system from imported data. A model's result helps to find clues; it establishes neither fact nor responsibility.",
)
STANDINGS: dict[str, Pair] = {
    "proposed": ("待复核", "awaits a second person"), "stands": ("生效", "stands"), "returned": ("已退回", "returned"), "withdrawn": ("已撤回", "withdrawn"),
    "undone": ("已撤销", "undone"),
}
TRANSFER_STATES: dict[str, Pair] = {
    "confirm": ("待案管确认", "awaits case management"), "answer": ("待接收", "awaits an answer"), "accepted": ("已接收", "accepted"),
    "refused": ("已退回", "refused"), "withdrawn": ("已撤回", "withdrawn"),
}
SAID: dict[str, Pair] = {
    "text": ("理由", "why"), "next_step": ("下一步", "next step"), "wrong_field": ("错误字段", "wrong field"), "linked": ("关联编号", "linked to"),
    "missing": ("缺少的信息", "what is missing"), "due_on": ("办理期限", "due"),
}
NUMERALS = "一二三四五六七八九十"


@dataclass(frozen=True)
class Part:
    """A part of a form under a heading: named values, sentences, or a table whose first row names its columns."""

    heading: str
    facts: tuple[Pair, ...] = ()
    lines: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Form:
    """A form as it is read from top to bottom; `reference` goes to the foot of every page, before the stamp."""

    language: str
    title: str
    mark: str
    notice: str
    parts: tuple[Part, ...]
    signatures: tuple[str, ...]
    reference: tuple[str, ...]
    unmasked: bool = False

    @property
    def day(self) -> str:
        """Where those who sign write the day."""
        return "year    month    day" if self.language == "en" else "年　　月　　日"

    def content(self) -> list[Any]:
        """What the stamp covers."""
        return [self.title, self.mark, [[p.heading, p.facts, p.lines, p.table] for p in self.parts], self.reference]

    def foot(self, stamp: Stamp) -> str:
        """The foot of every page: what it is about, then who printed it, when, and the code."""
        printed = f"printed {stamp.minute} by {stamp.by}, code {stamp.code}" if self.language == "en" else f"打印 {stamp.minute} {stamp.by}　校验码 {stamp.code}"
        return ("; " if self.language == "en" else "　").join((*self.reference, printed))


def written(day: date | datetime | None, language: str) -> str:
    """A day as official papers write it.

    >>> written(date(2026, 11, 1), "zh"), written(date(2026, 11, 1), "en"), written(None, "zh")
    ('2026年11月1日', '2026-11-01', '--')
    """
    if day is None:
        return "--"
    at = timezone.localtime(day).date() if isinstance(day, datetime) else day
    return at.isoformat() if language == "en" else f"{at.year}年{at.month}月{at.day}日"


def standing_of(transfer: Transfer) -> str:
    """Where a transfer stands, as a key of `TRANSFER_STATES`."""
    if transfer.accepted is None:
        return "answer" if transfer.confirmed_by_id else "confirm"
    if transfer.accepted:
        return "accepted"
    return "refused" if transfer.answered_by_id else "withdrawn"


def transfer_number(transfer: Transfer) -> str:
    """The number under which a transfer is on file."""
    return f"YS{timezone.localtime(transfer.at).year}-{transfer.pk:06d}"


def clue_sheet(clue: Clue, language: str, names: Mapping[tuple[str, str], Mapping[str, str]] | None = None, *, hide_verdicts: bool = False) -> Form:
    """线索审查表: where a clue comes from, what speaks for and against it, its evidence, and what people decided so far."""
    page, words = Page(clue, language, names), _Words(language)
    known = dict.fromkeys((title, text) for cells in (names or {}).values() for title, text in cells.items())
    parts = [
        Part(words("线索来源", "Source"), _source(clue, words)),
        Part(words("监督对象", "Subject"), ((words("对象（已脱敏）", "Subject, masked"), clue.subject_shown), *((words(f"{t}（未脱敏）", f"{t}, unmasked"), v) for t, v in known))),
        Part(words("主要事实", "Facts"), lines=tuple(_told(s, words) for s in page.facts) or (words("数据来源未提供有关该对象的事实。", "The sources gave no facts about this subject."),)),
        Part(words("列为线索的理由", "Why it is here"), lines=_reasons(clue, page.reasons_for, words, hide=hide_verdicts) or (words("没有提高评分的因素，因其他原因列入。", "Nothing raised its score; it was listed for other reasons."),)),
        Part(words("相反理由", "What speaks against it"), lines=_reasons(clue, page.reasons_against, words, hide=hide_verdicts) or (words("数据中没有降低评分的因素。", "Nothing in the data lowered the score."),)),
    ]
    if page.lawful:
        parts.append(Part(words("应先排除的合法解释", "Lawful explanations to rule out first"), lines=tuple(page.lawful)))
    parts.append(Part(words("证据清单", "Evidence"), table=_evidence(page, words), lines=_evidence_notes(page, words)))
    unseen = (words("盲审抽样：复核人提出本人意见前不显示。", "A blind sample: shown after the second person's own first opinion."),)
    parts.append(Part(words("处理意见", "Verdict so far"), lines=unseen if hide_verdicts else _verdicts(clue, words)))
    return Form(
        language, words("线索审查表", "Clue review sheet"), words(*MARK), words(*NOTICE), _numbered(parts, language),
        (words("承办人", "Handled by"), words("复核人", "Checked by"), words("批准人", "Approved by")), _reference(clue, words), bool(known),
    )


def transfer_form(transfer: Transfer, language: str) -> Form:
    """法律监督线索移送表: all that a receiving unit learns of a clue before it accepts it."""
    clue, words = transfer.clue, _Words(language)
    content = (
        (words("移送编号", "Transfer"), transfer_number(transfer)), (words("线索编号", "Clue"), clue.number), (words("监督模型", "Model"), words.title(clue.scenario)),
        (words("监督对象（已脱敏）", "Subject, masked"), clue.subject_shown), (words("移出单位", "From"), words.title(transfer.source)), (words("接收单位", "To"), words.title(transfer.target)),
        (words("移送日期", "Sent"), written(transfer.at, language)), (words("答复期限", "Answer due"), written(transfer.due_on, language)),
        (words("首要理由", "First reason"), words(clue.first_reason_zh, clue.first_reason_en)), (words("移送理由", "Why it is transferred"), transfer.because),
    )
    handled = (
        (words("移送人", "Sent by"), transfer.by.name), (words("案管确认", "Confirmed by"), transfer.confirmed_by.name if transfer.confirmed_by else "--"),
        (words("办理状态", "State"), words(*TRANSFER_STATES[standing_of(transfer)])),
        (words("答复人", "Answered by"), transfer.answered_by.name if transfer.answered_by else "--"), (words("答复日期", "Answered"), written(transfer.answered, language)),
        (words("答复意见", "Answer"), transfer.answer if transfer.answered_by and transfer.answer else "--"),
    )
    return Form(
        language, words("法律监督线索移送表", "Transfer of a supervision clue"), words(*MARK), words(*NOTICE),
        _numbered([Part(words("移送内容", "What is transferred"), content), Part(words("办理情况", "Handling"), handled)], language),
        (words("移送单位承办人", "For the sending unit"), words("案件管理部门", "Case management"), words("接收单位签收人", "Received by")),
        (f"{words('移送编号', 'transfer')} {transfer_number(transfer)}", *_reference(clue, words)),
    )


class _Words:
    """Of two wordings, the reader's."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, zh: str, en: str) -> str:
        return en if self.language == "en" else zh

    def title(self, thing: Any) -> str:
        return str(thing.en if self.language == "en" else thing.zh)

    def between(self, *texts: str) -> str:
        return ("; " if self.language == "en" else "；").join(t for t in texts if t)


def _numbered(parts: list[Part], language: str) -> tuple[Part, ...]:
    return tuple(Part(f"{n + 1}. {p.heading}" if language == "en" else f"{NUMERALS[n]}、{p.heading}", p.facts, p.lines, p.table) for n, p in enumerate(parts))


def _reference(clue: Clue, words: _Words) -> tuple[str, ...]:
    return (f"{words('线索', 'clue')} {clue.number}", f"{words('批次', 'run')} {clue.run_id[:12]}", f"{words('模型版本', 'model version')} {clue.run.version}")


def _source(clue: Clue, words: _Words) -> tuple[Pair, ...]:
    return (
        (words("线索编号", "Clue"), clue.number), (words("监督模型", "Model"), words.title(clue.scenario)), (words("模型版本", "Model version"), str(clue.run.version)),
        (words("运行批次", "Run"), clue.run_id[:12]), (words("数据截至", "Data known before"), written(clue.as_of, words.language)),
        (words("办案单位", "Unit"), words.title(clue.unit)), (words("承办部门", "Department"), words.title(clue.department)),
        (words("办理状态", "State"), words(*STATES[clue.state])), (words("承办人", "Held by"), clue.holder.name if clue.holder else "--"),
        (words("办理期限", "Due"), written(clue.due_on, words.language)),
    )


def _told(told: Mapping[str, Any], words: _Words) -> str:
    """A sentence with the marks of the rows on which it rests."""
    basis = told["marks"][:6]
    more = f"{words('等', ' and others, ')}{told['total']}{words('条', '')}" if told["total"] > len(basis) and basis else ""
    unknown = words("（未知）", " (unknown)") if told["unknown"] and not basis else ""
    return f"{told['says']}{unknown}{''.join(basis)}{more}"


def _reasons(clue: Clue, reasons: list[dict[str, Any]], words: _Words, *, hide: bool) -> tuple[str, ...]:
    said = {} if hide else dict(ReasonFeedback.objects.filter(clue=clue).order_by("at").values_list("feature", "says"))
    lines = []
    for number, told in enumerate(reasons, 1):
        checked = f"{words('核查', 'checked')}：{words(*SAYS[said[told['feature']]])}" if told["feature"] in said else ""
        rest = words.between(told["comparison"], words.between(*told["legal_basis"]), checked)
        lines.append(f"{number}. {_told(told, words)}{words('。', '. ')}{rest}{words('。', '.') if rest else ''}".rstrip())
        lines.extend(f"{words('同义表述', 'Says the same')}：{_told(also, words)}{words('。', '.')}" for also in told["also"])
    return tuple(lines)


def _evidence(page: Page, words: _Words) -> tuple[tuple[str, ...], ...]:
    if not page.rows:
        return ()
    header = (words("标记", "Mark"), words("来源", "Source"), words("记录", "Record"), words("日期", "Day"), words("主要字段", "Fields"), words("批次、行", "Batch, line"))
    return (
        header,
        *((r.mark, r.title, r.row, r.day or "--", words.between(*(f"{t} {v}" for t, v in r.cells.items())), f"{r.batch}, {r.line}") for r in page.rows[:MOST_ROWS]),
    )


def _evidence_notes(page: Page, words: _Words) -> tuple[str, ...]:
    notes = []
    if not page.rows:
        notes.append(words("该线索没有对应的记录：其数值表明某事项不存在。", "There are no rows behind this clue: its numbers say that something is not there."))
    if len(page.rows) > MOST_ROWS:
        rest = len(page.rows) - MOST_ROWS
        notes.append(words(f"其余{rest}条记录见系统。", f"{rest} more rows are in the system."))
    missing = words.between(*page.missing)
    notes.append(f"{words('缺失的数据来源', 'Sources that were not delivered')}：{missing or words('无', 'none')}{words('。', '.')}")
    return tuple(notes)


def _verdicts(clue: Clue, words: _Words) -> tuple[str, ...]:
    lines = []
    approvals: dict[int, list[Approval]] = {}
    for approval in Approval.objects.filter(verdict__clue=clue).select_related("by").order_by("at"):
        approvals.setdefault(approval.verdict_id, []).append(approval)
    for verdict in Verdict.objects.filter(clue=clue).select_related("by").order_by("at"):
        kind = KINDS[verdict.kind]
        subtype = words(*kind.subtypes[verdict.said["subtype"]]) if verdict.said.get("subtype") in kind.subtypes else ""
        told = words(kind.zh, kind.en) + (f"（{subtype}）" if subtype else "")
        said = words.between(*(f"{words(*pair)}：{verdict.said[name]}" for name, pair in SAID.items() if verdict.said.get(name)), _elsewhere(verdict, words))
        lines.append(f"{written(verdict.at, words.language)} {verdict.by.name}：{told}，{words(*STANDINGS[verdict.standing])}{words('。', '.')}{said}")
        lines.extend(
            f"{written(a.at, words.language)} {a.by.name}：{words('同意', 'approved') if a.approved else words('退回', 'returned')}{words('。', '. ')}{a.text}"
            for a in approvals.get(verdict.pk, ())
        )
    return tuple(lines) or (words("尚无处理意见。", "No verdict yet."),)


def _elsewhere(verdict: Verdict, words: _Words) -> str:
    target = Unit.objects.filter(code=verdict.said.get("target_unit", "")).first()
    return f"{words('管辖单位', 'unit in charge')}：{words.title(target)}" if target else ""
