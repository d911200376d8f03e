// Shows the state of a page as it changes. The page is there without this: each place that changes
// has a mark that names what of the state it shows.
const page = document.querySelector("[data-live]");
const lost = document.getElementById("lost");
const MIN_PAUSE = 1000; // milliseconds from one answer to the next question: something may be measured
const MAX_PAUSE = 30_000;
const MAX_SHARE = 0.1; // of a CPU that is spent on answers then
let source = null;
let asking = false;
let again = false;
let known = null;
let unwatched = "";

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function make(name, content, className) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (typeof content === "string") {
    element.textContent = content;
  } else if (content) {
    const link = document.createElement("a");
    link.href = content.href;
    link.textContent = content.text;
    element.append(link);
  }
  return element;
}

// What is shown already is left alone: somebody may have selected it, or listen to it.
function shows(elements, texts) {
  const own = Array.from(elements, (each) => each.textContent);
  return own.length === texts.length && own.every((text, place) => text === texts[place]);
}

function fillTable(table, { head, rows }) {
  const cells = [head.map(([title]) => title), ...rows].flat();
  const lines = table.tBodies[0].rows.length;
  const texts = cells.map((each) => each.text ?? each);
  if (lines === rows.length && shows(table.querySelectorAll("th, td"), texts)) return;
  const focused = table.contains(document.activeElement) ? document.activeElement.href : null;
  const titles = document.createElement("tr");
  for (const [title, numeric] of head) {
    const cell = make("th", title, numeric ? "number" : "");
    cell.scope = "col";
    titles.append(cell);
  }
  table.tHead.replaceChildren(titles);
  table.tBodies[0].replaceChildren(...rows.map((row) => {
    const line = document.createElement("tr");
    line.append(...row.map((each, place) => {
      const cell = make("td", each, head[place][1] ? "number" : "");
      [cell.dataset.title] = head[place];
      return cell;
    }));
    return line;
  }));
  if (focused) [...table.querySelectorAll("a")].find((link) => link.href === focused)?.focus();
}

function fillLines(element, lines) {
  const text = lines.map((line) => `${line}\n`).join("");
  if (element.textContent === text) return;
  const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 4;
  element.textContent = text;
  if (atEnd) element.scrollTop = element.scrollHeight;
}

function show(state) {
  const { texts = {}, lists = {}, tables = {}, flags = {}, progress } = state;
  for (const element of page.querySelectorAll("[data-text]")) {
    write(element, texts[element.dataset.text] ?? "");
  }
  for (const element of page.querySelectorAll("[data-list]")) {
    const lines = lists[element.dataset.list] ?? [];
    if (!shows(element.children, lines)) element.replaceChildren(...lines.map((each) => make("li", each)));
  }
  for (const element of page.querySelectorAll("[data-lines]")) {
    fillLines(element, lists[element.dataset.lines] ?? []);
  }
  for (const element of page.querySelectorAll("[data-table]")) {
    fillTable(element, tables[element.dataset.table] ?? { head: [], rows: [] });
  }
  for (const element of page.querySelectorAll("[data-more]")) {
    const more = tables[element.dataset.more]?.more ?? 0;
    write(element, more ? `and ${more} more` : "");
    element.hidden = !more;
  }
  for (const element of page.querySelectorAll("[data-filled]")) {
    const name = element.dataset.filled;
    element.hidden = !(lists[name]?.length || tables[name]?.rows.length);
  }
  for (const element of page.querySelectorAll("[data-show]")) {
    element.hidden = !flags[element.dataset.show];
  }
  for (const element of page.querySelectorAll("[data-job]")) {
    const place = `/jobs/${state.job}${element.dataset.job}`;
    if (element.tagName === "FORM") element.action = place;
    else element.href = place;
  }
  for (const element of page.querySelectorAll("[data-status]")) {
    element.classList.toggle("running", Boolean(flags.running));
    element.classList.toggle("failed", Boolean(flags.failed));
  }
  const bar = page.querySelector("[data-progress]");
  if (bar && progress) {
    bar.max = progress[1] || 1;
    bar.value = progress[0];
  }
}

// Asks once at a time; what happens meanwhile is asked for afterwards, in one question.
async function ask() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  let pause = MIN_PAUSE;
  try {
    const answer = await fetch(page.dataset.live, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      const [, spent = 0] = /dur=([0-9.]+)/.exec(answer.headers.get("Server-Timing")) ?? [];
      pause = Math.min(Math.max(spent / MAX_SHARE, MIN_PAUSE), MAX_PAUSE);
      show(await answer.json());
      if (source?.readyState === EventSource.OPEN) write(lost, unwatched);
    } else {
      write(lost, "What is shown here is not up to date; load the page again.");
    }
  } catch {
    write(lost, "Connection lost.");
  }
  setTimeout(() => {
    asking = false;
    if (again) {
      again = false;
      ask();
    }
  }, pause);
}

function hear(event) {
  const studies = JSON.parse(event.data);
  const own = page.dataset.study ? studies[page.dataset.study] : studies;
  const told = JSON.stringify(own ?? null);
  if (told !== known || own?.job || !page.dataset.study) ask();
  known = told;
}

// A page that nobody sees needs no connection; browsers have but six of them for one server.
function connect() {
  if (document.visibilityState === "hidden") {
    source?.close();
    source = null;
    return;
  }
  if (source && source.readyState !== EventSource.CLOSED) return;
  source = new EventSource("/events");
  source.addEventListener("open", () => {
    unwatched = "";
    write(lost, "");
  });
  source.addEventListener("studies", hear);
  source.addEventListener("unwatched", (event) => {
    unwatched = `This page does not follow what happens: ${JSON.parse(event.data)}`;
    write(lost, unwatched);
  });
  source.addEventListener("error", () => {
    const gone = source?.readyState === EventSource.CLOSED;
    write(lost, gone ? "Connection lost; load the page again." : "Connection lost; trying again.");
  });
}

if (page) {
  document.addEventListener("visibilitychange", connect);
  window.addEventListener("pageshow", connect);
  for (const element of page.querySelectorAll("[data-lines]")) {
    element.scrollTop = element.scrollHeight;
  }
  connect();
}
document.documentElement.dataset.ready = "yes";
