// The picture of the relations, and the filters without a new page. Without this file the table says the same.
(function () {
  "use strict";
  function all(selector, from) { return Array.prototype.slice.call((from || document).querySelectorAll(selector)); }
  function one(selector, from) { return (from || document).querySelector(selector); }
  var COLOURS = { clue: "#0b6e4f", thing: "#1d4f91", record: "#8a4b00", centre: "#a3161f" };
  var SHAPES = ["circle", "diamond", "triangle", "pin", "roundRect"];
  var only = null, form = one("#choose"), section = one("#drawing"), chart = null, whole = null, days = all("#days option").map(function (o) { return o.label; });

  function until() { var slider = one("input[name=until]", form); return slider ? days[Number(slider.value)] : "9999"; }
  function hidden() { return all("input[name=hide]", form).filter(function (box) { return box.checked; }).map(function (box) { return box.value; }); }

  function list() {
    var away = hidden(), last = until();
    all("#edges tbody tr").forEach(function (row) { row.hidden = away.indexOf(row.getAttribute("data-kind")) >= 0 || row.getAttribute("data-day") > last; });
    var output = one("#until-day");
    if (output) { output.textContent = last; }
  }

  function shown() {
    var away = hidden(), last = until(), nodes = {}, used = {};
    whole.nodes.forEach(function (node) { if (node.kind === "clue" ? node.day <= last && (!only || only.indexOf(node.clue) >= 0) : away.indexOf(node.kind) < 0) { nodes[node.id] = node; } });
    var edges = whole.edges.filter(function (edge) { return nodes[edge.from] && nodes[edge.to]; });
    edges.forEach(function (edge) { used[edge.from] = used[edge.to] = true; });
    return { nodes: whole.nodes.filter(function (node) { return nodes[node.id] && (used[node.id] || node.centre); }), edges: edges };
  }

  // Places by springs: the same graph always looks the same, and all of it is in sight.
  function placed(part) {
    var at = {}, n = part.nodes.length;
    part.nodes.forEach(function (node, k) { var turn = 2.399963 * k, far = 10 * Math.sqrt(k); at[node.id] = { x: far * Math.cos(turn), y: far * Math.sin(turn), dx: 0, dy: 0 }; });
    for (var step = 0; step < 240; step += 1) {
      var most = 14 * (1 - step / 240) + 0.3;
      for (var i = 0; i < n; i += 1) {
        var one = at[part.nodes[i].id];
        one.dx -= 0.02 * one.x; one.dy -= 0.03 * one.y;
        for (var j = i + 1; j < n; j += 1) {
          var two = at[part.nodes[j].id], x = one.x - two.x, y = one.y - two.y, apart = x * x + y * y + 0.01, push = 900 / apart;
          one.dx += x * push; one.dy += y * push; two.dx -= x * push; two.dy -= y * push;
        }
      }
      part.edges.forEach(function (edge) {
        var from = at[edge.from], to = at[edge.to], x = from.x - to.x, y = from.y - to.y, long = Math.sqrt(x * x + y * y) + 0.01, pull = 0.08 * (long - 45) / long;
        from.dx -= x * pull; from.dy -= y * pull; to.dx += x * pull; to.dy += y * pull;
      });
      part.nodes.forEach(function (node) {
        var p = at[node.id], far = Math.sqrt(p.dx * p.dx + p.dy * p.dy) + 0.001, go = Math.min(far, most) / far;
        p.x += p.dx * go; p.y += p.dy * go; p.dx = p.dy = 0;
      });
    }
    return at;
  }

  function shape(n) { return n ? SHAPES[(n - 1) % SHAPES.length] : "rect"; }

  function draw() {
    var part = shown(), at = placed(part), kinds = ["clue"].concat(whole.kinds.map(function (k) { return k.kind; })), titles = { clue: section.getAttribute("data-clue") };
    whole.kinds.forEach(function (k) { titles[k.kind] = k.title; });
    chart.setOption({
      aria: { enabled: false },
      animation: false,
      textStyle: { fontFamily: window.getComputedStyle(document.body).fontFamily },
      tooltip: { renderMode: "richText", formatter: "{b}", confine: true },
      legend: [{ data: kinds.map(function (k, n) { return { name: titles[k], icon: shape(n) }; }), selectedMode: false, top: 0, textStyle: { color: "#1f2933" } }],
      series: [{
        type: "graph", layout: "none", preserveAspect: true, roam: true, draggable: true, left: 30, right: 130, top: 48, bottom: 36,
        label: { show: part.nodes.length <= 80, position: "right", color: "#1f2933", formatter: function (at) { return at.data.label_text; } },
        lineStyle: { color: "#7b8794", width: 1.2 },
        categories: kinds.map(function (k, n) { return { name: titles[k], symbol: shape(n), itemStyle: { color: n ? (k.indexOf("row:") === 0 ? COLOURS.record : COLOURS.thing) : COLOURS.clue } }; }),
        data: part.nodes.map(function (node) {
          var made = { id: node.id, x: at[node.id].x, y: at[node.id].y, name: node.says, label_text: node.label, category: kinds.indexOf(node.kind), symbolSize: node.centre ? 26 : 15 };
          if (node.centre) { made.itemStyle = { color: COLOURS.centre }; }
          return made;
        }),
        links: part.edges.map(function (edge) { return { source: edge.from, target: edge.to, name: edge.records.join("；"), edge: edge }; })
      }]
    }, true);
  }

  function tell(title, texts, clue) {
    var panel = one("#chosen"), open = one("[data-open-clue]", panel), on = one("[data-go-on]", panel), items = one("ul", panel);
    one("strong", panel).textContent = title;
    items.textContent = "";
    texts.forEach(function (text) { var item = document.createElement("li"); item.textContent = text; items.appendChild(item); });
    open.hidden = on.hidden = !clue;
    if (clue) {
      var beside = new URLSearchParams(window.location.search), here = section.getAttribute("data-here");
      if (beside.getAll("with").indexOf(clue) < 0) { beside.append("with", clue); }
      open.href = open.getAttribute("data-clues") + encodeURIComponent(clue);
      on.href = here + "?" + beside.toString();
    }
    panel.hidden = false;
  }

  function choose(at) {
    if (at.dataType === "edge") { tell(names(at.data.edge), at.data.edge.records.concat(at.data.edge.total > at.data.edge.records.length ? ["+ " + (at.data.edge.total - at.data.edge.records.length)] : [])); return; }
    var node = whole.nodes.filter(function (n) { return n.id === at.data.id; })[0];
    var texts = whole.edges.filter(function (e) { return e.from === node.id || e.to === node.id; }).map(function (e) { return names(e) + ": " + e.records.join("；"); });
    tell(node.says, texts, node.clue);
  }
  function names(edge) {
    var by = {};
    whole.nodes.forEach(function (n) { by[n.id] = n.label; });
    return by[edge.from] + " – " + by[edge.to];
  }

  function save(button) {
    var token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
    fetch(button.getAttribute("data-address"), { method: "POST", body: new URLSearchParams(window.location.search), headers: { "X-CSRFToken": token } })
      .then(function (response) { if (!response.ok) { throw new Error(String(response.status)); } return response.json(); })
      .then(function (leave) {
        only = leave.clues;
        var complete = whole.nodes.every(function (node) { return node.kind !== "clue" || only.indexOf(node.clue) >= 0; });
        if (!complete) { draw(); }
        chart.setOption({ graphic: [{ id: "line", type: "text", left: 8, bottom: 6, style: { text: leave.line, fill: "#52606d", fontSize: 12, fontFamily: window.getComputedStyle(document.body).fontFamily } }] });
        var link = document.createElement("a");
        link.href = chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: "#ffffff" });
        link.download = leave.name;
        link.click();
        only = null;
        if (complete) { chart.setOption({ graphic: [{ id: "line", $action: "remove" }] }); } else { draw(); }
      });
  }

  function canvas() { var made = document.createElement("canvas"); return Boolean(window.echarts && made.getContext && made.getContext("2d")); }

  document.addEventListener("DOMContentLoaded", function () {
    form.addEventListener("input", function () { list(); if (chart) { draw(); } });
    if (!canvas() || !all("#edges tbody tr").length) { return; }
    fetch(section.getAttribute("data-address"), { headers: { Accept: "application/json" } })
      .then(function (response) { if (!response.ok) { throw new Error(String(response.status)); } return response.json(); })
      .then(function (found) {
        whole = found;
        section.hidden = false;
        chart = window.echarts.init(one("#graph"), null, { renderer: "canvas" });
        chart.on("click", choose);
        draw();
        var button = one("#as-picture");
        if (button) { button.hidden = false; button.addEventListener("click", function () { save(button); }); }
        window.addEventListener("resize", function () { chart.resize(); });
      });
  });
}());
