// What is told of a point: a few lines under the pointer, and all that is known beside the plot.

function describe(row) {
  const known = metrics.filter((column) => column.value(row) !== null);
  return [
    nameOf(row),
    settingsOf(row),
    ...known.slice(0, 5).map((column) => valueInWords(column, row)),
    standing.text(row) === "failed" ? `failed: ${byName.get("failure").text(row)}` : "",
    ...notesOf(row),
  ].filter(Boolean);
}

function showDetails(row) {
  const list = byId("details");
  list.replaceChildren();
  byId("details-title").textContent = row === null ? "No point is chosen" : nameOf(row);
  byId("details-help").hidden = row !== null;
  if (row === null) return;
  const add = (term, text, note) => {
    const value = element("dd", text);
    if (note) value.append(element("small", ` ${note}`));
    list.append(element("dt", term), value);
  };
  if (report.card) addCard(list, row);
  add(standing.long, `${standing.text(row)}: ${report.meanings[standing.text(row)]}`);
  for (const column of told.filter((each) => each.text(row))) add(column.title, column.text(row));
  for (const column of metrics.filter((each) => each.value(row) !== null)) {
    const ends = column.interval(row)?.map((end) => column.number(end)).join(" to ");
    add(column.long, column.worded(column.value(row)) + column.reach(row), [ends, column.basisOf(row)].filter(Boolean).join("; "));
  }
  for (const column of fields.filter((each) => each.text(row))) add(column.title, column.text(row));
}

/** A link to the page of a point, where there is one. */
function addCard(list, row) {
  const [before, after] = report.card;
  const value = element("dd");
  const address = `${before}${byName.get("id").text(row)}${after}`;
  value.append(element("a", "all that is known of it, and how to deploy it", { href: address }));
  list.append(element("dt", "page"), value);
}
