// Keys, lists and drafts. ES2017 and no more: Chromium 83 is the floor. Without this file every page still works.
(function () {
  "use strict";
  var root = document.documentElement;
  function all(selector, from) { return Array.prototype.slice.call((from || document).querySelectorAll(selector)); }
  function one(selector, from) { return (from || document).querySelector(selector); }
  function typing(target) { return /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(checkbox|radio|button|submit)$/.test(target.type || ""); }
  function press(selector) { var found = one(selector); if (found) { found.click(); } return Boolean(found); }

  // the list: j, k, Enter, Space
  var chosen = -1;
  function rows() { return all("[data-list] tbody tr"); }
  function choose(index) {
    var list = rows();
    if (!list.length) { return false; }
    chosen = Math.max(0, Math.min(list.length - 1, index));
    list.forEach(function (row, n) { row.setAttribute("aria-selected", n === chosen ? "true" : "false"); });
    list[chosen].scrollIntoView({ block: "nearest" });
    var link = one("[data-open]", list[chosen]);
    if (link) { link.focus(); }
    return true;
  }
  function preview() {
    var list = rows(), panel = one("#preview");
    if (chosen < 0 || !list[chosen] || !panel) { return false; }
    panel.hidden = false;
    panel.parentNode.classList.add("previewing");
    window.htmx.ajax("GET", "/clues/" + list[chosen].getAttribute("data-row") + "/preview", { target: "#preview", swap: "innerHTML" });
    return true;
  }

  // the reasons: [ and ], then y x o v
  var reason = -1, answers = { y: "true", x: "false", o: "irrelevant", v: "unverifiable" };
  function look(step) {
    var list = all("[data-reason]");
    if (!list.length) { return false; }
    reason = (reason + step + list.length) % list.length;
    list.forEach(function (part, n) { part.classList.toggle("chosen", n === reason); });
    var folded = list[reason].closest("details");
    if (folded) { folded.open = true; }
    list[reason].focus();
    list[reason].scrollIntoView({ block: "center" });
    return true;
  }
  function answer(key) {
    var list = all("[data-reason]");
    return reason >= 0 && list[reason] ? pressIn(list[reason], "[data-says=" + answers[key] + "]") : false;
  }
  function pressIn(part, selector) { var found = one(selector, part); if (found) { found.click(); } return Boolean(found); }

  var going = false;
  function go(key) { going = false; return press("[data-go='" + key + "']"); }

  function onKey(event) {
    if (event.isComposing || event.keyCode === 229) { return; }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { if (press("[data-submit]")) { event.preventDefault(); } return; }
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
    if (typing(event.target) || event.ctrlKey || event.altKey || event.metaKey || !document.body.hasAttribute("data-shortcuts")) { return; }
    var key = event.key, done = false, kind = one("[data-kind-key='" + (/^[0-9a-z]$/.test(key) ? key : "none") + "']");
    if (going) { done = go(key); }
    else if (key === "g") { going = true; window.setTimeout(function () { going = false; }, 1500); done = true; }
    else if (kind) { kind.checked = true; kind.dispatchEvent(new Event("change", { bubbles: true })); kind.focus(); done = true; }
    else if (key === "j" && rows().length) { done = choose(chosen + 1); }
    else if (key === "k" && rows().length) { done = choose(chosen - 1); }
    else if (key === " " && rows().length && event.target.tagName !== "BUTTON" && event.target.type !== "checkbox") { done = preview(); }
    else if (key === "[") { done = look(-1); }
    else if (key === "]") { done = look(1); }
    else if (answers[key]) { done = answer(key); }
    else if (key === "f") { var field = all("[data-focus]").filter(function (f) { return f.offsetParent; })[0]; if (field) { field.focus(); done = true; } }
    else if (key === "/") { var search = one("[data-search]"); if (search) { search.focus(); done = true; } else { done = press("[data-go='/']"); } }
    else if (key === "?") { done = press("[data-go='?']"); }
    else if (/^[a-z]$/.test(key)) { done = press("[data-key='" + key + "']"); }
    if (done) { event.preventDefault(); }
  }

  // the form of a verdict shows what the chosen verdict asks for
  function fit(form) {
    var kind = one("input[name=kind]:checked", form);
    all("[data-for]", form).forEach(function (part) {
      part.hidden = !kind || part.getAttribute("data-for").split(" ").indexOf(kind.value) < 0;
    });
  }
  function draft(form) {
    var sent = "", body = function () { return new URLSearchParams(new FormData(form)).toString(); };
    sent = body();
    window.setInterval(function () {
      var now = body();
      if (now === sent) { return; }
      fetch(form.getAttribute("data-draft"), { method: "POST", body: new URLSearchParams(now), headers: { "X-CSRFToken": one("[name=csrfmiddlewaretoken]", form).value, "HX-Request": "true" } })
        .then(function (response) { if (response.ok) { sent = now; } return response.text(); })
        .then(function (text) { one("#draft-kept").innerHTML = text; });
    }, 10000);
  }
  function lease() {
    all("[data-lease]").forEach(function (clock) {
      var left = (new Date(clock.getAttribute("data-lease")) - new Date()) / 60000;
      clock.classList.toggle("late", left < 5);
    });
  }

  // a mark leads to its row also where the row is folded away
  function unfold() {
    var row = /^#row-\d+$/.test(location.hash) ? one(location.hash) : null, folded = row && row.closest("details");
    if (folded && !folded.open) { folded.open = true; row.scrollIntoView(); }
  }

  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", unfold);
  document.addEventListener("DOMContentLoaded", function () {
    all("form#verdict").forEach(function (form) { fit(form); form.addEventListener("change", function () { fit(form); }); draft(form); });
    all("[data-all]").forEach(function (box) { box.addEventListener("change", function () { all("input[name=clue]").forEach(function (other) { other.checked = box.checked; }); }); });
    lease(); window.setInterval(lease, 15000); unfold();
    root.classList.add("ready");
  });
  document.addEventListener("htmx:afterSwap", function () { var refused = one("#refused [role=alert], #undecided [role=alert]"); if (refused) { refused.focus(); } });
}());
