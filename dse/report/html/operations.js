// What the operators and functions of an expression do: the same as dse/derived/_operations.py.

const MANY_DIGITS = 100;

/** What is wrong with an expression, and from which of its characters on. */
class FilterError {
  constructor(problem, at) {
    Object.assign(this, { problem, at });
  }
}

function kindOf(value) {
  return { number: "a number", string: "text", boolean: "true or false" }[typeof value];
}

/** Arithmetic of numbers alone; what has no finite result has none at all. */
function arithmetic(word, apply) {
  return (at, ...numbers) => {
    const wrong = numbers.find((value) => typeof value !== "number");
    if (wrong !== undefined) throw new FilterError(`'${word}' takes numbers, not ${kindOf(wrong)}`, at);
    const result = apply(...numbers);
    if (result === undefined) throw new FilterError(`'${word}' takes a whole number of digits`, at);
    return Number.isFinite(result) ? result : NONE;
  };
}

/** The remainder has the sign of the divisor. */
function modulo(one, other) {
  const rest = one % other;
  return rest && rest < 0 !== other < 0 ? rest + other : rest;
}

function floorDivide(one, other) {
  const rest = one % other;
  const quotient = (one - rest) / other - (rest && rest < 0 !== other < 0 ? 1 : 0);
  const whole = Math.floor(quotient);
  return quotient - whole > 0.5 ? whole + 1 : whole;
}

/** To the nearest, and to the even one of two that are as near; undefined for half a digit. */
function roundHalfEven(value, digits = 0) {
  if (!Number.isInteger(digits)) return undefined;
  if (digits < 0) return roundToUnit(value, 10 ** -digits);
  if (digits > MANY_DIGITS || Math.abs(value) >= 1e21) return value;
  const [up, exact] = [digits, MANY_DIGITS].map((each) => Math.abs(value).toFixed(each));
  const end = exact.indexOf(".") + (digits ? 1 + digits : 0);
  const [down, rest] = [exact.slice(0, end), exact.slice(end).replace(".", "")];
  const chosen = /^50*$/.test(rest) && "02468".includes(down.at(-1)) ? down : up;
  return Math.sign(value) * Number(chosen);
}

function roundToUnit(value, unit) {
  if (!Number.isFinite(unit)) return 0;
  const rest = value % unit;
  const base = value - rest;
  const twice = 2 * Math.abs(rest);
  const up = twice > unit || (twice === unit && (base / unit) % 2 !== 0);
  return up ? base + Math.sign(value) * unit : base;
}

function logarithm(value, base) {
  if (value <= 0 || base <= 0) return NaN;
  return base === undefined ? Math.log(value) : Math.log(value) / Math.log(base);
}

/** A comparison of values of one kind; only numbers have an order. */
function comparison(word, apply, ordered) {
  return (at, one, other) => {
    if (typeof one !== typeof other) {
      throw new FilterError(`'${word}' can't compare ${kindOf(one)} with ${kindOf(other)}`, at);
    }
    if (ordered && typeof one !== "number") {
      throw new FilterError(`'${word}' compares numbers, not ${kindOf(one)}`, at);
    }
    return apply(one, other);
  };
}

/** Whether a value is in a list of such values, or a text in a text. */
function within(word) {
  return (at, value, many) => {
    if (!Array.isArray(many) && typeof many !== "string") {
      throw new FilterError(`'${word}' looks in lists and texts, not in ${kindOf(many)}`, at);
    }
    const wrong = [many].flat().find((each) => typeof each !== typeof value);
    if (wrong !== undefined) {
      throw new FilterError(`'${word}' can't look for ${kindOf(value)} in ${kindOf(wrong)}`, at);
    }
    return many.includes(value) === (word === "in");
  };
}

function truth(value, word, at) {
  if (typeof value === "boolean") return value;
  throw new FilterError(`'${word}' takes comparisons, not ${kindOf(value)}`, at);
}

const OPERATORS = new Map([
  ["+", arithmetic("+", (one, other) => one + other)],
  ["-", arithmetic("-", (one, other) => one - other)],
  ["*", arithmetic("*", (one, other) => one * other)],
  ["/", arithmetic("/", (one, other) => one / other)],
  ["//", arithmetic("//", floorDivide)],
  ["%", arithmetic("%", modulo)],
  ["**", arithmetic("**", (one, other) => one ** other)],
]);
const SIGNS = new Map([
  ["+", arithmetic("+", (value) => value)],
  ["-", arithmetic("-", (value) => -value)],
]);
const COMPARISONS = new Map([
  ["==", comparison("==", (one, other) => one === other, false)],
  ["!=", comparison("!=", (one, other) => one !== other, false)],
  ["<", comparison("<", (one, other) => one < other, true)],
  ["<=", comparison("<=", (one, other) => one <= other, true)],
  [">", comparison(">", (one, other) => one > other, true)],
  [">=", comparison(">=", (one, other) => one >= other, true)],
  ["in", within("in")],
  ["not in", within("not in")],
]);
// Each with the fewest and the most numbers that it takes.
const FUNCTIONS = new Map([
  ["abs", [arithmetic("abs", Math.abs), 1, 1]],
  ["log", [arithmetic("log", logarithm), 1, 2]],
  ["log10", [arithmetic("log10", (value) => (value > 0 ? Math.log10(value) : NaN)), 1, 1]],
  ["log2", [arithmetic("log2", (value) => (value > 0 ? Math.log2(value) : NaN)), 1, 1]],
  ["max", [arithmetic("max", Math.max), 2, Infinity]],
  ["min", [arithmetic("min", Math.min), 2, Infinity]],
  ["round", [arithmetic("round", roundHalfEven), 1, 2]],
  ["sqrt", [arithmetic("sqrt", Math.sqrt), 1, 1]],
]);
