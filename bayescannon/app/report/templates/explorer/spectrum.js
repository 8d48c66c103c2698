// The figure of spectra: observed, best fits, models at the labels of the sliders; residuals; information on a label.

const KINDS = { line: ["line"], molecule: ["molecule"], interstellar: ["interstellar"], telluric: ["telluric", "sky", "instrument"] };
const KIND_COLOURS = { line: "series-1", molecule: "series-3", interstellar: "series-2", telluric: "series-4", sky: "series-4", instrument: "series-4" };
// names of features are at least so many pixels of the screen apart
const NAME_DISTANCE = 18;

class SpectrumFigure {
  // state has model, model2, labels, snr, star, star2, information: what is chosen
  constructor(box, state) {
    this.box = box;
    this.state = state;
    this.range = null;
    this.pending = false;
  }

  async draw() {
    const { state } = this;
    const traces = [...this.starTraces(), ...this.modelTraces(), ...this.informationTraces()];
    const hasResidual = state.star !== null;
    const hasInformation = state.information !== "";
    const grid = state.model.wavelength;
    const range = this.range ?? [grid[0], grid[grid.length - 1]];
    // panels from below: information, residual, flux
    const bottom = hasInformation ? 0.22 : 0;
    const middle = hasResidual ? bottom + 0.22 : bottom;
    const panel = (low, high) => ({ domain: [low + (low > 0 ? 0.04 : 0), high] });
    const shown = layout({
      xaxis: axis("vacuum rest wavelength [Å]", { range, anchor: "free", position: 0 }),
      yaxis: axis("flux / continuum", { ...panel(middle, 1), range: fluxRange(this.shownOf(this.curves(), range)) }),
      ...(hasResidual ? { yaxis2: axis("residual", { ...panel(bottom, middle), range: residualRange(this.shownOf(this.residuals(), range)) }) } : {}),
      ...(hasInformation ? { yaxis3: axis("% / pixel", { ...panel(0, bottom), rangemode: "tozero" }) } : {}),
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      hovermode: "x",
      dragmode: "zoom",
      ...this.marks(range),
    });
    await Plotly.react(this.box, traces, shown, CONFIG);
    if (this.box.classList.contains("x-tall") !== hasInformation) {
      this.box.classList.toggle("x-tall", hasInformation);
      await Plotly.Plots.resize(this.box);
    }
    if (!this.listens) {
      this.listens = true;
      this.box.on("plotly_relayout", (change) => this.moved(change));
      this.box.on("plotly_doubleclick", () => this.zoom(null));
    }
  }

  // the finite values of curves in a range of wavelengths, sorted
  shownOf(curves, [low, high]) {
    const values = [];
    for (const { wavelength, flux } of curves) {
      for (let p = 0; p < flux.length; p++) {
        if (wavelength[p] >= low && wavelength[p] <= high && Number.isFinite(flux[p])) values.push(flux[p]);
      }
    }
    return Float64Array.from(values).sort();
  }

  residuals() {
    const { star, star2 } = this.state;
    return [star, star2].filter(Boolean).map((one) => ({ wavelength: one.wavelength, flux: one.residual }));
  }

  curves() {
    const { star, star2, model, labels } = this.state;
    const own = [star, star2].filter(Boolean).map((one) => ({ wavelength: one.wavelength, flux: one.fit }));
    return [...own, { wavelength: model.wavelength, flux: model.flux(labels) }];
  }

  starTraces() {
    const { star, star2, showFit, showError } = this.state;
    const traces = [];
    const line = (x, y, name, code, width, more = {}) =>
      traces.push({ x, y, name, mode: "lines", line: { color: code, width }, hovertemplate: "%{y:.4f}", ...more });
    for (const [one, observed, fit] of [[star, "ink", "series-2"], [star2, "series-5", "series-3"]]) {
      if (!one) continue;
      const x = one.wavelength;
      if (showError) {
        const [low, high] = errorBand(one);
        const none = { hoverinfo: "skip", hovertemplate: null, showlegend: false, legendgroup: one.id };
        line(x, low, `${one.id} - error`, "rgba(0,0,0,0)", 0, none);
        line(x, high, `${one.id} + error`, "rgba(0,0,0,0)", 0, { ...none, fill: "tonexty", fillcolor: translucent(colour(observed), 0.18) });
      }
      line(x, one.flux, `observed: ${one.id}`, colour(observed), 1, { legendgroup: one.id });
      if (showFit) line(x, one.fit, one === star ? "its best fit" : "best fit of the other", colour(fit), 1.4);
      line(x, one.residual, `residual of ${one.id}`, colour(observed), 0.8, { yaxis: "y2", showlegend: false, legendgroup: one.id });
    }
    return traces;
  }

  modelTraces() {
    const { model, model2, labels, showModel } = this.state;
    if (!showModel) return [];
    const one = (spectral, given, code, dash, key) => ({
      x: spectral.wavelength, y: spectral.flux(given), name: `${spectral.data.name} at these labels`, meta: key,
      mode: "lines", line: { color: colour(code), width: 1.4, dash }, hovertemplate: "%{y:.4f}",
    });
    const traces = [one(model, labels, "series-1", "solid", "model")];
    if (model2) traces.push(one(model2, labelsOf(model2, model, labels), "series-4", "dot", "model 2"));
    return traces;
  }

  informationTraces() {
    const { model, labels, snr, information } = this.state;
    if (information === "") return [];
    const k = model.labels.findIndex((label) => label.name === information);
    const found = model.information(labels, snr)[k];
    const total = found.marginal.reduce((sum, value) => sum + value, 0);
    this.error = found.error;
    return [{
      x: model.wavelength, y: found.marginal.map((value) => (100 * value) / total), yaxis: "y3", meta: "information",
      name: `information on ${model.labels[k].text}`, mode: "lines", showlegend: false, fill: "tozeroy",
      line: { color: colour("series-3"), width: 1 }, hovertemplate: "%{y:.3f} %",
    }];
  }

  // only what the labels change is drawn anew, once per frame of the screen
  labelsChanged() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(async () => {
      this.pending = false;
      const fresh = [...this.modelTraces(), ...this.informationTraces()];
      const numbers = fresh.map(({ meta }) => this.box.data.findIndex((trace) => trace.meta === meta));
      if (numbers.length) await Plotly.restyle(this.box, { y: fresh.map(({ y }) => y) }, numbers);
      this.state.said();
    });
  }

  marks([low, high]) {
    const shapes = [];
    const names = [];
    const apart = (NAME_DISTANCE / Math.max(this.box.clientWidth - 80, 100)) * (high - low);
    const kinds = Object.entries(KINDS).flatMap(([name, of]) => (this.state.marked[name] ? of : []));
    for (const feature of DATA.features) {
      if (!kinds.includes(feature.kind)) continue;
      const shown = feature.centres.filter((centre) => centre > low && centre < high);
      const spans = feature.spans.filter(([start, end]) => end > low && start < high);
      const code = colour(KIND_COLOURS[feature.kind]);
      for (const [x0, x1] of spans) {
        shapes.push({ type: "rect", xref: "x", yref: "paper", x0, x1, y0: 0, y1: 1, layer: "below", line: { width: 0 }, fillcolor: translucent(code, 0.13) });
      }
      if (!shown.length) continue;
      const x = shown.reduce((sum, value) => sum + value, 0) / shown.length;
      if (names.some((other) => Math.abs(other.x - x) < apart)) continue;
      names.push({ x, y: 1, xref: "x", yref: "y domain", text: feature.name, textangle: -90, yanchor: "top", xanchor: "center", showarrow: false, font: { size: 11, color: colour("muted") } });
    }
    return { shapes, annotations: names };
  }

  moved(change) {
    if (change["xaxis.range[0]"] === undefined) return;
    this.zoom([Number(change["xaxis.range[0]"]), Number(change["xaxis.range[1]"])]);
  }

  zoom(range) {
    const same = this.range && range && Math.abs(range[0] - this.range[0]) + Math.abs(range[1] - this.range[1]) < 1e-6;
    if (same) return undefined;
    this.range = range;
    return this.draw();
  }

  shift(by, factor) {
    const grid = this.state.model.wavelength;
    const [first, last] = [grid[0], grid[grid.length - 1]];
    const [low, high] = this.range ?? [first, last];
    const width = Math.min((high - low) * factor, last - first);
    const middle = (low + high) / 2 + by * (high - low);
    const start = Math.max(first, Math.min(middle - width / 2, last - width));
    return this.zoom(width >= last - first ? null : [start, start + width]);
  }
}

// Flux less and plus its error. A gap would tear the area between them apart: there the band has no width.
function errorBand({ flux, error }) {
  const [low, high] = [new Float64Array(flux.length), new Float64Array(flux.length)];
  let last = flux.find(Number.isFinite) ?? 1;
  for (let p = 0; p < flux.length; p++) {
    const known = Number.isFinite(flux[p]) && Number.isFinite(error[p]);
    if (known) last = flux[p];
    low[p] = last - (known ? error[p] : 0);
    high[p] = last + (known ? error[p] : 0);
  }
  return [low, high];
}

// Limits that hold all but a few of sorted values.
function fluxRange(values) {
  if (!values.length) return [0, 1.2];
  const [low, high] = [0.003, 0.997].map((share) => values[Math.round(share * (values.length - 1))]);
  const pad = 0.12 * (high - low) || 0.1;
  // the names of features are above the curves
  return [low - pad, high + 3 * pad];
}

function residualRange(values) {
  const at = (share) => Math.abs(values[Math.round(share * (values.length - 1))] ?? 0);
  const reach = 1.5 * Math.max(at(0.005), at(0.995)) || 0.1;
  return [-reach, reach];
}

// Labels for another model: those that both have; of others the median of its reference set.
function labelsOf(other, model, labels) {
  return other.labels.map((label) => {
    const k = model.labels.findIndex((one) => one.name === label.name);
    return k < 0 ? label.median : labels[k];
  });
}
