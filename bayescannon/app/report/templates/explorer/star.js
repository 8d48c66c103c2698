// A star whose spectrum the page holds: its arrays, the table of its labels, and its posterior.

class Star {
  static known = new Map();

  // the star of a place in the data, unpacked once
  static async at(number, wavelength) {
    if (!Star.known.has(number)) {
      const data = DATA.stars[number];
      const [flux, error, fit, ...draws] = await Promise.all([data.flux, data.error, data.fit, ...data.draws].map(unpacked));
      const residual = flux.map((value, p) => value - fit[p]);
      Star.known.set(number, { ...data, number, wavelength, flux, error, fit, residual, draws });
    }
    return Star.known.get(number);
  }
}

function quantile(values, share) {
  const sorted = Array.from(values).filter(Number.isFinite).sort((a, b) => a - b);
  if (!sorted.length) return NaN;
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

function showLabels(star, labels) {
  // labels less their expected offsets are told from those of the best fit
  const corrected = star.labels.some((value, k) => value !== null && Math.abs(value - star.fitted[k]) > 0.01 * star.formal?.[k]);
  const head = ["label", "value", ...(corrected ? ["best fit"] : []), "calibrated", "formal", "16 %", "50 %", "84 %", ...(star.trusted ? ["reference"] : [])];
  const rows = labels.map((label, k) => {
    const of = (values) => printed(values ? values[k] : null, label.digits);
    const draws = [0.1587, 0.5, 0.8413].map((share) => printed(quantile(star.draws[k], share), label.digits));
    return [withUnit(label.text, label.unit), of(star.labels), ...(corrected ? [of(star.fitted)] : []), of(star.calibrated), of(star.formal), ...draws, ...(star.trusted ? [of(star.trusted)] : [])];
  });
  fillTable(byId("x-labels"), head, rows);
  const facts = Object.entries(star.facts).map(([name, value]) => `${name} ${typeof value === "number" ? rounded(value) : value ?? "–"}`);
  if (star.population) facts.unshift(`model of ${star.population}`);
  byId("x-facts").textContent = `${star.id}${star.trusted ? ", of the reference set" : ""}: ${facts.join(", ")}`;
  const flags = star.flags.map(([name, sentence]) => element("li", `${name}: ${sentence}`));
  const doubt = star.doubt ? [element("li", `posterior: ${star.doubt}`)] : [];
  byId("x-flags").replaceChildren(...(flags.length ? flags : [element("li", "no flag is set")]), ...doubt);
  byId("x-star-title").textContent = `Star ${star.id}`;
}

function showPosterior(star, labels) {
  const traces = [];
  const shown = { showlegend: true, legend: { orientation: "h", y: 1.04, yanchor: "bottom" }, grid: { rows: Math.ceil(labels.length / 3), columns: Math.min(3, labels.length), pattern: "independent", ygap: 0.45, xgap: 0.12 }, bargap: 0, margin: { l: 10, r: 10, t: 40, b: 10 } };
  labels.forEach((label, k) => {
    const number = k === 0 ? "" : String(k + 1);
    const at = { xaxis: `x${number}`, yaxis: `y${number}` };
    const draws = Array.from(star.draws[k]).filter(Number.isFinite);
    // a star without a posterior has its errors alone
    const known = draws.length ? draws : [star.fitted[k]];
    const centre = quantile(known, 0.5);
    const spread = Math.max(quantile(known, 0.99) - centre, centre - quantile(known, 0.01), Math.abs((star.labels[k] ?? centre) - centre) + 2.5 * (star.calibrated?.[k] ?? 0), 2.5 * (star.formal?.[k] ?? 0));
    const range = [centre - spread, centre + spread];
    traces.push({ type: "histogram", x: draws, histnorm: "probability density", nbinsx: 40, name: "posterior", marker: { color: translucent(colour("series-5"), 0.75) }, showlegend: k === 0, legendgroup: "draws", ...at });
    // a catalogue may give labels less their expected offsets; its errors are around those
    for (const [errors, middle, name, code] of [[star.formal, star.fitted, "formal error", "series-1"], [star.calibrated, star.labels, "calibrated error", "series-2"]]) {
      if (!errors || !errors[k] || middle[k] === null) continue;
      const x = Array.from({ length: 121 }, (_, i) => range[0] + (i / 120) * (range[1] - range[0]));
      const y = x.map((value) => Math.exp(-0.5 * ((value - middle[k]) / errors[k]) ** 2) / (errors[k] * Math.sqrt(2 * Math.PI)));
      traces.push({ x, y, mode: "lines", name, line: { color: colour(code), width: 2 }, showlegend: k === 0, legendgroup: name, hoverinfo: "skip", ...at });
    }
    shown[`xaxis${number}`] = axis(withUnit(label.text, label.unit), { range, nticks: 4 });
    shown[`yaxis${number}`] = axis("", { showticklabels: false, ticks: "", showgrid: false });
  });
  return Plotly.react(byId("x-posterior"), traces, layout(shown), { ...CONFIG, displayModeBar: false });
}
