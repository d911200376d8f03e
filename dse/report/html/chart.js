// A chart of points that can be chosen by pointer and by keyboard, and zoomed.

const REACH = 16; // pixels from a point within which it is meant
const DRAGGED = 6; // pixels after which a press is no click
const EDGE = { top: 10, right: 14, bottom: 58 };
// Shares of the values' range that are left free on both sides.
const MARGIN = 0.05;
const ROOM_FOR_NAMES = 0.15;

class Chart {
  /**
   * tip: the element that says what lies under the pointer.
   * onselect: called with the row that was chosen, or null.
   */
  constructor(canvas, { tip, onselect }) {
    Object.assign(this, { canvas, tip, onselect });
    this.view = null;
    this.rows = [];
    this.drawn = new Set();
    this.zoom = null;
    this.selected = null;
    this.drag = null;
    this.waiting = false;
    this.listen();
    new ResizeObserver(() => this.later()).observe(canvas);
  }

  /**
   * view: x and y, each with label, kind, value(row) and perhaps words, interval(row) and better, a
   * direction; rows; rank(row), 0 to 2; colour(row); interval(row), whether to show it; line, a path
   * of values or null; describe(row), lines of text. Perhaps also half(row) and faint(row), how to
   * show it; names, pairs of a row and a text; marked, rows to ring; limits by axis.
   */
  show(view, { keepZoom = false } = {}) {
    this.view = view;
    if (!keepZoom) this.zoom = null;
    this.rows = view.rows.filter((row) => this.drawable(row));
    this.drawn = new Set(this.rows);
    this.hideTip();
    if (this.box) this.later();
    else this.draw(); // before that nothing has a place
  }

  drawable(row) {
    return [this.view.x, this.view.y].every((axis) => {
      const value = axis.value(row);
      return value !== null && !(axis.kind === "log" && value <= 0);
    });
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  draw() {
    if (!this.view || !this.canvas.clientWidth) return;
    const { pen, width, height } = sharp(this.canvas);
    this.layOut(pen, width, height);
    paintAxes(pen, this);
    clipped(pen, this.box, () => {
      paintLimits(pen, this);
      paintPoints(pen, this, 0);
      this.paintLine(pen);
      paintIntervals(pen, this);
      paintPoints(pen, this, 1);
      paintPoints(pen, this, 2);
      for (const row of this.view.marked ?? []) if (this.drawn.has(row)) ring(pen, this.place(row), 1.5);
      paintNames(pen, this);
      if (this.drawn.has(this.selected)) ring(pen, this.place(this.selected), 3);
      this.paintDrag(pen);
    });
  }

  layOut(pen, width, height) {
    const { x, y } = this.view;
    const ends = this.zoom ?? {
      x: extent(this.rows.map((row) => x.value(row)), x.kind, this.view.names ? ROOM_FOR_NAMES : MARGIN),
      y: extent(this.rows.map((row) => y.value(row)), y.kind, MARGIN),
    };
    const bottom = height - EDGE.bottom;
    this.y = new Scale(y.kind, ...ends.y, bottom, EDGE.top);
    const up = this.y.ticks((bottom - EDGE.top) / (y.words ? 16 : 44));
    const left = roomFor(pen, y, up);
    const right = width - EDGE.right;
    this.x = new Scale(x.kind, ...ends.x, left, right);
    this.ticks = { x: this.x.ticks((right - left) / (x.words ? 90 : 64)), y: up };
    this.box = { left, right, top: EDGE.top, bottom };
    this.box.width = right - left;
    this.box.height = bottom - EDGE.top;
  }

  place(row) {
    return [this.x.at(this.view.x.value(row)), this.y.at(this.view.y.value(row))];
  }

  paintLine(pen) {
    if (!this.view.line) return;
    pen.strokeStyle = style("--ink-soft");
    pen.lineWidth = 1.5;
    stroke(pen, this.view.line.map(([x, y]) => [this.x.at(x), this.y.at(y)]));
  }

  paintDrag(pen) {
    if (!this.drag?.to) return;
    const [[left, top], [right, bottom]] = [this.drag.from, this.drag.to];
    pen.strokeStyle = style("--accent");
    pen.lineWidth = 1;
    pen.strokeRect(left, top, right - left, bottom - top);
  }

  /** The point that is meant by a place on the canvas, or null; the frontier comes first. */
  nearest([x, y]) {
    let best = null;
    let least = REACH;
    for (const row of this.rows) {
      const [left, top] = this.place(row);
      const rank = this.view.rank(row);
      const distance = Math.hypot(left - x, top - y) - 2 * rank;
      if (distance < least) [best, least] = [row, distance];
    }
    return best;
  }

  select(row, { tell = true } = {}) {
    this.selected = row;
    if (row !== null && this.drawn.has(row)) this.bring(row);
    this.later();
    if (tell) this.onselect?.(row);
  }

  /** Moves what is seen so that a point is within. */
  bring(row) {
    const [x, y] = this.place(row);
    const { left, right, top, bottom } = this.box;
    if (this.zoom && (x < left || x > right || y < top || y > bottom)) this.zoomBy(1, [x, y]);
  }

  /** Shows a part of what is seen now, around a place. */
  zoomBy(factor, centre = this.middle()) {
    const [across, up] = [this.box.width * factor, this.box.height * factor].map((n) => n / 2);
    const [x, y] = centre;
    this.zoomTo([x - across, y + up], [x + across, y - up]);
  }

  zoomTo([left, bottom], [right, top]) {
    this.zoom = {
      x: [this.x.back(left), this.x.back(right)],
      y: [this.y.back(bottom), this.y.back(top)],
    };
    this.hideTip();
    this.draw();
  }

  whole() {
    this.zoom = null;
    this.draw();
  }

  /** The chosen point, or else the middle of what is seen. */
  middle() {
    if (this.drawn.has(this.selected)) return this.place(this.selected);
    const { left, top, width, height } = this.box;
    return [left + width / 2, top + height / 2];
  }

  listen() {
    const on = (name, work) => this.canvas.addEventListener(name, (event) => work(event));
    on("pointerdown", (event) => this.pressed(event));
    on("pointermove", (event) => this.moved(event));
    on("pointerup", (event) => this.released(event));
    on("pointercancel", () => this.dropDrag());
    on("pointerleave", () => this.hideTip());
    on("dblclick", () => this.whole());
    on("keydown", (event) => this.key(event));
  }

  pressed(event) {
    if (event.button !== 0) return;
    this.drag = { from: [event.offsetX, event.offsetY], to: null, mouse: event.pointerType === "mouse" };
    if (this.drag.mouse) this.canvas.setPointerCapture(event.pointerId);
  }

  moved(event) {
    const here = [event.offsetX, event.offsetY];
    if (!this.drag) {
      this.hover(here);
      return;
    }
    const [x, y] = this.drag.from;
    const far = Math.hypot(here[0] - x, here[1] - y) > DRAGGED;
    if (this.drag.mouse && (far || this.drag.to)) {
      this.drag.to = here;
      this.hideTip();
      this.later();
    }
  }

  released(event) {
    const drag = this.drag;
    this.drag = null;
    if (!drag) return;
    if (!drag.to) {
      this.select(this.nearest([event.offsetX, event.offsetY]));
      return;
    }
    const [xs, ys] = [0, 1].map((n) => [drag.from[n], drag.to[n]].sort((a, b) => a - b));
    if (xs[1] - xs[0] > DRAGGED && ys[1] - ys[0] > DRAGGED) {
      this.zoomTo([xs[0], ys[1]], [xs[1], ys[0]]);
    } else this.draw();
  }

  dropDrag() {
    this.drag = null;
    this.later();
  }

  hover(here) {
    const row = this.nearest(here);
    if (row === null) {
      this.hideTip();
      return;
    }
    const [x, y] = this.place(row);
    this.tip.replaceChildren(...this.view.describe(row).map((line) => element("div", line)));
    this.tip.hidden = false;
    const over = x + 24 + this.tip.offsetWidth > this.canvas.clientWidth;
    this.tip.style.left = `${Math.max(0, over ? x - this.tip.offsetWidth - 14 : x + 14)}px`;
    this.tip.style.top = `${Math.max(0, y - this.tip.offsetHeight / 2)}px`;
  }

  hideTip() {
    this.tip.hidden = true;
  }

  key(event) {
    const steps = { ArrowLeft: ["x", -1], ArrowRight: ["x", 1], ArrowDown: ["y", -1], ArrowUp: ["y", 1] };
    const work = {
      "+": () => this.zoomBy(0.5),
      "=": () => this.zoomBy(0.5),
      "-": () => this.zoomBy(2),
      "0": () => this.whole(),
      Escape: () => this.select(null),
      Home: () => this.step("x", -Infinity, event.shiftKey),
      End: () => this.step("x", Infinity, event.shiftKey),
    }[event.key] ?? (steps[event.key] && (() => this.step(...steps[event.key], event.shiftKey)));
    if (!work || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    work();
  }

  /** Chooses the next point along an axis: of the frontier, or of all. */
  step(name, by, all) {
    const leading = this.rows.filter((row) => this.view.rank(row) > 0);
    const rows = all || !leading.length ? [...this.rows] : leading;
    const axis = this.view[name];
    rows.sort((a, b) => axis.value(a) - axis.value(b) || a - b);
    if (!rows.length) return;
    const now = rows.indexOf(this.selected);
    const start = by > 0 ? 0 : rows.length - 1;
    const next = now < 0 && Number.isFinite(by) ? start : now + by;
    this.select(rows[Math.min(Math.max(next, 0), rows.length - 1)]);
  }
}
