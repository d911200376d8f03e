// Names beside points, as far as they cover neither each other nor a point that leads.

const MOST_NAMES = 30;
const GAP = 7; // pixels between a point and its name
const NAME_HEIGHT = 14;

/** chart.view.names: pairs of a row and its text, the most important first. */
function paintNames(pen, chart) {
  const { view, box } = chart;
  const named = (view.names ?? [])
    .filter(([row]) => chart.rows.includes(row) && isInside(around(chart.place(row), 0), box))
    .slice(0, MOST_NAMES);
  const leading = chart.rows.filter((row) => view.rank(row) === 2);
  const taken = leading.map((row) => around(chart.place(row), GAP - 2));
  const done = new Set();
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.lineWidth = 3;
  pen.strokeStyle = style("--paper");
  pen.fillStyle = style("--ink");
  for (const [row, text] of named) {
    const places = placesOf(chart.place(row), pen.measureText(text).width, view.x.better === "minimize");
    const free = places.find((each) => isInside(each, box) && !taken.some((other) => overlaps(each, other)));
    if (done.has(text) || !free) continue;
    done.add(text);
    taken.push(free);
    pen.strokeText(text, free.left, free.top + NAME_HEIGHT / 2);
    pen.fillText(text, free.left, free.top + NAME_HEIGHT / 2);
  }
}

function around([x, y], reach) {
  return { left: x - reach, top: y - reach, width: 2 * reach, height: 2 * reach };
}

/** Where a name may be: first where nothing can lie that the point does not dominate. */
function placesOf([x, y], width, leftFirst) {
  const sides = leftFirst ? [x - GAP - width, x + GAP] : [x + GAP, x - GAP - width];
  const heights = [y - NAME_HEIGHT, y];
  return heights.flatMap((top) => sides.map((left) => ({ left, top, width, height: NAME_HEIGHT })));
}

function isInside({ left, top, width, height }, box) {
  return left >= box.left && left + width <= box.right && top >= box.top && top + height <= box.bottom;
}

function overlaps(one, other) {
  return one.left < other.left + other.width && other.left < one.left + one.width
    && one.top < other.top + other.height && other.top < one.top + one.height;
}
