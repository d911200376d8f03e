// Tells the reader of a study's page what was measured since, and shows it: the page is loaded
// again, and looks as it did, down to what was chosen, opened, sorted and scrolled to.

const PLACE = `dse place ${location.pathname}`; // in the memory of this tab
const AT_ONCE = `dse at once ${location.pathname}`;
const MIN_PAUSE = 10_000; // milliseconds from one loading to the next where nobody presses a button
const MAX_SHARE = 0.05; // of the time that is spent on loading then
const KEPT = ["x", "y", "x-log", "y-log", "colour", "intervals", "line", "progress-x"];

/** What the reader sees, as far as the address does not tell. */
function readPlace() {
  const section = [...document.querySelectorAll("main section")].find((each) => each.getBoundingClientRect().bottom > 0);
  return {
    theme: document.documentElement.dataset.theme ?? null,
    controls: KEPT.map((id) => [id, valueOfControl(byId(id))]),
    columns: [...byId("columns").querySelectorAll("input:checked")].map((box) => box.value),
    off: legend.entries.filter((_, n) => hidden.has(n)).map((entry) => entry.text),
    order: { name: table.order.column.name, down: table.order.down, page: table.page },
    zoom: points.zoom,
    open: [...document.querySelectorAll("details")].map((each) => [each.firstElementChild.textContent, each.open]),
    section: section?.id ?? null,
    top: section ? section.getBoundingClientRect().top : 0,
    focus: nameOfElement(document.activeElement),
    caret: document.activeElement === byId("filter") ? byId("filter").selectionStart : null,
  };
}

/** Makes a new page look as the one before did. */
function restorePlace(place) {
  const theme = byId("theme").textContent === "light theme" ? "dark" : "light";
  if (place.theme && place.theme !== theme) byId("theme").click();
  for (const [id, value] of place.controls) setControl(byId(id), value);
  for (const button of byId("legend").querySelectorAll("button")) {
    if (place.off.includes(button.textContent)) button.click();
  }
  for (const box of byId("columns").querySelectorAll("input:enabled")) box.checked = place.columns.includes(box.value);
  const column = byName.get(place.order.name);
  if (column) Object.assign(table, { order: { column, down: place.order.down }, ordered: null });
  for (const each of document.querySelectorAll("details")) {
    const known = place.open.find(([name]) => name === each.firstElementChild.textContent);
    if (known) each.open = known[1];
  }
  update({ keepZoom: true });
  points.zoom = place.zoom;
  points.later();
  table.turnTo(place.order.page);
  const focus = place.focus && document.querySelector(place.focus);
  focus?.focus({ preventScroll: true });
  if (place.caret !== null) byId("filter").setSelectionRange(place.caret, place.caret);
  const section = place.section && byId(place.section);
  if (section) scrollBy({ top: section.getBoundingClientRect().top - place.top, behavior: "instant" });
}

function valueOfControl(control) {
  if (!control) return null;
  return control.type === "checkbox" ? control.checked : control.value;
}

function setControl(control, value) {
  if (!control || value === null || control.disabled) return;
  if (control.type === "checkbox") control.checked = value;
  else if ([...control.options].some((option) => option.value === value)) control.value = value;
  control.dispatchEvent(new Event("change"));
}

/** A selector of an element that is there again on the next page; null for most. */
function nameOfElement(found) {
  if (found?.id) return `#${CSS.escape(found.id)}`;
  const label = found?.getAttribute("aria-label");
  if (label) return `[aria-label="${CSS.escape(label)}"]`;
  const card = found?.closest("[data-point]");
  return card ? `[data-point="${CSS.escape(card.dataset.point)}"] button` : null;
}

/** The line above the page; it asks no more than once for each trial that has ended. */
class News {
  constructor(bar) {
    this.study = bar.dataset.study;
    this.state = bar.dataset.state;
    this.mark = bar.dataset.mark;
    this.configurations = Number(bar.dataset.configurations);
    this.made = performance.now();
    this.trials = null; // as the last event told
    this.source = null;
    this.timer = null;
    this.isNew = false;
    bar.hidden = false;
    byId("news-show").addEventListener("click", () => this.show());
    byId("news-at-once").checked = sessionStorage.getItem(AT_ONCE) === "yes";
    byId("news-at-once").addEventListener("change", () => this.changeWay());
    document.addEventListener("visibilitychange", () => this.watch());
    addEventListener("pagehide", () => this.source?.close());
    addEventListener("pageshow", (event) => event.persisted && this.watch());
    this.watch();
  }

  /** Listens while somebody looks: browsers have few connections to a server at a time. */
  watch() {
    this.source?.close();
    clearTimeout(this.timer);
    if (document.hidden) return;
    this.source = new EventSource("/events");
    this.source.addEventListener("studies", (event) => this.hear(JSON.parse(event.data)[this.study]));
    this.showLater();
  }

  hear(told) {
    if (!told) return;
    const link = byId("news-job");
    link.hidden = !told.job;
    if (told.job) link.href = `/jobs/${encodeURIComponent(told.job)}`;
    if (told.trials === this.trials) return;
    this.trials = told.trials;
    this.ask();
  }

  /** Asks how far the study is. */
  async ask() {
    const answer = await fetch(this.state).catch(() => null); // the stream tells when it is back
    if (!answer?.ok) return;
    const { mark, configurations } = await answer.json();
    this.isNew = mark !== this.mark;
    const more = configurations - this.configurations;
    const words = more > 0 ? countOf(more, "more configuration") : "newer values";
    byId("news-text").textContent = this.isNew ? `${words} since this page was made` : "";
    byId("news-show").hidden = !this.isNew;
    this.showLater();
  }

  changeWay() {
    sessionStorage.setItem(AT_ONCE, byId("news-at-once").checked ? "yes" : "no");
    this.showLater();
  }

  /** Shows what is new as soon as that may be, if the reader wants that. */
  showLater() {
    clearTimeout(this.timer);
    if (!this.isNew || !byId("news-at-once").checked) return;
    const [loading] = performance.getEntriesByType("navigation");
    const pause = Math.max(MIN_PAUSE, (loading?.domContentLoadedEventEnd ?? 0) / MAX_SHARE);
    this.timer = setTimeout(() => this.showUnlessBusy(), Math.max(0, this.made + pause - performance.now()));
  }

  /** Not while somebody writes or drags. */
  showUnlessBusy() {
    const writes = document.activeElement?.matches("textarea, input:not([type=checkbox], [type=range])");
    if (writes || points.drag) this.timer = setTimeout(() => this.showUnlessBusy(), 1000);
    else this.show();
  }

  show() {
    address.write(); // what was changed just now
    sessionStorage.setItem(PLACE, JSON.stringify(readPlace()));
    history.scrollRestoration = "manual";
    location.reload();
  }
}

const placeBefore = sessionStorage.getItem(PLACE);
if (placeBefore) {
  sessionStorage.removeItem(PLACE);
  history.scrollRestoration = "auto";
  restorePlace(JSON.parse(placeBefore));
}
// What is asked for anew keeps the rest of the address.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", () => {
    address.write();
    form.action = location.pathname + location.hash;
  });
}
const news = new News(byId("news"));
