// What is chosen, and what a change of it draws anew.

const state = {
  model: null, model2: null, labels: [], snr: 50, star: null, star2: null, information: "",
  showModel: true, showFit: true, showError: true, marked: {}, said: () => {},
};
const models = [];
let figure;
let rows = null;
const planes = [];

function sliders() {
  const made = state.model.labels.map((label, k) => {
    const step = Math.pow(10, -label.digits);
    const line = element("div", undefined, { class: "x-slider" });
    const limits = { min: label.low, max: label.high, step: "any" };
    const name = withUnit(label.text, label.unit);
    const slide = element("input", undefined, { type: "range", ...limits, "aria-label": name, id: `x-slide-${label.name}` });
    const number = element("input", undefined, { type: "number", step: Math.max(step, 1e-3), "aria-label": `${name}, as a number`, id: `x-number-${label.name}` });
    slide.addEventListener("input", () => setLabel(k, Number(slide.value)));
    // arrow keys move by a hundredth of the range
    slide.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (!by) return;
      event.preventDefault();
      setLabel(k, Math.min(label.high, Math.max(label.low, state.labels[k] + (by * (label.high - label.low)) / 100)));
    });
    number.addEventListener("change", () => number.value !== "" && setLabel(k, Number(number.value)));
    line.append(element("span", name), slide, number);
    return line;
  });
  byId("x-sliders").replaceChildren(...made);
}

function setLabel(k, value) {
  const labels = [...state.labels];
  labels[k] = value;
  setLabels(labels);
}

function setLabels(labels) {
  state.labels = labels;
  state.model.labels.forEach((label, k) => {
    byId(`x-slide-${label.name}`).value = labels[k];
    byId(`x-slide-${label.name}`).setAttribute("aria-valuetext", `${printed(labels[k], label.digits)} ${label.unit}`);
    byId(`x-number-${label.name}`).value = Number(labels[k].toFixed(label.digits));
  });
  const outside = state.model.labels.filter((label, k) => labels[k] < label.low || labels[k] > label.high);
  byId("x-range").textContent = outside.length ? `outside the reference set: ${outside.map((label) => label.text).join(", ")}` : "";
  figure.labelsChanged();
}

function readout() {
  const k = state.model.labels.findIndex((label) => label.name === state.information);
  const label = state.model.labels[k];
  const without = state.model.data.has_nuisances ? ", if nothing else but labels is unknown" : "";
  byId("x-readout").textContent = k < 0 ? "" : `Formal error of ${label.text} at these labels and S/N ${state.snr}${without}: ${printed(figure.error, label.digits)} ${label.unit}`;
}

async function setModel(name, keep) {
  const before = state.model;
  state.model = models.find((model) => model.data.name === name);
  const labels = keep && before ? labelsOf(state.model, before, state.labels) : state.model.labels.map((label) => label.median);
  sliders();
  fillSelect(byId("x-information"), [["", "no label"], ...state.model.labels.map((label) => [label.name, label.text])]);
  state.information = "";
  setLabels(labels);
  await figure.draw();
}

// the model that a star's labels are of
const modelOf = (star) => models.find((model) => model.data.name === star.population) ?? models[0];

async function setStar(number) {
  state.star = number < 0 ? null : await Star.at(number, models[0].wavelength);
  if (state.star) {
    byId("x-star").value = number;
    const own = modelOf(state.star);
    if (own !== state.model && state.star.population) {
      byId("x-model").value = own.data.name;
      await setModel(own.data.name, true);
    }
    if (state.star.fitted.every((value) => value !== null)) setLabels(labelsOf(state.model, own, state.star.fitted));
    showLabels(state.star, own.labels);
    await showPosterior(state.star, own.labels);
    if (rows) {
      rows.shown = state.star.row;
      await Promise.all([showRow(rows, state.star.row), ...planes.map((plane) => plane.draw())]);
    }
  }
  await figure.draw();
}

const step = (by) => setStar((Number(byId("x-star").value) + by + DATA.stars.length) % DATA.stars.length);

async function chooseRow(row) {
  if (row < 0 || row === undefined) return;
  const number = DATA.stars.findIndex((star) => star.row === row);
  if (number >= 0) return setStar(number);
  rows.shown = row;
  await showRow(rows, row);
  byId("x-count").textContent = `${rows.ids[row]}: its spectrum is not in this page; its row is below`;
  return Promise.all(planes.map((plane) => plane.draw()));
}

async function drawPlanes() {
  await Promise.all(planes.map((plane) => plane.draw()));
  await showSelected(rows, chooseRow);
}

async function setFilter() {
  const limit = (name, otherwise) => (byId(name).value === "" ? otherwise : Number(byId(name).value));
  await rows.filter({ kept: byId("x-kept").value, name: byId("x-filter").value, low: limit("x-filter-low", -Infinity), high: limit("x-filter-high", Infinity) });
  await drawPlanes();
}

function select(found, plane) {
  rows.chosen = found;
  for (const other of planes) if (other !== plane || !found) other.selections = [];
  return drawPlanes();
}

async function startCatalogue() {
  rows = await CatalogueRows.of(DATA.catalogue);
  rows.labels = models[0].labels.map((label) => label.name);
  await rows.filter({ kept: byId("x-kept").value });
  const names = [...rows.columns.keys()];
  const first = (wanted, otherwise) => wanted.find((name) => names.includes(name)) ?? otherwise;
  const numbers = names.map((name) => [name, rows.title(name)]);
  rows.colour = first(["fe_h", rows.labels[2], "snr_g"], names[0]);
  fillSelect(byId("x-colour"), [["", "number of rows"], ...numbers], rows.colour);
  fillSelect(byId("x-filter"), [["", "any value"], ...numbers], "");
  const axes = { a: [["teff", rows.labels[0]], ["logg", rows.labels[1]]], b: [["fe_h", rows.labels[2], rows.labels[0]], ["alpha_m", rows.labels[3], rows.labels[1]]] };
  for (const [key, wanted] of Object.entries(axes)) {
    const [x, y] = wanted.map((of, k) => first(of, names[k]));
    const plane = new Plane(byId(`x-plane-${key}`), rows, x, y, chooseRow, select);
    planes.push(plane);
    for (const side of ["x", "y"]) {
      const choice = byId(`x-plane-${key}-${side}`);
      fillSelect(choice, numbers, plane[side]);
      choice.addEventListener("change", () => {
        plane[side] = choice.value;
        plane.view = null;
        plane.draw();
      });
    }
    plane.box.addEventListener("keydown", (event) => {
      const along = { ArrowRight: ["x", true], ArrowLeft: ["x", false], ArrowUp: ["y", true], ArrowDown: ["y", false] }[event.key];
      if (!along || !DATA.stars.length) return;
      event.preventDefault();
      chooseRow(plane.neighbour(...along));
    });
  }
  byId("x-colour").addEventListener("change", (event) => { rows.colour = event.target.value; drawPlanes(); });
  for (const name of ["x-kept", "x-filter", "x-filter-low", "x-filter-high"]) byId(name).addEventListener("change", setFilter);
  byId("x-clear").addEventListener("click", () => {
    for (const name of ["x-filter", "x-filter-low", "x-filter-high"]) byId(name).value = "";
    planes.forEach((plane) => { plane.view = null; plane.selections = []; });
    rows.chosen = null;
    setFilter();
  });
  await drawPlanes();
}

function listen() {
  const on = (name, event, action) => byId(name)?.addEventListener(event, action);
  on("x-model", "change", (event) => setModel(event.target.value, true));
  on("x-model-2", "change", (event) => {
    state.model2 = models.find((model) => model.data.name === event.target.value) ?? null;
    figure.draw();
  });
  on("x-snr", "change", (event) => {
    state.snr = Math.max(1, Number(event.target.value) || 50);
    figure.labelsChanged();
  });
  on("x-star", "change", (event) => setStar(Number(event.target.value)));
  on("x-star-2", "change", async (event) => {
    const number = Number(event.target.value);
    state.star2 = number < 0 ? null : await Star.at(number, models[0].wavelength);
    figure.draw();
  });
  on("x-previous", "click", () => step(-1));
  on("x-next", "click", () => step(1));
  on("x-median", "click", () => setLabels(state.model.labels.map((label) => label.median)));
  on("x-of-star", "click", () => state.star && setLabels(labelsOf(state.model, modelOf(state.star), state.star.fitted)));
  on("x-information", "change", (event) => {
    state.information = event.target.value;
    figure.draw().then(state.said);
  });
  for (const [name, key] of [["x-show-model", "showModel"], ["x-show-fit", "showFit"], ["x-show-error", "showError"]]) {
    on(name, "change", (event) => { state[key] = event.target.checked; figure.draw(); });
  }
  for (const kind of Object.keys(KINDS)) {
    state.marked[kind] = byId(`x-mark-${kind}`).checked;
    on(`x-mark-${kind}`, "change", (event) => { state.marked[kind] = event.target.checked; figure.draw(); });
  }
  const moves = { "x-left": [-0.25, 1], "x-right": [0.25, 1], "x-in": [0, 0.5], "x-out": [0, 2] };
  for (const [name, [by, factor]] of Object.entries(moves)) on(name, "click", () => figure.shift(by, factor));
  on("x-all", "click", () => figure.zoom(null));
  on("x-spectrum", "keydown", (event) => {
    const keys = { ArrowLeft: [-0.25, 1], ArrowRight: [0.25, 1], "+": [0, 0.5], "-": [0, 2] };
    if (keys[event.key]) figure.shift(...keys[event.key]);
    else if (event.key === "0") figure.zoom(null);
    else if (event.key === "n" && DATA.stars.length) step(1);
    else if (event.key === "p" && DATA.stars.length) step(-1);
    else return;
    event.preventDefault();
  });
  state.said = readout;
  onThemeChange(() => {
    figure.draw();
    planes.forEach((plane) => plane.draw());
    if (state.star) showPosterior(state.star, modelOf(state.star).labels);
  });
}

async function start() {
  // without a program its controls would do nothing
  byId("x-app").hidden = false;
  for (const data of DATA.models) models.push(await SpectralModel.of(data));
  figure = new SpectrumFigure(byId("x-spectrum"), state);
  listen();
  const names = models.map((model) => [model.data.name, model.data.title]);
  fillSelect(byId("x-model"), names, names[0][0]);
  fillSelect(byId("x-model-2"), [["", "no other"], ...names], "");
  await setModel(names[0][0], false);
  if (DATA.stars.length) {
    const stars = DATA.stars.map((star, number) => [number, star.id]);
    fillSelect(byId("x-star"), stars, 0);
    fillSelect(byId("x-star-2"), [[-1, "no other"], ...stars], -1);
  }
  if (DATA.catalogue) await startCatalogue();
  if (DATA.stars.length) await setStar(0);
  byId("x-state").textContent = "";
  byId("x-app").dataset.state = "ready";
}

start().catch((error) => {
  byId("x-state").textContent = `The explorer could not be started: ${error.message}`;
  byId("x-app").dataset.state = "failed";
  throw error;
});
