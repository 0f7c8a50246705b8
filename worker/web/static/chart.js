// Draws the chart that the server has drawn as SVG once more, with axes and with the values under
// the cursor. Without script the SVG stays.
"use strict";
(() => {
  const HEIGHT = 180;
  let plot, figure, shown, said;

  // Canvas knows no custom properties: what the page's style makes of them is read off elements
  // that have them.
  const colour = (selector, property = "color") => getComputedStyle(document.querySelector(selector))[property];
  const clock = (at_s) => new Date(at_s * 1000).toISOString().slice(11, 16);

  const tell = (u) => {
    const at = u.cursor.idx ?? u.data[0].length - 1;
    said.textContent = at < 0 ? "" : clock(u.data[0][at]) + " UTC: " +
      u.series.slice(1).map((each, n) => `${each.label} ${u.data[n + 1][at].toLocaleString("en")} a minute`).join(", ");
  };

  const options = (states) => ({
    width: figure.clientWidth, height: HEIGHT, legend: { show: false }, hooks: { setCursor: [tell] },
    cursor: { y: false, drag: { x: false } },
    scales: { y: { range: (u, low, high) => [0, Math.max(high, 1) * 1.05] } },
    axes: [
      { values: (u, ticks) => ticks.map(clock), space: 60 },
      { size: 56, values: (u, ticks) => ticks.map((tick) => tick.toLocaleString("en")) },
    ].map((axis) => ({
      ...axis, stroke: () => colour("#rates ~ p"), font: "12px system-ui",
      grid: { width: 1, stroke: () => colour("main .panel", "borderTopColor") }, ticks: { show: false },
    })),
    series: [{}, ...states.map((state) => ({
      label: state, width: 2, points: { show: false }, stroke: () => colour(`.key.${state}`),
      dash: state === "delivered" ? [5, 3] : undefined,
    }))],
  });

  const draw = () => {
    const found = document.querySelector("figure[data-chart]");
    if (!found) return;
    if (!plot) {
      figure = found;
      said = document.createElement("p");
      said.className = "said small soft";
      const { states } = JSON.parse(found.dataset.chart);
      plot = new uPlot(options(Object.keys(states)), null, found);
      new ResizeObserver(() => plot.setSize({ width: figure.clientWidth, height: HEIGHT })).observe(found);
    }
    // A live update makes the page what the server has sent, and so takes the drawing out: it goes
    // back before anything is painted.
    if (plot.root.parentNode !== found || said.parentNode !== found) found.append(plot.root, said);
    if (shown === found.dataset.chart) return;
    shown = found.dataset.chart;
    const { begin_s, step_s, states } = JSON.parse(shown);
    const rows = Object.values(states);
    plot.setData([rows[0].map((_, at) => begin_s + at * step_s), ...rows]);
    tell(plot);
  };

  draw();
  new MutationObserver(draw).observe(document.getElementById("content"), { childList: true, subtree: true, attributeFilter: ["data-chart"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot && plot.redraw());
})();
