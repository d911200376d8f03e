// A limit of a metric: a slider whose loose end is no limit, and a field for any number.

const SLIDER_STEPS = 100;
const MOST_LIMITS = 4;

class LimitControl {
  /** rows: those from whose values the slider's ends come; onchange: called as it changes. */
  constructor(column, rows, onchange) {
    const values = rows.map((row) => column.value(row)).filter((value) => value !== null);
    Object.assign(this, { column, onchange, value: null, upper: column.direction === "minimize" });
    this.low = values.reduce((one, other) => Math.min(one, other), Infinity);
    this.high = values.reduce((one, other) => Math.max(one, other), -Infinity);
    this.isLog = column.relative === true && this.low > 0;
    this.title = `${column.title} at ${this.upper ? "most" : "least"}`;
    this.build();
  }

  get isUseful() {
    return this.low < this.high;
  }

  build() {
    this.field = element("input", "", {
      type: "number", step: "any", placeholder: "no limit", "aria-label": `${this.title}, as a number`,
    });
    this.slider = element("input", "", {
      type: "range", min: 0, max: SLIDER_STEPS, step: 1, "aria-label": this.title,
    });
    this.element = element("div", "", { class: "limit", "data-metric": this.column.name });
    this.element.append(element("span", this.title, { "aria-hidden": "true" }), this.field, this.slider);
    this.field.addEventListener("input", () => this.change(this.field.valueAsNumber, this.slider));
    this.slider.addEventListener("input", () => this.change(this.valueAt(this.slider.valueAsNumber), this.field));
    this.set(null);
  }

  /** Takes a value from one of the two elements and shows it in the other. */
  change(value, other) {
    this.value = Number.isFinite(value) ? value : null;
    this.show(other);
    this.onchange();
  }

  set(value) {
    this.value = value;
    this.show(this.field);
    this.show(this.slider);
  }

  show(which) {
    if (which === this.field) this.field.value = this.value ?? "";
    else this.slider.value = this.value === null ? this.looseEnd : this.stepOf(this.value);
    const words = this.value === null ? "no limit" : this.column.worded(this.value);
    this.slider.setAttribute("aria-valuetext", words);
    this.element.classList.toggle("set", this.value !== null);
  }

  get looseEnd() {
    return this.upper ? SLIDER_STEPS : 0;
  }

  /** The value of a step, rounded so that what has the end's very value is within; NaN for none. */
  valueAt(step) {
    if (step === this.looseEnd) return NaN;
    const share = step / SLIDER_STEPS;
    const { low, high } = this;
    const value = this.isLog ? low * (high / low) ** share : low + (high - low) * share;
    return roundTo3(value, this.upper);
  }

  /** The nearest step of a value; never the loose end, which is no limit. */
  stepOf(value) {
    const turned = this.isLog ? (each) => Math.log(Math.max(each, this.low)) : (each) => each;
    const share = (turned(value) - turned(this.low)) / (turned(this.high) - turned(this.low));
    const step = Math.round(share * SLIDER_STEPS);
    return this.upper
      ? Math.min(Math.max(step, 0), SLIDER_STEPS - 1)
      : Math.min(Math.max(step, 1), SLIDER_STEPS);
  }
}

/** To three digits, up or down. */
function roundTo3(value, up) {
  if (!value) return 0;
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 2);
  const rounded = Number(value.toPrecision(3));
  const beyond = up ? rounded < value : rounded > value;
  return beyond ? Number((rounded + (up ? unit : -unit)).toPrecision(3)) : rounded;
}

/** The controls of the metrics that are worth limiting, the most important first. */
function makeLimits(rows, onchange) {
  return report.pick.limited
    .map((name) => byName.get(name))
    .filter((column) => column.direction)
    .map((column) => new LimitControl(column, rows, onchange))
    .filter((control) => control.isUseful)
    .slice(0, MOST_LIMITS);
}
