// The best that there is of two metrics alone.

let sortedRows = null; // with the axes for which they were sorted

/**
 * The rows that have both metrics, the best across first; of several with the same values the one
 * with the best standing. They are sorted as the axes change, not as rows come and go.
 */
function stairOrder(x, y) {
  if (sortedRows?.x === x && sortedRows.y === y) return sortedRows.rows;
  const [signX, signY] = [x, y].map((each) => (each.direction === "maximize" ? -1 : 1));
  const place = standing.words.map((word) => report.standings.indexOf(word));
  const rows = allRows.filter((row) => x.value(row) !== null && y.value(row) !== null);
  rows.sort((a, b) =>
    signX * (x.value(a) - x.value(b)) || signY * (y.value(a) - y.value(b))
      || place[standing.value(a)] - place[standing.value(b)]);
  sortedRows = { x, y, rows };
  return rows;
}

/**
 * The rows of a set that no other of them is better than in both, the best across first. None where
 * a metric has no direction.
 */
function stairRows(x, y, within) {
  if (!x.direction || !y.direction) return [];
  const sign = y.direction === "maximize" ? -1 : 1;
  const best = [];
  for (const row of stairOrder(x, y)) {
    const isBetter = !best.length || sign * y.value(row) < sign * y.value(best.at(-1));
    if (isBetter && within.has(row)) best.push(row);
  }
  return best;
}

/** The stairs as a path of values. */
function stairPath(x, y, rows) {
  return rows.flatMap((row, n) => {
    const corner = n ? [[x.value(row), y.value(rows[n - 1])]] : [];
    return [...corner, [x.value(row), y.value(row)]];
  });
}
