// The best that there is of two metrics alone.

/**
 * The rows that no other is better than in both, the best across first; of several with the same
 * values the one with the best standing. None where a metric has no direction.
 */
function stairRows(x, y, rows) {
  if (!x.direction || !y.direction) return [];
  const [signX, signY] = [x, y].map((each) => (each.direction === "maximize" ? -1 : 1));
  const place = (row) => report.standings.indexOf(standing.text(row));
  const known = rows.filter((row) => x.value(row) !== null && y.value(row) !== null);
  known.sort((a, b) =>
    signX * (x.value(a) - x.value(b)) || signY * (y.value(a) - y.value(b)) || place(a) - place(b));
  const best = [];
  for (const row of known) {
    if (!best.length || signY * y.value(row) < signY * y.value(best.at(-1))) best.push(row);
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
