// What may come next in the filter. A list of the browser replaces the whole text, so that is
// what each entry has.

const MOST_OFFERED = 16;

/** A value as an expression has it. */
function literalOf(value) {
  if (typeof value !== "string") return String(value);
  const mark = value.includes("'") && !value.includes('"') ? '"' : "'";
  const hidden = value.replace(/[\\'"]/g, (each) => (each === mark || each === "\\" ? `\\${each}` : each));
  return mark + hidden + mark;
}

/** What may stand at the end of a text, and the text before that. */
function completions(text) {
  const words = /(?:^|[^\w])(\w+)\s*(?:==|!=|\bin\s*[([](?:[^)\]]*,)?)\s*(['"]?[^'",()[\]]*)$/.exec(text);
  const column = words && byName.get(words[1]);
  if (column?.words) {
    const begun = words[2].replace(/^['"]/, "");
    const literals = column.words.map((word, n) => literalOf(column.values?.[n] ?? word));
    const fitting = literals.filter((each) => each.replace(/^['"]/, "").startsWith(begun));
    return { before: text.slice(0, text.length - words[2].length), fitting };
  }
  const [begun] = /[A-Za-z_]*\w*$/.exec(text);
  const names = [...fields, ...metrics].filter((each) => each.distinct().length).map((each) => each.name);
  const fitting = [
    ...names.filter((name) => name.startsWith(begun)),
    ...names.filter((name) => name.includes(begun) && !name.startsWith(begun)),
  ];
  return { before: text.slice(0, text.length - begun.length), fitting };
}

function offerNames() {
  const { before, fitting } = completions(byId("filter").value);
  const offered = fitting.slice(0, MOST_OFFERED).map((each) => element("option", "", { value: before + each }));
  byId("offered").replaceChildren(...offered);
}
