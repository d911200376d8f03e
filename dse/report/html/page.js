// Binds the controls of the page to its charts, its table and its answer.

const SHOWN = {
  kept: [...FRONTIER, "dominated"],
  frontier: FRONTIER,
  measured: [...FRONTIER, "dominated", "outside"],
  failed: ["failed"],
  all: report.standings,
};
const hidden = new Set(); // entries of the legend that were switched off
let chosen = null;
let legend = null;
let filter = readFilter("");

const points = new Chart(byId("points-chart"), { tip: byId("points-tip"), onselect: choose });
const table = new Table(byId("table"), { onselect: choose, onpage: showPager });
const answer = new Answer({ onchange: () => changed({ keepZoom: true }), onselect: choose });
const address = new Address({ read: readState, apply: applyState });

/** A column as an axis. Points that share a word lie beside each other. */
function axisOf(column, log) {
  const better = column.direction;
  const hint = { minimize: ", less is better", maximize: ", more is better" }[better] ?? "";
  const label = `${column.long ?? column.title}${hint}`;
  const interval = (row) => column.interval(row);
  if (!column.words) {
    return { label, better, kind: log ? "log" : "linear", interval, value: (row) => column.value(row) };
  }
  const ranks = rankOf(column);
  const words = column.words.map((_, n) => column.words[ranks.indexOf(n)]);
  const aside = (row) => (((row * 0.618034) % 1) - 0.5) * 0.6;
  const value = (row) => (column.value(row) === null ? null : ranks[column.value(row)] + aside(row));
  return { label, better, kind: "words", words, value };
}

function canBeLog(column) {
  return !column.words && column.cells.every((cell) => cell === null || cell > 0);
}

/** What the reader changed is shown, and kept in the address. */
function changed(options) {
  update(options);
  address.later();
}

function update({ keepZoom = false } = {}) {
  const { value } = byId("filter");
  if (value.trim() !== filter.text) filter = readFilter(value);
  byId("filter-problem").textContent = filter.problem;
  byId("filter").setAttribute("aria-invalid", String(Boolean(filter.problem)));
  answer.show(filter, chosen);
  const wanted = new Set(SHOWN[byId("show").value]);
  const rows = allRows.filter((row) => wanted.has(standing.text(row)));
  const held = rows.filter((row) => filter.verdict(row) === true);
  const within = held.filter((row) => answer.keeps(row));
  showCount(within.length, rows.filter((row) => filter.verdict(row) === NONE).length);
  const isOn = (row) => !hidden.has(legend.entryOf(row));
  const shown = within.filter(isOn);
  showPoints(held.filter(isOn), new Set(shown), keepZoom);
  table.show(tableColumns(), shown);
}

function showCount(count, undecided) {
  const kind = { condition: " with this condition", words: " with these words", "": "" }[filter.kind];
  const open = undecided ? `; ${undecided.toLocaleString("en")} lack a value that would decide it` : "";
  byId("count").textContent = `${count.toLocaleString("en")} of ${countOf(allRows.length, "point")}${kind}${open}`;
}

/** within: the rows that the limits leave; the others are shown faintly. */
function showPoints(rows, within, keepZoom) {
  const [x, y] = ["x", "y"].map((name) => byName.get(byId(name).value));
  const log = ["x-log", "y-log"].map((name) => byId(name).checked && !byId(name).disabled);
  const bars = byId("intervals").value;
  const ranks = allRows.map((row) => (within.has(row) ? rankInPlot(row) : 0));
  const rank = (row) => ranks[row];
  const best = stairRows(x, y, within);
  const limitOf = (column) => answer.asked.find((limit) => limit.column === column);
  points.show(
    {
      x: axisOf(x, log[0]),
      y: axisOf(y, log[1]),
      rows,
      rank,
      half: isUndecided,
      faint: (row) => !within.has(row),
      colour: (row) => legend.entries[legend.entryOf(row)]?.colour ?? REST,
      interval: (row) => within.has(row) && (bars === "all" || (bars === "leading" && rank(row) === 2)),
      line: byId("line").checked && best.length ? stairPath(x, y, best) : null,
      limits: Object.fromEntries(Object.entries({ x: limitOf(x), y: limitOf(y) }).filter(([, limit]) => limit)),
      marked: answer.marked.map(([row]) => row),
      names: namesOf(best, rank),
      describe,
    },
    { keepZoom },
  );
}

/** 2 for what leads or is tied with that, 1 for what is behind, 0 for all else. */
function rankInPlot(row) {
  if (!onFrontier(row)) return 0;
  return standing.text(row) === "behind" ? 1 : 2;
}

/** Rows with the names to show: those of the cards, then other models that lead, the ends first. */
function namesOf(best, rank) {
  const own = answer.marked.map(([row, mark]) => [row, `${mark} ${modelOf(row)}`]);
  const named = new Set(answer.marked.map(([row]) => modelOf(row)));
  const [first, ...others] = best.filter((row) => rank(row) === 2 && !named.has(modelOf(row)));
  const leading = [first, ...others.splice(-1), ...others].filter((row) => row !== undefined);
  return [...own, ...leading.map((row) => [row, modelOf(row)])];
}

/** Marks a row wherever it is, tells all that is known of it, and keeps it in the address. */
function choose(row) {
  showChosen(row);
  address.later();
}

function showChosen(row) {
  chosen = row;
  points.select(row, { tell: false });
  table.select(row);
  answer.mark(row);
  showDetails(row);
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
    ? "no rows"
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
  const varied = fields.filter((column) => !column.isConstant);
  const drawable = [...metrics, ...varied, standing];
  const entries = drawable.map((column) => [column.name, column.long ?? column.title]);
  fillOptions(byId("x"), entries, report.axes[0]);
  fillOptions(byId("y"), entries, report.axes[1]);
  const words = [...varied, standing, ...metrics];
  const first = words.find((column) => column.name === "backend") ?? words[0];
  fillOptions(byId("colour"), words.map((column) => [column.name, column.title]), first.name);
  for (const name of ["x", "y"]) allowLog(name, (column) => column.relative === true && name === "x");
  byId("columns").append(...columns.map((column) => columnBox(column)));
}

function columnBox(column) {
  const label = element("label", ` ${column.title}`);
  const box = element("input", "", { type: "checkbox", value: column.name });
  const usual = column.isMetric ? report.objectives.includes(column.name) : !column.isConstant;
  const failed = told.includes(column);
  box.checked = column.name === "id" || (usual && !failed) || column.name === "failure" && !column.isConstant;
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
  on("show", "change", () => changed());
  on("filter", "input", () => {
    offerNames();
    changed();
  });
  on("filter", "focus", offerNames);
  on("zoom-in", "click", () => points.zoomBy(0.5));
  on("zoom-out", "click", () => points.zoomBy(2));
  on("zoom-whole", "click", () => points.whole());
  on("page-first", "click", () => table.turnTo(0));
  on("page-previous", "click", () => table.turnTo(table.page - 1));
  on("page-next", "click", () => table.turnTo(table.page + 1));
  on("page-last", "click", () => table.turnTo(table.pages - 1));
}

/** What an address tells of the page. */
function readState() {
  return {
    point: chosen === null ? null : byName.get("id").value(chosen),
    best: answer.goal?.name,
    limits: Object.fromEntries(answer.asked.map((limit) => [limit.column.name, limit.value])),
    where: byId("filter").value.trim(),
    show: byId("show").value,
  };
}

function applyState({ point, best, limits, where, show }) {
  const row = point === null ? null : rowById.get(point);
  const isShown = row === null || SHOWN[show].includes(standing.text(row));
  byId("show").value = isShown ? show : "all";
  byId("filter").value = where;
  if (best) byId("goal").value = best;
  for (const limit of answer.limits) limit.set(limits[limit.column.name] ?? null);
  update();
  if (row !== chosen) showChosen(row);
}

fillControls();
showLegend();
const progressChart = showProgress();
bind();
bindTheme(() => {
  points.later();
  progressChart?.later();
});
const opened = parseState(location.hash);
applyState(opened);
if (opened.point !== null) byId("points").scrollIntoView();
// Two frames later it is on the screen.
requestAnimationFrame(() => requestAnimationFrame(() => {
  performance.mark("report-ready");
  document.documentElement.dataset.ready = "yes";
}));
