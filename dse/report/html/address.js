// The state of the page in its address: what is chosen, best in what, within which limits.
// What stands in an address comes from anybody: only what is known is taken from it.

const SETTLED = 400; // milliseconds without a change, after which a state is worth keeping
const NUMBER = /^-?\d{1,20}(\.\d{1,20})?(e[+-]?\d{1,3})?$/;

class Address {
  /** read: gives the state of the page; apply: makes the page show a state. */
  constructor({ read, apply }) {
    Object.assign(this, { read, apply, timer: null });
    addEventListener("hashchange", () => this.follow());
  }

  /** Keeps the state as an entry of the history, once it does not change any more. */
  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), SETTLED);
  }

  write() {
    const text = formatState(this.read());
    if (text !== formatState(parseState(location.hash))) location.hash = text;
  }

  /** Shows what the address says, unless it is the name of a section. */
  follow() {
    if (!location.hash.includes("=") && location.hash.length > 1) return;
    const wanted = parseState(location.hash);
    if (formatState(wanted) !== formatState(this.read())) this.apply(wanted);
  }
}

/** A state as the end of an address; never empty, which would lead to the top of the page. */
function formatState({ point, best, limits, where, show }) {
  const said = new URLSearchParams();
  if (point !== null) said.append("point", point);
  if (best !== answer.goals[0]?.name) said.append("best", best);
  for (const [name, value] of Object.entries(limits)) said.append("limit", `${name}:${value}`);
  if (where) said.append("where", where);
  if (show !== byId("show").options[0].value || !String(said)) said.append("show", show);
  return `#${said}`;
}

/** The state that an address tells, as far as there is what it names. */
function parseState(hash) {
  const said = new URLSearchParams(hash.slice(1));
  const point = /^\d{1,9}$/.test(said.get("point")) ? Number(said.get("point")) : null;
  const limits = said.getAll("limit").map((text) => {
    const [, name, number] = /^(\w+):(.+)$/.exec(text) ?? [];
    return [name, NUMBER.test(number) ? Number(number) : NaN];
  });
  const known = (name) => answer.limits.some(({ column }) => column.name === name);
  const goal = answer.goals.find(({ name }) => name === said.get("best")) ?? answer.goals[0];
  const shows = [...byId("show").options].map((option) => option.value);
  return {
    point: rowById.has(point) ? point : null,
    best: goal?.name,
    limits: Object.fromEntries(limits.filter(([name, value]) => known(name) && Number.isFinite(value))),
    where: (said.get("where") ?? "").slice(0, MAX_CHARACTERS).replace(/[\r\n]/g, " ").trim(),
    show: shows.includes(said.get("show")) ? said.get("show") : shows[0],
  };
}
