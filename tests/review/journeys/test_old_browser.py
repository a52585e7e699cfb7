"""A journey in a browser that lacks whatever came after Chromium 83."""

from __future__ import annotations

from collections.abc import Callable

from browsing import Office, Reader, Workbench
from procuratorate import TEXT

Sit = Callable[..., Reader]
OLD = """(function () {
  [[String.prototype, 'replaceAll'], [String.prototype, 'at'], [Array.prototype, 'at'], [Array.prototype, 'findLast'], [Array.prototype, 'findLastIndex'], [Object, 'hasOwn'],
   [Object, 'groupBy'], [Promise, 'any'], [window, 'structuredClone'], [window, 'WeakRef'], [window, 'AggregateError'], [Element.prototype, 'replaceChildren'],
   [Document.prototype, 'replaceChildren'], [DocumentFragment.prototype, 'replaceChildren'], [Element.prototype, 'checkVisibility'], [Element.prototype, 'setHTMLUnsafe'],
   [Crypto.prototype, 'randomUUID'], [window, 'scheduler'], [window, 'navigation'], [Document.prototype, 'startViewTransition'], [AbortSignal, 'timeout'], [AbortSignal, 'any'],
   [Array.prototype, 'toSorted'], [Array.prototype, 'toReversed'], [Array.prototype, 'toSpliced'], [Array.prototype, 'with'], [Intl, 'Segmenter'],
  ].forEach(function (one) { delete one[0][one[1]]; });
  window.isOld = !('at' in Array.prototype) && !('replaceAll' in String.prototype) && !('startViewTransition' in Document.prototype);
}());"""


def test_claim_answer_propose_and_approve_in_an_old_browser(office: Office, sit: Sit, workbench: Workbench) -> None:
    clue = workbench.do(office.clues, 2)[0]
    li = sit(workbench.do(office.person, "li", "R"), scripts=(OLD,)).go("/queue").press("j", " ")
    assert li.page.evaluate("window.isOld")
    li.page.wait_for_selector("#preview .card")
    li.go("/").leave("n")
    li.press("]", "y")
    li.page.wait_for_selector("[data-says=true][aria-pressed=true]")
    li.press("1").choose("[name=subtype_accepted]", "advice").fill("[name=text]", TEXT).tab_to("[name=worth_checking]").press(" ").leave("Control+Enter")
    wang = sit(workbench.do(office.person, "wang", "C"), scripts=(OLD,)).go(f"/clues/{clue.pk}").leave("a")
    assert "已同意" in wang.text
