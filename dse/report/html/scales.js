// From values to pixels and back, and where an axis has its ticks.

const STEPS = [1, 2, 5, 10];

class Scale {
  /** kind: "linear", "log", or "words", whose values are places in a list. */
  constructor(kind, low, high, from, to) {
    Object.assign(this, { kind, low, high, from, to });
    const ends = [this.turned(low), this.turned(high)];
    this.start = ends[0];
    this.width = ends[1] - ends[0] || 1;
  }

  turned(value) {
    return this.kind === "log" ? Math.log10(value) : value;
  }

  at(value) {
    return this.from + ((this.turned(value) - this.start) / this.width) * (this.to - this.from);
  }

  back(pixel) {
    const turned = this.start + ((pixel - this.from) / (this.to - this.from)) * this.width;
    return this.kind === "log" ? 10 ** turned : turned;
  }

  ticks(most) {
    if (this.kind === "words") return wholeTicks(this.low, this.high, most);
    return this.kind === "log"
      ? logTicks(this.low, this.high, most)
      : linearTicks(this.low, this.high, most);
  }
}

function linearTicks(low, high, most) {
  const rough = (high - low) / Math.max(1, most) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * STEPS.find((each) => each * power >= rough * 0.999);
  const ticks = [];
  for (let n = Math.ceil(low / step); n * step <= high; n += 1) {
    ticks.push(Number((n * step).toPrecision(12)));
  }
  return ticks;
}

function logTicks(low, high, most) {
  const decades = Math.log10(high / low);
  if (decades < 0.7) return linearTicks(low, high, most);
  const within = decades * 3 <= most ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / most));
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1) {
    if (power % every === 0) {
      for (const each of within) ticks.push(Number((each * 10 ** power).toPrecision(12)));
    }
  }
  return ticks.filter((tick) => tick >= low && tick <= high);
}

function wholeTicks(low, high, most) {
  const every = Math.max(1, Math.ceil((high - low) / most));
  const ticks = [];
  for (let n = Math.max(0, Math.ceil(low)); n <= high; n += every) ticks.push(n);
  return ticks;
}

/** Lower and upper end of what shall be seen; margin: a share of the range, on both sides. */
function extent(values, kind, margin) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return kind === "log" ? [1, 10] : [0, 1];
  if (kind === "words") return [low - 0.5, high + 0.5];
  if (kind === "log") {
    const factor = (high / low) ** margin || 1;
    return low === high ? [low / 1.5, high * 1.5] : [low / factor, high * factor];
  }
  const room = (high - low) * margin || Math.abs(low) * 0.1 || 1;
  return [low - room, high + room];
}

function tickText(value) {
  return value.toLocaleString("en", { maximumSignificantDigits: 6 });
}
