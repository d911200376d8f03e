// The points as a table of pages, sorted by any column.

const PAGE_ROWS = 50;
const LAST = [null]; // what has no value comes last, whichever way it is sorted

class Table {
  /** onselect: called with the row whose button was pressed. */
  constructor(table, { onselect, onpage }) {
    Object.assign(this, { table, onselect, onpage });
    this.columns = [];
    this.rows = [];
    this.sorted = [];
    this.order = { column: standing, down: false };
    this.page = 0;
    this.selected = null;
  }

  show(shown, rows) {
    Object.assign(this, { columns: shown, rows });
    this.sort();
  }

  /** By a column; pressed again, the other way round. */
  sortBy(column) {
    const again = this.order.column === column;
    // Of what is better when it is more, the best come first.
    const best = column.direction === "maximize";
    this.order = { column, down: again ? !this.order.down : best };
    this.sort();
  }

  sort() {
    const { column, down } = this.order;
    const ranks = column.words && rankOf(column);
    const key = (row) => {
      const value = column.value(row);
      return value === null || !ranks ? value : ranks[value];
    };
    const sign = down ? -1 : 1;
    this.sorted = [...this.rows].sort((a, b) => {
      const [one, other] = [key(a), key(b)];
      if (LAST.includes(one) || LAST.includes(other)) return (one === null) - (other === null);
      return sign * (one - other) || tieBreak(a, b);
    });
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

  /** Turns to the page of a row and marks it. */
  select(row) {
    this.selected = row;
    const place = this.sorted.indexOf(row);
    this.turnTo(place < 0 ? this.page : Math.floor(place / PAGE_ROWS));
  }

  draw() {
    const start = this.page * PAGE_ROWS;
    const rows = this.sorted.slice(start, start + PAGE_ROWS);
    this.drawHead();
    const body = element("tbody");
    body.append(...rows.map((row) => this.rowOf(row)));
    this.table.tBodies[0]?.remove();
    this.table.append(body);
  }

  /** The head is kept while it can be, for the button that was pressed has the focus. */
  drawHead() {
    const names = this.columns.map((column) => column.name).join();
    if (names !== this.headNames) {
      this.headNames = names;
      const row = element("tr");
      row.append(...this.columns.map((column) => this.headOf(column)));
      this.table.tHead.replaceChildren(row);
    }
    const way = this.order.down ? "descending" : "ascending";
    [...this.table.tHead.rows[0].cells].forEach((cell, n) => {
      cell.setAttribute("aria-sort", this.columns[n] === this.order.column ? way : "none");
    });
  }

  headOf(column) {
    const cell = element("th", "", { scope: "col", class: column.words ? "" : "number" });
    const button = element("button", column.title, { type: "button", title: column.long ?? column.name });
    button.addEventListener("click", () => this.sortBy(column));
    cell.append(button);
    return cell;
  }

  rowOf(row) {
    const made = element("tr", "", { class: standing.text(row) });
    if (row === this.selected) made.setAttribute("aria-current", "true");
    made.append(...this.columns.map((column) => this.cellOf(column, row)));
    return made;
  }

  cellOf(column, row) {
    if (column.name === "id") {
      const cell = element("th", "", { scope: "row", class: "number" });
      const label = `show ${nameOf(row)}`;
      const button = element("button", column.text(row), { type: "button", "aria-label": label });
      button.addEventListener("click", () => this.onselect(row));
      cell.append(button);
      return cell;
    }
    const cell = element("td", column.text(row), { class: column.words ? "" : "number" });
    const basis = column.basisOf(row);
    if (basis.startsWith("published")) cell.append(element("small", " published"));
    const interval = column.interval(row);
    if (interval && interval[0] < interval[1]) {
      const ends = interval.map((end) => column.number(end)).join(", ");
      cell.append(element("small", ` [${ends}]`, { class: "interval" }));
    }
    if (basis) cell.title = basis;
    return cell;
  }
}

/** Places of a column's words in their order: standings from the best, others by the alphabet. */
function rankOf(column) {
  const order =
    column === standing
      ? report.standings.filter((each) => column.words.includes(each))
      : [...column.words].sort(compareWords);
  return column.words.map((word) => order.indexOf(word));
}

/** Those that are alike: the best of the first objective first. */
function tieBreak(one, other) {
  const column = byName.get(report.objectives[0]);
  const [a, b] = [one, other].map((row) => column?.value(row) ?? null);
  if (a === null || b === null) return one - other;
  return (column.direction === "maximize" ? b - a : a - b) || one - other;
}
