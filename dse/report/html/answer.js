// The answer: the best points within the limits, and the command that tells how sure that is.

class Answer {
  /** onchange: called as a limit or the goal changes; onselect: with the row of a chosen card. */
  constructor({ onchange, onselect }) {
    this.onselect = onselect;
    this.able = candidates();
    this.limits = makeLimits(this.able, onchange);
    this.goals = this.makeGoals();
    this.asked = []; // the limits that are set
    this.marked = []; // rows of the cards, each with what it is marked by
    byId("limits").append(...this.limits.map((limit) => limit.element));
    const titles = this.goals.map((goal) => [goal.name, `${goal.direction === "maximize" ? "highest" : "lowest"} ${goal.title}`]);
    fillOptions(byId("goal"), titles, this.goals[0]?.name);
    byId("goal").addEventListener("change", onchange);
    byId("copy").addEventListener("click", () => copyText(byId("command"), byId("copy")));
  }

  /** The objectives, then what else can be better or worse. */
  makeGoals() {
    const others = metrics.filter((column) => column.direction && !objectives.includes(column));
    return [...objectives, ...others].filter((column) => column.distinct().length);
  }

  get goal() {
    return byName.get(byId("goal").value);
  }

  /** Whether a point stays in view: what failed has no values to limit. */
  keeps(row) {
    return standing.text(row) === "failed" || keepsAll(this.asked, row);
  }

  /** Shows the best of what a filter leaves. */
  show(filter, chosen) {
    this.asked = this.limits.filter((limit) => limit.value !== null);
    const rows = this.able.filter((row) => filter.verdict(row) === true);
    const { best, count, closest } = this.goal
      ? chooseRows(rows, this.goal, this.asked)
      : { best: [], count: 0, closest: null };
    this.marked = [...best.map((row, n) => [row, `${n + 1}`]), ...(closest === null ? [] : [[closest, "closest:"]])];
    byId("verdict").textContent = this.verdict(filter, rows.length, count, closest);
    const cards = best.map((row, n) => this.cardOf(row, `${n + 1}. `));
    if (closest !== null) cards.push(this.cardOf(closest, "closest: ", this.misses(closest)));
    byId("best").replaceChildren(...cards);
    this.mark(chosen);
    byId("copy").textContent = "copy";
    const words = this.command(filter).split(" ");
    byId("command").replaceChildren(...words.flatMap((word, n) => [n ? " " : "", element("span", word)]));
    byId("command-note").hidden = filter.kind !== "words";
  }

  /** Marks the card of a row; the card that was pressed keeps the focus. */
  mark(row) {
    const id = row === null ? "" : byName.get("id").text(row);
    for (const card of byId("best").children) {
      if (card.dataset.point === id) card.setAttribute("aria-current", "true");
      else card.removeAttribute("aria-current");
    }
  }

  verdict(filter, points, count, closest) {
    const bounds = [...(this.asked.length ? ["limits"] : []), ...(filter.kind ? ["filter"] : [])];
    const within = bounds.length ? ` within the ${bounds.join(" and the ")}` : "";
    if (count) return `the best of ${countOf(count, "point")}${within}`;
    if (!this.able.length) return "no measured point keeps to the constraints";
    if (!points) return "no point matches the filter";
    return closest === null ? "no point has a value of the goal and of each limit" : "no point meets all limits";
  }

  cardOf(row, before, misses = []) {
    const card = element("li", "", { class: "card", "data-point": byName.get("id").text(row) });
    const name = element("button", `${before}#${byName.get("id").text(row)} ${modelOf(row)}`, { type: "button" });
    name.addEventListener("click", () => this.onselect(row));
    card.append(name, element("p", `${byName.get("backend").text(row)}, ${settingsOf(row)}`));
    const list = element("ul");
    list.append(...this.shown().map((column) => element("li", valueInWords(column, row))));
    card.append(list, ...misses.map((text) => element("p", text, { class: "warning" })));
    card.append(element("p", [standing.text(row), ...notesOf(row)].join("; "), { class: "soft" }));
    return card;
  }

  /** The goal, what is limited, and the objectives. */
  shown() {
    return [...new Set([this.goal, ...this.asked.map((limit) => limit.column), ...objectives])];
  }

  /** Which limits a point misses, and by how much. */
  misses(row) {
    const missed = this.asked.filter((limit) => excess(limit, limit.column.value(row)) > 0);
    return missed.map((limit) => {
      const { column, upper } = limit;
      const value = column.value(row);
      const way = `${upper ? "above" : "below"} the limit`;
      return `${column.worded(value)} is ${missInWords(limit, value)} ${way}`;
    });
  }

  command(filter) {
    const text = filter.kind === "condition" ? filter.text : "";
    const limits = this.asked.map(limitOption);
    const goal = this.goal ? [`--${this.goal.direction} ${report.pick.names[this.goal.name]}`] : [];
    return [report.pick.command, ...limits, ...goal, ...(text ? [`--where ${shellText(text)}`] : [])].join(" ");
  }
}

/** A limit as an option; as a condition where it has none, or a value that it does not take. */
function limitOption({ column, value, upper }) {
  const [option, unit] = report.pick.options[column.name] ?? [];
  const taken = value > 0 && /^\d+(\.\d+)?$/.test(String(value));
  if (option && taken) return `${option} ${value}${unit}`;
  return `--where ${shellText(`${column.name} ${upper ? "<=" : ">="} ${value}`)}`;
}

/** A text as a shell takes it unchanged. */
function shellText(text) {
  if (!text.includes("'")) return `'${text}'`;
  return /["$`\\!]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : `"${text}"`;
}

/** Qualities by their difference, all else as a share. */
function missInWords(limit, value) {
  const { column } = limit;
  if (report.pick.names[column.name] === "accuracy") return `${column.number(excess(limit, value))} points`;
  const share = 100 * shareOf(limit, value);
  return `${share >= 10 ? share.toFixed(0) : Number(share.toPrecision(2))} %`;
}

function valueInWords(column, row) {
  const value = column.value(row);
  if (value === null) return `${column.title} unknown`;
  return `${column.worded(value)}${column.reach(row)}${column.isPublished(row) ? " published" : ""}`;
}

/** Selects a text, and copies it where the browser allows that. */
function copyText(source, button) {
  getSelection().selectAllChildren(source);
  const said = (text) => {
    button.textContent = text;
  };
  const selected = () => said("selected");
  if (!navigator.clipboard) selected();
  else navigator.clipboard.writeText(source.textContent).then(() => said("copied"), selected);
}
