// Binds the controls of the page to its charts and its table.

const SHOWN = {
  kept: [...FRONTIER, "dominated"],
  frontier: FRONTIER,
  measured: [...FRONTIER, "dominated", "outside"],
  failed: ["failed"],
  all: report.standings,
};
const FIELDS_END = columns.findIndex((column) => column.isMetric);
const fields = columns.slice(2, FIELDS_END < 0 ? -3 : FIELDS_END);
const metrics = columns.filter((column) => column.isMetric);
const told = columns.slice(-3); // notes, and why it failed
const hidden = new Set(); // entries of the legend that were switched off
let chosen = null;
let legend = null;

const points = new Chart(byId("points-chart"), { tip: byId("points-tip"), onselect: choose });
const table = new Table(byId("table"), { onselect: choose, onpage: showPager });

/** A column as an axis. Points that share a word lie beside each other. */
function axisOf(column, log) {
  const hint = { minimize: ", less is better", maximize: ", more is better" }[column.direction] ?? "";
  const label = `${column.long ?? column.title}${hint}`;
  const interval = (row) => column.interval(row);
  if (!column.words) {
    return { label, kind: log ? "log" : "linear", interval, value: (row) => column.value(row) };
  }
  const ranks = rankOf(column);
  const words = column.words.map((_, n) => column.words[ranks.indexOf(n)]);
  const aside = (row) => (((row * 0.618034) % 1) - 0.5) * 0.6;
  const value = (row) => (column.value(row) === null ? null : ranks[column.value(row)] + aside(row));
  return { label, kind: "words", words, value };
}

function canBeLog(column) {
  return !column.words && column.cells.every((cell) => cell === null || cell > 0);
}

function selectedRows() {
  const wanted = new Set(SHOWN[byId("show").value]);
  const { test, problem } = parseFilter(byId("filter").value);
  byId("filter-problem").textContent = problem;
  byId("filter").setAttribute("aria-invalid", String(Boolean(problem)));
  const found = [];
  for (let row = 0; row < rowCount; row += 1) {
    if (wanted.has(standing.text(row)) && test(row)) found.push(row);
  }
  return found;
}

function update({ keepZoom = false } = {}) {
  const rows = selectedRows();
  byId("count").textContent = `${rows.length.toLocaleString("en")} of ${rowCount.toLocaleString("en")}`;
  const kept = rows.filter((row) => !hidden.has(legend.entryOf(row)));
  showPoints(kept, keepZoom);
  table.show(tableColumns(), kept);
}

function showPoints(rows, keepZoom) {
  const [x, y] = ["x", "y"].map((name) => byName.get(byId(name).value));
  const log = ["x-log", "y-log"].map((name) => byId(name).checked && !byId(name).disabled);
  const bars = byId("intervals").value;
  points.show(
    {
      x: axisOf(x, log[0]),
      y: axisOf(y, log[1]),
      rows,
      rank: (row) => (standing.text(row) === "behind" ? 1 : onFrontier(row) ? 2 : 0),
      colour: (row) => legend.entries[legend.entryOf(row)]?.colour ?? REST,
      interval: (row) => bars === "all" || (bars === "frontier" && onFrontier(row)),
      line: byId("line").checked ? stairs(x, y, rows) : null,
      describe,
    },
    { keepZoom },
  );
}

/** The best that there is of two metrics alone, as a path; null where one has no direction. */
function stairs(x, y, rows) {
  if (!x.direction || !y.direction) return null;
  const [signX, signY] = [x, y].map((each) => (each.direction === "maximize" ? -1 : 1));
  const values = rows.map((row) => [x.value(row), y.value(row)]);
  const known = values.filter((pair) => !pair.includes(null));
  known.sort((a, b) => signX * (a[0] - b[0]) || signY * (a[1] - b[1]));
  const path = [];
  for (const [across, up] of known) {
    const last = path.at(-1);
    if (last && signY * up >= signY * last[1]) continue;
    if (last) path.push([across, last[1]]);
    path.push([across, up]);
  }
  return path;
}

function describe(row) {
  const varied = fields.slice(3).filter((column) => !isConstant(column) && column.text(row));
  const known = metrics.filter((column) => column.value(row) !== null);
  return [
    nameOf(row),
    varied.map((column) => `${column.title} ${column.text(row)}`).join(", "),
    ...known.slice(0, 5).map((column) => `${column.title}: ${valueOf(column, row)}`),
    standing.text(row) === "failed" ? `failed: ${byName.get("failure").text(row)}` : "",
  ].filter(Boolean);
}

function valueOf(column, row) {
  const interval = column.interval(row);
  const ends = interval ? ` [${interval.map((end) => column.number(end)).join(", ")}]` : "";
  const published = column.basisOf(row).startsWith("published") ? " published" : "";
  return `${column.text(row)}${published}${ends}`;
}

/** Marks a row in the plot and in the table, and tells all that is known of it. */
function choose(row) {
  chosen = row;
  points.select(row, { tell: false });
  table.select(row);
  const list = byId("details");
  list.replaceChildren();
  byId("details-title").textContent = row === null ? "No point is chosen" : nameOf(row);
  if (row === null) return;
  const add = (term, text, note) => {
    const value = element("dd", text);
    if (note) value.append(element("small", ` ${note}`));
    list.append(element("dt", term), value);
  };
  add("standing", `${standing.text(row)}: ${report.meanings[standing.text(row)]}`);
  for (const column of [...fields, ...told].filter((each) => each.text(row))) {
    add(column.title, column.text(row));
  }
  for (const column of metrics.filter((each) => each.value(row) !== null)) {
    add(column.long, valueOf(column, row), column.basisOf(row));
  }
}

function isConstant(column) {
  column.constant ??= column.distinct().length < 2;
  return column.constant;
}

function tableColumns() {
  const boxes = [...byId("columns").querySelectorAll("input:checked")];
  return boxes.map((box) => byName.get(box.value));
}

function showPager() {
  const start = table.page * PAGE_ROWS;
  const end = Math.min(start + PAGE_ROWS, table.sorted.length);
  const none = table.sorted.length === 0;
  byId("page-now").textContent = none
    ? "no row"
    : `rows ${start + 1} to ${end} of ${table.sorted.length.toLocaleString("en")}`;
  for (const name of ["first", "previous"]) byId(`page-${name}`).disabled = table.page === 0;
  for (const name of ["next", "last"]) byId(`page-${name}`).disabled = table.page >= table.pages - 1;
}

function showLegend() {
  legend = colouring(byName.get(byId("colour").value));
  hidden.clear();
  const items = legend.entries.map((entry, n) => {
    const button = element("button", entry.text, { type: "button", "aria-pressed": "true" });
    const dot = element("span", "", { class: "dot", "aria-hidden": "true" });
    dot.style.background = entry.colour;
    button.prepend(dot);
    button.addEventListener("click", () => {
      if (!hidden.delete(n)) hidden.add(n);
      button.setAttribute("aria-pressed", String(!hidden.has(n)));
      update({ keepZoom: true });
    });
    const item = element("li");
    item.append(button);
    return item;
  });
  byId("legend").replaceChildren(...items);
}

function allowLog(name, wanted) {
  const column = byName.get(byId(name).value);
  const box = byId(`${name}-log`);
  box.disabled = !canBeLog(column);
  box.checked = !box.disabled && wanted(column);
}

function fillControls() {
  const drawable = [...metrics, ...fields.filter((column) => !isConstant(column)), standing];
  const entries = drawable.map((column) => [column.name, column.long ?? column.title]);
  fillOptions(byId("x"), entries, report.axes[0]);
  fillOptions(byId("y"), entries, report.axes[1]);
  const words = [...fields.filter((column) => !isConstant(column)), standing, ...metrics];
  const first = words.find((column) => column.name === "backend") ?? words[0];
  fillOptions(byId("colour"), words.map((column) => [column.name, column.title]), first.name);
  for (const name of ["x", "y"]) allowLog(name, (column) => column.relative === true && name === "x");
  byId("columns").append(...columns.map((column) => columnBox(column)));
}

function columnBox(column) {
  const label = element("label", ` ${column.title}`);
  const box = element("input", "", { type: "checkbox", value: column.name });
  const usual = column.isMetric ? report.objectives.includes(column.name) : !isConstant(column);
  const failed = told.includes(column);
  box.checked = column.name === "id" || (usual && !failed) || column.name === "failure" && !isConstant(column);
  box.disabled = column.name === "id";
  box.addEventListener("change", () => update({ keepZoom: true }));
  label.prepend(box);
  return label;
}

function bind() {
  const on = (id, name, work) => byId(id).addEventListener(name, work);
  for (const name of ["x", "y"]) {
    on(name, "change", () => {
      allowLog(name, (column) => column.relative === true);
      update();
    });
    on(`${name}-log`, "change", () => update());
  }
  on("colour", "change", () => {
    showLegend();
    update({ keepZoom: true });
  });
  for (const name of ["intervals", "line"]) on(name, "change", () => update({ keepZoom: true }));
  on("show", "change", () => update());
  on("filter", "input", () => update());
  on("zoom-in", "click", () => points.zoomBy(0.5));
  on("zoom-out", "click", () => points.zoomBy(2));
  on("zoom-whole", "click", () => points.whole());
  on("page-first", "click", () => table.turnTo(0));
  on("page-previous", "click", () => table.turnTo(table.page - 1));
  on("page-next", "click", () => table.turnTo(table.page + 1));
  on("page-last", "click", () => table.turnTo(table.pages - 1));
  bindTheme();
}

function bindTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = byId("theme");
  const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const apply = () => {
    button.setAttribute("aria-pressed", String(isDark()));
    points.later();
    progressChart?.later();
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    apply();
  });
  system.addEventListener("change", apply);
  apply();
}

fillControls();
showLegend();
const progressChart = showProgress();
bind();
update();
// Two frames later it is on the screen.
requestAnimationFrame(() => requestAnimationFrame(() => {
  performance.mark("report-ready");
  document.documentElement.dataset.ready = "yes";
}));
