// Names beside points, where they cover nothing that counts, as dse/report/_labels.py places them.

const MOST_NAMES = 30;
const LIFT = 1; // pixels between a name and the line at the height of its point
const NAME_HEIGHT = 14;
// Pixels from the middle of a point, and of a ringed one, to what is beside it.
const POINT_REACH = 6.5;
const RING_REACH = 11;
const GAP = 2.5;

/** chart.view.names: pairs of a row and its text, the most important first. */
function paintNames(pen, chart) {
  const { view, box } = chart;
  if (!view.names) return;
  const marked = new Set(view.marked);
  const reachOf = (row) => (marked.has(row) ? RING_REACH : POINT_REACH);
  const isSeen = (row) => chart.drawn.has(row) && isInside(boxAround([chart.place(row)]), box);
  const named = view.names.filter(([row]) => isSeen(row)).slice(0, MOST_NAMES);
  const labels = named.map(([row, text]) => {
    const [x, y] = chart.place(row);
    return { text, x, y, reach: reachOf(row) + GAP, width: pen.measureText(text).width, height: NAME_HEIGHT };
  });
  const drawn = chart.rows.filter((row) => view.rank(row) || marked.has(row));
  const solid = [
    ...drawn.map((row) => boxAround([chart.place(row)], reachOf(row))),
    ...linesOf(chart).map((ends) => boxAround(ends)),
  ];
  const faint = drawn.flatMap((row) => intervalLines(chart, row)).map((ends) => boxAround(ends));
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.lineWidth = 3;
  pen.strokeStyle = style("--paper");
  pen.fillStyle = style("--ink");
  placeLabels(labels, box, solid, faint, view.x.better === "minimize").forEach((place, n) => {
    if (!place) return;
    const middle = (place.top + place.bottom) / 2;
    pen.strokeText(labels[n].text, place.left, middle);
    pen.fillText(labels[n].text, place.left, middle);
  });
}

/** The stairs and the limits of a chart, as pairs of places. */
function linesOf({ view, box, x, y }) {
  const path = (view.line ?? []).map(([across, up]) => [x.at(across), y.at(up)]);
  const limits = Object.entries(view.limits ?? {}).map(([name, { value }]) => name === "x"
    ? [[x.at(value), box.top], [x.at(value), box.bottom]]
    : [[box.left, y.at(value)], [box.right, y.at(value)]]);
  return [...path.slice(1).map((end, n) => [path[n], end]), ...limits];
}

function boxAround(places, reach = 0) {
  const [across, down] = [0, 1].map((n) => places.map((place) => place[n]));
  return {
    left: Math.min(...across) - reach,
    top: Math.min(...down) - reach,
    right: Math.max(...across) + reach,
    bottom: Math.max(...down) + reach,
  };
}

/**
 * A place for each label, the most important one first; null where none is free, or where its text
 * is written already. Of the free places the one that covers the fewest faint things comes first.
 */
function placeLabels(labels, frame, solid, faint, leftFirst) {
  const taken = [...solid];
  const written = new Set();
  return labels.map((label) => {
    const free = placesOf(label, leftFirst)
      .filter((place) => isInside(place, frame) && !taken.some((other) => overlaps(place, other)));
    if (written.has(label.text) || !free.length) return null;
    const covered = free.map((place) => faint.filter((other) => overlaps(place, other)).length);
    const best = free[covered.indexOf(Math.min(...covered))];
    taken.push(best);
    written.add(label.text);
    return best;
  });
}

/** The places to try on both sides: above, level with and below the point, then further up and down. */
function placesOf({ x, y, reach, width, height }, leftFirst) {
  const sides = [x - reach - width, x + reach];
  if (!leftFirst) sides.reverse();
  const tops = [y - LIFT - height, y - height / 2, y + LIFT, y - reach - height, y + reach];
  return tops.flatMap((top) =>
    sides.map((left) => ({ left, top, right: left + width, bottom: top + height })));
}

function isInside(one, frame) {
  return one.left >= frame.left && one.right <= frame.right && one.top >= frame.top && one.bottom <= frame.bottom;
}

function overlaps(one, other) {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}
