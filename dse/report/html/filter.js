// What the reader typed into the filter: words, and comparisons such as latency_p90_ms<5.

const COMPARISON = /^([^<>=]+)(<=|>=|<|>|=)(.+)$/;
const COMPARE = {
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
  "=": (a, b) => a === b,
};

let searched = null;

/** Every word of a row, in lower case; made when the first filter wants them. */
function searchText(row) {
  searched ??= Array.from({ length: rowCount }, (_, each) =>
    columns.map((column) => (column.words ? column.text(each) : "")).join(" ").toLowerCase());
  return searched[row];
}

/** A test of rows, and what is wrong with the text, if anything is. */
function parseFilter(text) {
  const tests = [];
  for (const term of text.toLowerCase().split(/\s+/).filter(Boolean)) {
    const found = term.match(COMPARISON);
    if (!found) {
      tests.push((row) => searchText(row).includes(term));
      continue;
    }
    const [, name, sign, wanted] = found;
    const column = byName.get(name);
    const problem = wrongWith(column, name, sign, wanted);
    if (problem) return { test: () => true, problem };
    tests.push(comparison(column, sign, wanted));
  }
  return { test: (row) => tests.every((each) => each(row)), problem: "" };
}

function wrongWith(column, name, sign, wanted) {
  if (!column) return `there is no column ${name}`;
  if (column.words && sign !== "=") return `${name} has words: use =`;
  if (!column.words && !Number.isFinite(Number(wanted))) return `${wanted} is not a number`;
  return "";
}

function comparison(column, sign, wanted) {
  if (column.words) return (row) => column.text(row).toLowerCase() === wanted;
  const limit = Number(wanted);
  return (row) => {
    const value = column.value(row);
    return value !== null && COMPARE[sign](value, limit);
  };
}
