// Chooses among points as `dse pick` does (dse/answer/choice.py), by their values alone.

const MOST_CHOSEN = 3;

/** By how much a value misses a limit, in its unit; 0 where it is kept. */
function excess({ value, upper }, number) {
  return Math.max(0, upper ? number - value : value - number);
}

/** The same as a share of the limit. */
function shareOf(limit, number) {
  return excess(limit, number) / (Math.abs(limit.value) || 1);
}

/** The range of the values of a limited metric, the limit included; never 0. */
function rangeOf(limit, rows) {
  let [low, high] = [limit.value, limit.value];
  for (const row of rows) {
    const value = limit.column.value(row);
    [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  return high - low || 1;
}

function keepsAll(limits, row) {
  return limits.every((limit) => {
    const value = limit.column.value(row);
    return value !== null && excess(limit, value) === 0;
  });
}

/** The points that may be chosen: measured, and within the constraints of the study. */
function candidates() {
  const kept = new Set([...FRONTIER, "dominated"]);
  const lacking = new Set(report.pick.lacking);
  const id = byName.get("id");
  return allRows.filter((row) => kept.has(standing.text(row)) || lacking.has(id.value(row)));
}

/** Compares two rows: by the goal, then by the further objectives, then by their ids. */
function orderBy(goal) {
  const others = objectives.filter((each) => each !== goal);
  const losses = [goal, ...others].map((column) => {
    const sign = column.direction === "maximize" ? -1 : 1;
    return (row) => (column.value(row) === null ? Infinity : sign * column.value(row));
  });
  return (one, other) => {
    for (const loss of losses) {
      const [a, b] = [loss(one), loss(other)];
      if (a !== b) return a < b ? -1 : 1;
    }
    return one - other;
  };
}

/**
 * The best rows, the first one foremost, and how many keep all limits; where none does, the row
 * that comes closest.
 */
function chooseRows(rows, goal, limits) {
  const needed = [goal, ...limits.map((limit) => limit.column)];
  const able = rows.filter((row) => needed.every((column) => column.value(row) !== null));
  const kept = able.filter((row) => keepsAll(limits, row));
  const compare = orderBy(goal);
  const best = [];
  for (const row of kept) {
    let place = best.length;
    while (place && compare(row, best[place - 1]) < 0) place -= 1;
    best.splice(place, 0, row);
    best.length = Math.min(best.length, MOST_CHOSEN);
  }
  return { best, count: kept.length, closest: kept.length ? null : closestRow(able, limits, compare) };
}

/**
 * The row that misses the fewest limits, by the least in parts of the range of the values; of
 * several the one that would be chosen.
 */
function closestRow(rows, limits, compare) {
  const ranges = limits.map((limit) => rangeOf(limit, rows));
  let [closest, fewest, least] = [null, Infinity, Infinity];
  for (const row of rows) {
    const misses = limits.map((limit, n) => excess(limit, limit.column.value(row)) / ranges[n]);
    const [count, worst] = [misses.filter((miss) => miss > 0).length, Math.max(0, ...misses)];
    if ((count - fewest || worst - least || compare(row, closest)) < 0) {
      [closest, fewest, least] = [row, count, worst];
    }
  }
  return closest;
}
