// Conditions in the language of `--where`, as dse/derived/_grammar.py and _expression.py have it.

const MAX_CHARACTERS = 500;
const MAX_DEPTH = 50; // of operators in each other
const MAX_BRACKETS = 100; // in each other
const KEYWORDS = ["and", "or", "not", "in", "if", "else", "True", "False"];
const TOKEN = new RegExp(
  [
    /(?<space>[ \t]+)/,
    /(?<number>(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?)(?![\w.])/,
    /(?<name>[A-Za-z_]\w*)/,
    /(?<text>'(?:[^'\\]|\\[\\'"])*'|"(?:[^"\\]|\\[\\'"])*")/,
    /(?<sign>\*\*|\/\/|[<>=!]=|[-+*/%<>()[\],])/,
  ].map((each) => each.source).join("|"),
  "y",
);

/** The tokens of a text, each with its kind, text and place; the last one is its end. */
function tokenize(text) {
  const tokens = [];
  const shape = new RegExp(TOKEN);
  for (let at = 0; at < text.length; at = shape.lastIndex) {
    const found = shape.exec(text);
    if (!found) throw new FilterError(whyNoToken(text.slice(at)), at);
    const [kind] = Object.entries(found.groups).find(([, each]) => each !== undefined);
    const known = kind === "name" && KEYWORDS.includes(found[0]) ? "keyword" : kind;
    if (kind !== "space") tokens.push({ kind: known, text: found[0], at });
  }
  return [...tokens, { kind: "end", text: "", at: text.length }];
}

function whyNoToken(rest) {
  if (/^[\d.]/.test(rest)) return "not a number";
  if (/^['"]/.test(rest)) return "a text in quotes has no end, or a backslash that hides nothing";
  if (rest.startsWith("=")) return "write == to compare";
  return `unexpected '${rest[0]}'`;
}

/**
 * Makes functions of a row of tokens, by recursive descent. A part of an expression has `of(row)`,
 * its value or NONE, the place `at` which it begins, and its `depth`; a list has `isList`.
 * nameOf: gives the function of a name, or null.
 */
class Parser {
  constructor(tokens, nameOf) {
    Object.assign(this, { tokens, nameOf, place: 0, brackets: 0 });
  }

  get token() {
    return this.tokens[this.place];
  }

  sees(...texts) {
    return ["keyword", "sign"].includes(this.token.kind) && texts.includes(this.token.text);
  }

  /** The token, if it is one of these texts; else null. */
  accept(...texts) {
    if (!this.sees(...texts)) return null;
    this.place += 1;
    return this.tokens[this.place - 1];
  }

  expect(text) {
    if (!this.accept(text)) throw this.unexpected(`expected '${text}'`);
  }

  unexpected(wanted) {
    const { kind, text, at } = this.token;
    return new FilterError(kind === "end" ? `${wanted} at the end` : `${wanted}, not '${text}'`, at);
  }

  /** Joins parts; a list may be among them only where it is asked for. */
  join(at, parts, of, list = null) {
    const wrong = parts.find((part) => part.isList && part !== list);
    if (wrong) throw new FilterError("a list has its place after 'in' only", wrong.at);
    return { at, of, depth: 1 + Math.max(0, ...parts.map((part) => part.depth)) };
  }

  whole() {
    const tree = this.expression();
    if (this.token.kind !== "end") throw this.unexpected("expected an operator");
    if (tree.depth > MAX_DEPTH) throw new FilterError(`nested more than ${MAX_DEPTH} deep`, 0);
    return this.join(0, [tree], tree.of);
  }

  expression() {
    this.brackets += 1;
    if (this.brackets > MAX_BRACKETS) throw new FilterError("too many brackets", this.token.at);
    const body = this.either();
    const sign = this.accept("if");
    const chosen = sign ? this.choice(body, sign.at) : body;
    this.brackets -= 1;
    return chosen;
  }

  choice(body, at) {
    const test = this.either();
    this.expect("else");
    const other = this.expression();
    return this.join(at, [test, body, other], (row) => {
      const value = test.of(row);
      return value === NONE ? NONE : (truth(value, "if", at) ? body : other).of(row);
    });
  }

  either() {
    return this.settled("or", () => this.settled("and", () => this.negated()));
  }

  /** `and` and `or` look at all of their parts: what has a value may settle it. */
  settled(word, next) {
    const parts = [next()];
    const { at } = this.token;
    while (this.accept(word)) parts.push(next());
    if (parts.length === 1) return parts[0];
    return this.join(at, parts, (row) => settle(parts.length, (n) => {
      const value = parts[n].of(row);
      return value === NONE ? NONE : truth(value, word, at);
    }, word === "or"));
  }

  negated() {
    const sign = this.accept("not");
    if (!sign) return this.compared();
    const inner = this.negated();
    return this.join(sign.at, [inner], (row) => {
      const value = inner.of(row);
      return value === NONE ? NONE : !truth(value, "not", sign.at);
    });
  }

  compared() {
    const parts = [this.sum()];
    const tests = [];
    for (let test = this.comparison(); test; test = this.comparison()) {
      tests.push(test);
      parts.push(this.sum());
    }
    if (!tests.length) return parts[0];
    const last = tests.find((test) => test.looksIn);
    if (last && tests.length > 1) throw new FilterError("write brackets around 'in'", last.at);
    const list = last ? parts[1] : null;
    return this.join(tests[0].at, parts, (row) => {
      const values = parts.map((part) => part.of(row));
      return settle(tests.length, (n) => {
        const [one, other] = [values[n], values[n + 1]];
        return one === NONE || other === NONE ? NONE : tests[n].apply(tests[n].at, one, other);
      }, false);
    }, list);
  }

  /** A sign of comparison, or null. */
  comparison() {
    const { at, text, kind } = this.token;
    const next = this.tokens[this.place + 1];
    const negated = kind === "keyword" && text === "not" && next.kind === "keyword" && next.text === "in";
    const word = negated ? "not in" : text;
    if (!["sign", "keyword"].includes(kind) || !COMPARISONS.has(word)) return null;
    this.place += negated ? 2 : 1;
    return { at, apply: COMPARISONS.get(word), looksIn: word.endsWith("in") };
  }

  sum() {
    return this.chain(["+", "-"], () => this.chain(["*", "/", "//", "%"], () => this.signed()));
  }

  chain(signs, next) {
    let left = next();
    for (let sign = this.accept(...signs); sign; sign = this.accept(...signs)) {
      left = this.computed(sign.at, OPERATORS.get(sign.text), [left, next()]);
    }
    return left;
  }

  signed() {
    const sign = this.accept("+", "-");
    if (sign) return this.computed(sign.at, SIGNS.get(sign.text), [this.signed()]);
    const base = this.atom();
    const power = this.accept("**");
    return power ? this.computed(power.at, OPERATORS.get("**"), [base, this.signed()]) : base;
  }

  computed(at, apply, parts) {
    return this.join(at, parts, (row) => {
      const values = [];
      for (const part of parts) {
        const value = part.of(row);
        if (value === NONE) return NONE;
        values.push(value);
      }
      return apply(at, ...values);
    });
  }

  atom() {
    const { kind, text, at } = this.token;
    if (this.sees("(", "[")) return this.bracketed();
    const constant = { keyword: { True: true, False: false }[text], number: 0, text: "" }[kind];
    if (kind !== "name" && constant === undefined) throw this.unexpected("expected a value");
    this.place += 1;
    if (kind === "name") return this.named(text, at);
    const value = { number: numberOf, text: unquoted }[kind]?.(text, at) ?? constant;
    return this.join(at, [], () => value);
  }

  named(name, at) {
    const calls = this.accept("(");
    const found = FUNCTIONS.get(name);
    if (calls && !found) throw new FilterError(`no function is called '${name}'`, at);
    if (calls) return this.called(name, found, at);
    if (found) throw new FilterError(`'${name}' is a function: write ${name}(...)`, at);
    const of = this.nameOf(name);
    if (!of) throw new FilterError(`nothing is called '${name}'${suggestion(name)}`, at);
    return this.join(at, [], of);
  }

  called(name, [apply, fewest, most], at) {
    const { items } = this.items(")");
    if (items.length < fewest || items.length > most) {
      throw new FilterError(`${name} does not take ${items.length} values`, at);
    }
    return this.computed(at, apply, items);
  }

  /** A list, or what stands in brackets. */
  bracketed() {
    const { text, at } = this.accept("(", "[");
    const { items, comma } = this.items(text === "(" ? ")" : "]");
    if (text === "(" && items.length === 1 && !comma) return items[0];
    const of = (row) => {
      const values = items.map((item) => item.of(row));
      return values.includes(NONE) ? NONE : values;
    };
    return { ...this.join(at, items, of), isList: true };
  }

  /** What stands between commas up to a bracket. */
  items(end) {
    const items = [];
    let comma = false;
    while (!this.sees(end)) {
      items.push(this.expression());
      comma = this.accept(",") !== null;
      if (!comma) break;
    }
    this.expect(end);
    return { items, comma: comma || items.length > 1 };
  }
}

/** One decisive verdict settles it, else every one has to be known; all of them are asked for. */
function settle(count, verdictOf, decisive) {
  let [isSettled, isOpen] = [false, false];
  for (let n = 0; n < count; n += 1) {
    const verdict = verdictOf(n);
    isOpen ||= verdict === NONE;
    isSettled ||= verdict === decisive;
  }
  if (isSettled) return decisive;
  return isOpen ? NONE : !decisive;
}

function numberOf(text, at) {
  const plain = text.replaceAll("_", "");
  const value = Number(plain);
  const whole = /^\d+$/.test(plain);
  if (whole && /^0+[1-9]/.test(plain)) throw new FilterError("a number begins with no 0", at);
  if (!Number.isFinite(value) || (whole && !Number.isSafeInteger(value))) {
    throw new FilterError("a number with too many digits", at);
  }
  return value;
}

function unquoted(text) {
  return text.slice(1, -1).replace(/\\(.)/g, "$1");
}

/** A test of rows: true, false, or NONE where a value is missing that would decide it. */
function parseExpression(text) {
  if (text.length > MAX_CHARACTERS) throw new FilterError(`more than ${MAX_CHARACTERS} characters`, MAX_CHARACTERS);
  const unseen = text.search(/[\p{Cf}\p{Zl}\p{Zp}]|(?!\t)\p{Cc}/u);
  if (unseen >= 0) throw new FilterError("a character that can't be seen", unseen);
  const tree = new Parser(tokenize(text), valueOfName).whole();
  return (row) => {
    const value = tree.of(row);
    if (value === NONE || typeof value === "boolean") return value;
    throw new FilterError(`this gives ${kindOf(value)}, not true or false`, 0);
  };
}
