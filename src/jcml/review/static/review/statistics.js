// The funnel by month as bars, read from the table beneath them. Without this file the table stands alone.
(function () {
  "use strict";
  function number(row, name) { var found = row.getAttribute("data-" + name); return found === null ? null : Number(found); }
  document.addEventListener("DOMContentLoaded", function () {
    var place = document.querySelector("#months"), table = document.querySelector("#month-table");
    if (!place || !table || !window.echarts) { return; }
    var rows = Array.prototype.slice.call(table.querySelectorAll("tbody tr")), heads = table.querySelectorAll("thead th");
    var series = [["clues", 1, "#9aa5b1"], ["reviewed", 2, "#1d4f91"], ["confirmed", 4, "#0b6e4f"]].map(function (one) {
      return { name: heads[one[1]].textContent, type: "bar", barMaxWidth: 36, itemStyle: { color: one[2] }, data: rows.map(function (row) { return number(row, one[0]); }) };
    });
    place.hidden = false;
    var chart = window.echarts.init(place, null, { renderer: "svg" });
    chart.setOption({
      animation: false, textStyle: { fontFamily: window.getComputedStyle(document.body).fontFamily }, grid: { left: 60, right: 16, top: 36, bottom: 28 }, legend: { top: 0 }, tooltip: { trigger: "axis", renderMode: "richText", confine: true },
      xAxis: { type: "category", data: rows.map(function (row) { return row.getAttribute("data-month"); }) }, yAxis: { type: "value", minInterval: 1 }, series: series
    });
    // paper is narrower than the screen: with a view box the drawing shrinks to it, which statistics.css asks for
    function scale() { var drawn = place.querySelector("svg"); if (drawn) { drawn.setAttribute("viewBox", "0 0 " + chart.getWidth() + " " + chart.getHeight()); } }
    scale();
    window.addEventListener("resize", function () { if (!window.matchMedia("print").matches) { chart.resize(); scale(); } });
  });
}());
