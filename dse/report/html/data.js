// The points of the study: columns of equal length, as dse/report/html/columns.py writes them.

const FRONTIER = ["leads", "tied", "behind"];

class Column {
  constructor(source) {
    Object.assign(this, source);
    this.isMetric = this.metric === true;
  }

  /** A number to sort, filter and draw by: a word's place; null where there is nothing. */
  value(row) {
    const cell = this.cells[row];
    return cell === null || (this.words && cell < 0) ? null : cell;
  }

  /** What a reader sees. */
  text(row) {
    const value = this.value(row);
    if (value === null) return "";
    return this.words ? this.words[value] : this.number(value);
  }

  number(value) {
    return Number.isInteger(this.decimals) ? value.toFixed(this.decimals) : String(value);
  }

  /** Lower and upper bound of a value, or null. */
  interval(row) {
    const low = this.low?.[row] ?? null;
    return low === null ? null : [low, this.high[row]];
  }

  /** What a value rests on. */
  basisOf(row) {
    const place = this.basis?.cells[row] ?? -1;
    return place < 0 ? "" : this.basis.words[place];
  }

  /** The different values there are, sorted as numbers or by the word. */
  distinct() {
    const found = [...new Set(this.cells.filter((_, row) => this.value(row) !== null))];
    if (!this.words) return found.sort((a, b) => a - b);
    return found.sort((a, b) => compareWords(this.words[a], this.words[b]));
  }
}

function compareWords(one, other) {
  return one.localeCompare(other, "en", { numeric: true });
}

const report = JSON.parse(document.getElementById("data").textContent);
const columns = report.columns.map((source) => new Column(source));
const byName = new Map(columns.map((column) => [column.name, column]));
const rowCount = byName.get("id").cells.length;
const standing = byName.get("standing");

function onFrontier(row) {
  return FRONTIER.includes(standing.text(row));
}

/** The configuration of a row in a few words. */
function nameOf(row) {
  const words = ["model", "precision", "backend"].map((name) => byName.get(name).text(row));
  return `#${byName.get("id").text(row)} ${words.join(" ")}`;
}
