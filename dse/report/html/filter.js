// What the reader typed into the filter: a condition, as of `--where`, or words.

const SAYS_MORE = /[<>=!()[\]'"]|(?:^|\s)(?:and|or|not|in|if|else)(?:\s|$)/;

let searched = null;

/** Every word of each row, in lower case; made when the first filter wants them. */
function searchTexts() {
  const named = columns.filter((column) => column.words);
  searched ??= allRows.map((row) => named.map((column) => column.text(row)).join(" ").toLowerCase());
  return searched;
}

/** Functions of a row by the names that expressions know; those without a column have no value. */
function namedValues() {
  const found = new Map(report.names.map((name) => [name, () => NONE]));
  for (const [name, fact] of Object.entries(report.facts)) found.set(name, () => fact);
  for (const column of [...fields, ...metrics]) found.set(column.name, (row) => column.known(row));
  for (const column of metrics) {
    for (const end of ["low", "high"]) {
      found.set(`${column.name}_${end}`, (row) => column[end]?.[row] ?? NONE);
    }
  }
  for (const [name, value] of [["true", true], ["false", false]]) found.set(name, () => value);
  return found;
}

const valuesByName = namedValues();

function valueOfName(name) {
  return valuesByName.get(name) ?? null;
}

/** The known name that is most like another one, as the end of a message. */
function suggestion(name) {
  const wanted = name.toLowerCase();
  const known = [...valuesByName.keys()];
  const near = known.find((each) => each.startsWith(wanted) || wanted.startsWith(each))
    ?? known.find((each) => each.includes(wanted));
  return near ? `; did you mean '${near}'?` : "";
}

/**
 * What a text keeps: `verdict(row)` is true, false, or NONE where a value is missing that would
 * decide it; `kind` is "condition", "words" or "", and `problem` says what is wrong.
 */
function readFilter(text) {
  const trimmed = text.trim();
  const whole = { kind: "", text: trimmed, problem: "", verdict: () => true };
  if (!trimmed) return whole;
  if (!SAYS_MORE.test(trimmed)) return readWords(trimmed, whole);
  try {
    const verdicts = allRows.map(parseExpression(text.trimEnd()));
    return { ...whole, kind: "condition", verdict: (row) => verdicts[row] };
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return { ...whole, problem: `not applied: ${error.problem} (character ${error.at + 1})` };
  }
}

function readWords(text, whole) {
  const words = text.toLowerCase().split(/\s+/);
  const name = words.find((word) => valuesByName.has(word));
  if (name) return { ...whole, problem: `not applied: compare ${name} with something` };
  const verdicts = searchTexts().map((own) => words.every((word) => own.includes(word)));
  return { ...whole, kind: "words", verdict: (row) => verdicts[row] };
}
