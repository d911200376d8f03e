// The points as a table of pages, sorted by any column.

const PAGE_ROWS = 25;

class Table {
  /** onselect: called with the row whose button was pressed. */
  constructor(table, { onselect, onpage }) {
    Object.assign(this, { table, onselect, onpage });
    this.columns = [];
    this.rows = new Set();
    this.order = { column: standing, down: false };
    this.ordered = null; // all rows in this order, once it is asked for
    this.sorted = []; // those that are shown
    this.page = 0;
    this.selected = null;
  }

  show(shown, rows) {
    Object.assign(this, { columns: shown, rows: new Set(rows) });
    this.sort();
  }

  /** By a column; pressed again, the other way round. */
  sortBy(column) {
    const again = this.order.column === column;
    // Of what is better when it is more, the best come first.
    const best = column.direction === "maximize";
    this.order = { column, down: again ? !this.order.down : best };
    this.ordered = null;
    this.sort();
  }

  sort() {
    this.ordered ??= inOrder(this.order);
    this.sorted = this.ordered.filter((row) => this.rows.has(row));
    this.turnTo(0);
  }

  get pages() {
    return Math.max(1, Math.ceil(this.sorted.length / PAGE_ROWS));
  }

  turnTo(page) {
    this.page = Math.min(Math.max(page, 0), this.pages - 1);
    this.draw();
    this.onpage?.(this);
  }

  /** Turns to the page of a row and marks it; a focus on a row's button stays on one. */
  select(row) {
    this.selected = row;
    const focused = this.table.tBodies[0]?.contains(document.activeElement);
    const place = this.sorted.indexOf(row);
    this.turnTo(place < 0 ? this.page : Math.floor(place / PAGE_ROWS));
    if (focused) this.table.querySelector("[aria-current] button")?.focus();
  }

  draw() {
    const start = this.page * PAGE_ROWS;
    const rows = this.sorted.slice(start, start + PAGE_ROWS);
    this.drawHead();
    const drawn = `${this.headNames}; ${rows}; ${this.selected}`;
    if (drawn === this.drawn) return; // most keys change nothing here, and a table takes long to lay out
    this.drawn = drawn;
    const body = element("tbody", "", { role: "rowgroup" });
    body.append(...rows.map((row) => this.rowOf(row)));
    this.table.tBodies[0]?.remove();
    this.table.append(body);
  }

  /** The head is kept while it can be, for the button that was pressed has the focus. */
  drawHead() {
    const names = this.columns.map((column) => column.name).join();
    if (names !== this.headNames) {
      this.headNames = names;
      const row = element("tr", "", { role: "row" });
      row.append(...this.columns.map((column) => this.headOf(column)));
      this.table.tHead.replaceChildren(row);
    }
    const way = this.order.down ? "descending" : "ascending";
    [...this.table.tHead.rows[0].cells].forEach((cell, n) => {
      cell.setAttribute("aria-sort", this.columns[n] === this.order.column ? way : "none");
    });
  }

  headOf(column) {
    const cell = element("th", "", { scope: "col", role: "columnheader", class: column.words ? "" : "number" });
    const button = element("button", column.title, { type: "button", title: column.long ?? column.name });
    button.addEventListener("click", () => this.sortBy(column));
    cell.append(button);
    return cell;
  }

  rowOf(row) {
    const made = element("tr", "", { role: "row", class: standing.text(row) });
    if (row === this.selected) made.setAttribute("aria-current", "true");
    made.append(...this.columns.map((column) => this.cellOf(column, row)));
    return made;
  }

  cellOf(column, row) {
    if (column.name === "id") {
      const cell = element("th", "", { scope: "row", role: "rowheader", class: "number" });
      const label = `show ${nameOf(row)}`;
      const button = element("button", column.text(row), { type: "button", "aria-label": label });
      button.addEventListener("click", () => this.onselect(row));
      cell.append(button);
      return cell;
    }
    const cell = element("td", "", { role: "cell", class: column.words ? "" : "number", "data-title": column.title });
    cell.append(element("span", column.text(row)));
    const notes = `${column.reach(row)}${column.isPublished(row) ? " published" : ""}`;
    if (notes) cell.firstChild.append(element("small", notes));
    const ends = column.interval(row)?.map((end) => column.number(end)).join(" to ");
    const basis = [ends, column.basisOf(row)].filter(Boolean).join("; ");
    if (basis) cell.title = basis;
    return cell;
  }
}

/** All rows: what has no value last, whichever way they are sorted; of those alike the best first. */
function inOrder({ column, down }) {
  const ranks = column.words && rankOf(column);
  const keys = lossesOf((row) => {
    const value = column.value(row);
    return value === null || !ranks ? value : ranks[value];
  }, down);
  const [best] = objectives;
  const ties = lossesOf((row) => best?.value(row) ?? null, best?.direction === "maximize");
  return [...allRows].sort((a, b) => compare(keys[a], keys[b]) || compare(ties[a], ties[b]) || a - b);
}

/** Places of a column's words in their order: standings from the best, others by the alphabet. */
function rankOf(column) {
  const order =
    column === standing
      ? report.standings.filter((each) => column.words.includes(each))
      : [...column.words].sort(compareWords);
  return column.words.map((word) => order.indexOf(word));
}

/** By row, a number that is the less the earlier it comes; infinite where there is none. */
function lossesOf(valueOf, down) {
  return allRows.map((row) => {
    const value = valueOf(row);
    return value === null ? Infinity : down ? -value : value;
  });
}

function compare(one, other) {
  return one === other ? 0 : one < other ? -1 : 1;
}
