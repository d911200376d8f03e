// Draws a chart on its canvas: axes, lines, points.

const SIZES = { 0: 2.6, 1: 4.5, 2: 5.5 };

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A canvas as sharp as the screen; gives its context and its size in CSS pixels. */
function sharp(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.font = "12px system-ui, sans-serif";
  return { pen, width, height };
}

function labelOf(axis, tick) {
  return axis.words ? (axis.words[tick] ?? "") : tickText(tick);
}

/** How much room the labels of the vertical axis take. */
function roomFor(pen, axis, ticks) {
  const widest = Math.max(0, ...ticks.map((tick) => pen.measureText(labelOf(axis, tick)).width));
  return Math.min(150, widest) + 34;
}

function paintAxes(pen, chart) {
  const { box, x, y, view } = chart;
  pen.strokeStyle = style("--grid");
  pen.fillStyle = style("--ink-soft");
  pen.lineWidth = 1;
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const tick of chart.ticks.x) {
    stroke(pen, [[x.at(tick), box.top], [x.at(tick), box.bottom]]);
    pen.fillText(labelOf(view.x, tick), x.at(tick), box.bottom + 6, 100);
  }
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const tick of chart.ticks.y) {
    stroke(pen, [[box.left, y.at(tick)], [box.right, y.at(tick)]]);
    pen.fillText(labelOf(view.y, tick), box.left - 6, y.at(tick), 150);
  }
  pen.fillStyle = style("--ink");
  pen.textAlign = "center";
  pen.fillText(view.x.label, box.left + box.width / 2, box.bottom + 34, box.width);
  pen.save();
  pen.translate(12, box.top + box.height / 2);
  pen.rotate(-Math.PI / 2);
  pen.fillText(view.y.label, 0, 0, box.height);
  pen.restore();
}

function stroke(pen, path) {
  pen.beginPath();
  path.forEach(([x, y], n) => (n ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
}

function clipped(pen, box, work) {
  pen.save();
  pen.beginPath();
  pen.rect(box.left, box.top, box.width, box.height);
  pen.clip();
  work();
  pen.restore();
}

/** The points of one rank: 0 small and pale, 1 hollow, 2 full, or half where that is not decided. */
function paintPoints(pen, chart, rank) {
  const { view } = chart;
  const [paper, ink] = [style("--paper"), style("--ink")];
  pen.lineWidth = 1.5;
  for (const row of chart.rows) {
    if (view.rank(row) !== rank) continue;
    const place = chart.place(row);
    const colour = view.colour(row);
    const half = rank === 2 && view.half?.(row);
    pen.globalAlpha = rank ? 1 : view.faint?.(row) ? 0.25 : 0.45;
    disc(pen, place, SIZES[rank], half || rank === 1 ? paper : colour);
    if (!rank) continue;
    if (half) disc(pen, place, SIZES[rank], colour, Math.PI);
    disc(pen, place, SIZES[rank]);
    pen.strokeStyle = rank === 1 ? colour : ink;
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

/** A disc, or a part of one from its right end on; only its outline where there is no colour. */
function disc(pen, [x, y], radius, colour = null, angle = 2 * Math.PI) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, angle);
  if (!colour) return;
  pen.fillStyle = colour;
  pen.fill();
}

/** What is known of the values of a row: a line between the ends of each interval that is shown. */
function intervalLines(chart, row) {
  const { view, x, y } = chart;
  if (!view.interval(row)) return [];
  const [left, top] = chart.place(row);
  const across = view.x.interval?.(row);
  const up = view.y.interval?.(row);
  return [
    ...(across ? [across.map((end) => [inside(x, end), top])] : []),
    ...(up ? [up.map((end) => [left, inside(y, end)])] : []),
  ];
}

function paintIntervals(pen, chart) {
  pen.lineWidth = 1;
  pen.globalAlpha = 0.7;
  for (const row of chart.rows) {
    const lines = intervalLines(chart, row);
    if (lines.length) pen.strokeStyle = chart.view.colour(row);
    for (const line of lines) stroke(pen, line);
  }
  pen.globalAlpha = 1;
}

/** A logarithm has no place for what is not positive: it ends at the edge. */
function inside(scale, value) {
  return scale.kind === "log" && value <= 0 ? scale.from : scale.at(value);
}

function ring(pen, [x, y], width) {
  pen.strokeStyle = style("--accent");
  pen.lineWidth = width;
  pen.beginPath();
  pen.arc(x, y, 10, 0, 2 * Math.PI);
  pen.stroke();
}

/** The limits of the metrics on the axes: a line each, and a veil over what they forbid. */
function paintLimits(pen, chart) {
  const { box, view } = chart;
  const { left, right, top, bottom } = box;
  pen.strokeStyle = style("--accent");
  pen.setLineDash([5, 4]);
  pen.lineWidth = 1.5;
  for (const [name, { value, upper }] of Object.entries(view.limits ?? {})) {
    const at = chart[name].at(value);
    const path = name === "x" ? [[at, top], [at, bottom]] : [[left, at], [right, at]];
    stroke(pen, path);
    const after = upper === (name === "x"); // what is forbidden lies right of the line, or below it
    const veil = name === "x"
      ? [after ? at : left, top, after ? right - at : at - left, box.height]
      : [left, after ? at : top, box.width, after ? bottom - at : at - top];
    pen.globalAlpha = 0.07;
    pen.fillStyle = style("--accent");
    pen.fillRect(...veil);
    pen.globalAlpha = 1;
  }
  pen.setLineDash([]);
}
