// The points of the study: columns of equal length, as dse/report/html/_columns.py writes them.

const FRONTIER = ["leads", "tied", "behind"];
const SHOWN_DIGITS = 6; // of values for which no number of decimals is known
const NONE = Symbol("no value");

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

  /** What an expression sees: a number, a text, true or false; NONE where there is nothing. */
  known(row) {
    const value = this.value(row);
    if (value === null) return NONE;
    return this.words ? (this.values?.[value] ?? this.words[value]) : value;
  }

  /** What a reader sees. */
  text(row) {
    const value = this.value(row);
    if (value === null) return "";
    return this.words ? this.words[value] : this.number(value);
  }

  number(value) {
    if (Number.isInteger(this.decimals)) return value.toFixed(this.decimals);
    return String(Number.isInteger(value) ? value : Number(value.toPrecision(SHOWN_DIGITS)));
  }

  /** A value with its name and unit, such as "p90 1.936 ms" or "509.5 samples/s". */
  worded(value) {
    const [words, unit] = this.title.split(" [");
    const number = this.number(value);
    return unit ? `${words} ${number} ${unit.slice(0, -1)}` : `${number} ${words}`;
  }

  /** Lower and upper bound of a value, or null. */
  interval(row) {
    const low = this.low?.[row] ?? null;
    return low === null ? null : [low, this.high[row]];
  }

  /** How far the interval reaches, to its farther end, such as " ±12%"; empty without one. */
  reach(row) {
    const [value, interval] = [this.value(row), this.interval(row)];
    if (!value || !interval) return "";
    const share = (100 * Math.max(...interval.map((end) => Math.abs(end - value)))) / Math.abs(value);
    if (share > 999) return " ±>999%";
    return share ? ` ±${share.toFixed(share >= 10 ? 0 : 1)}%` : "";
  }

  /** What a value rests on. */
  basisOf(row) {
    const place = this.basis?.cells[row] ?? -1;
    return place < 0 ? "" : this.basis.words[place];
  }

  isPublished(row) {
    return this.basisOf(row).startsWith("published");
  }

  /** The different values there are, sorted as numbers or by the word. */
  distinct() {
    this.levels ??= this.sortedLevels();
    return this.levels;
  }

  sortedLevels() {
    const found = [...new Set(this.cells.filter((_, row) => this.value(row) !== null))];
    if (!this.words) return found.sort((a, b) => a - b);
    return found.sort((a, b) => compareWords(this.words[a], this.words[b]));
  }

  get isConstant() {
    return this.distinct().length < 2;
  }
}

function compareWords(one, other) {
  return one.localeCompare(other, "en", { numeric: true });
}

const report = JSON.parse(document.getElementById("data").textContent);
const columns = report.columns.map((source) => new Column(source));
const byName = new Map(columns.map((column) => [column.name, column]));
const allRows = byName.get("id").cells.map((_, row) => row);
const rowById = new Map(allRows.map((row) => [byName.get("id").cells[row], row]));
const standing = byName.get("standing");
const metrics = columns.filter((column) => column.isMetric);
const objectives = report.objectives.map((name) => byName.get(name)).filter(Boolean);
const told = columns.slice(-3); // notes, and why it failed
const fields = columns.slice(2, -3).filter((column) => !column.isMetric);

function onFrontier(row) {
  return FRONTIER.includes(standing.text(row));
}

function notesOf(row) {
  return byName.get("notes").text(row).split("; ").filter(Boolean);
}

/** Whether a point leads by its values, but may be behind another one. */
function isUndecided(row) {
  return notesOf(row).includes(report.undecided);
}

function modelOf(row) {
  return `${byName.get("model").text(row)} ${byName.get("precision").text(row)}`;
}

/** The configuration of a row in a few words. */
function nameOf(row) {
  return `#${byName.get("id").text(row)} ${modelOf(row)} ${byName.get("backend").text(row)}`;
}

/** How a model is run, in words: threads, batch size, and what is not the default. */
function settingsOf(row) {
  const [threads, batch, instances, pinned] = ["threads", "batch_size", "instances", "pinned"].map(
    (name) => byName.get(name),
  );
  const copies = instances.value(row) > 1 ? `${instances.text(row)} x ` : "";
  const knobs = fields.slice(fields.indexOf(pinned) + 1).filter((column) => column.text(row));
  return [
    `${copies}${threads.text(row)} ${threads.value(row) === 1 ? "thread" : "threads"}`,
    `batch ${batch.text(row)}`,
    ...(pinned.known(row) === true ? ["pinned"] : []),
    ...knobs.map((column) => `${column.name}=${column.text(row)}`),
  ].join(", ");
}
