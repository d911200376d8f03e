// What the colours of points say.

// Okabe and Ito's colours, which colour-blind readers can tell apart.
const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8b6fd0"];
const REST = "#8a8f98";
// Five colours of viridis, from low to high.
const RAMP = ["#443983", "#31688e", "#21918c", "#35b779", "#b5de2b"];
const MOST_LEVELS = PALETTE.length;

/**
 * The colours by a column: the entries of a legend, and the entry of a row (-1 for none).
 * Columns of many numbers have five ranges with as many points each.
 */
function colouring(column) {
  const levels = column.distinct();
  const { entries, placeOf } = column.words || levels.length <= MOST_LEVELS
    ? byLevel(column, levels)
    : byRange(column);
  const places = column.cells.map((_, row) => {
    const value = column.value(row);
    return value === null ? -1 : placeOf(value);
  });
  return { entries, entryOf: (row) => places[row] };
}

function byLevel(column, levels) {
  const counts = new Map(levels.map((level) => [level, 0]));
  for (const cell of column.cells) if (counts.has(cell)) counts.set(cell, counts.get(cell) + 1);
  const frequent = [...levels].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, MOST_LEVELS);
  const own = levels.filter((level) => frequent.includes(level));
  const entries = own.map((level, n) => ({
    text: column.words ? column.words[level] : column.number(level),
    colour: PALETTE[n],
  }));
  const places = new Map(own.map((level, n) => [level, n]));
  const rest = levels.length - own.length;
  if (rest) entries.push({ text: `${rest} others`, colour: REST });
  return { entries, placeOf: (value) => places.get(value) ?? own.length };
}

function byRange(column) {
  const values = column.cells.filter((cell) => cell !== null).sort((a, b) => a - b);
  const bounds = RAMP.map((_, n) => values[Math.floor((n * values.length) / RAMP.length)]);
  const last = values[values.length - 1];
  const entries = RAMP.map((colour, n) => ({
    text: `${column.number(bounds[n])} to ${column.number(bounds[n + 1] ?? last)}`,
    colour,
  }));
  return { entries, placeOf: (value) => bounds.findLastIndex((bound) => value >= bound) };
}
