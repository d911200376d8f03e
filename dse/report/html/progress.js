// How much of the frontier was found when.

const UNITS = [[3 * 3600, 3600, "h"], [300, 60, "min"], [0, 1, "s"]];

/** The chart of the progress; null where there is none to show. */
function showProgress() {
  const { steps } = report;
  if (!steps.id.length) return null;
  const chart = new Chart(byId("progress-chart"), {
    tip: byId("progress-tip"),
    onselect: (step) => {
      if (step !== null && rowById.has(steps.id[step])) choose(rowById.get(steps.id[step]));
    },
  });
  const show = () => chart.show(progressView(steps, byId("progress-x").value));
  byId("progress-x").addEventListener("change", show);
  show();
  return chart;
}

function progressView(steps, name) {
  const most = steps[name].at(-1);
  const [, length, unit] = name === "explored" ? [0, 1, ""] : UNITS.find(([from]) => most >= from);
  const title = byId("progress-x").selectedOptions[0].textContent;
  const x = (step) => steps[name][step] / length;
  const y = (step) => 100 * steps.share[step];
  const path = [];
  steps.share.forEach((_, step) => {
    if (step) path.push([x(step), y(step - 1)]);
    path.push([x(step), y(step)]);
  });
  return {
    x: { label: unit ? `${title} [${unit}]` : title, kind: "linear", value: x },
    y: { label: "share of the hypervolume [%]", kind: "linear", value: y },
    rows: steps.share.map((_, step) => step),
    rank: (step) => (y(step) > (step ? y(step - 1) : 0) ? 2 : 0),
    colour: () => PALETTE[0],
    interval: () => false,
    line: path,
    describe: (step) => [
      rowById.has(steps.id[step]) ? nameOf(rowById.get(steps.id[step])) : `#${steps.id[step]}`,
      `after ${steps.explored[step]} configurations`,
      `${y(step).toFixed(1)} % of the hypervolume`,
    ],
  };
}
