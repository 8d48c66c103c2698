// The rows of the catalogue in a plane of two columns: cells of their mean colour, or points where few are shown.

const MOST_POINTS = 3000;
const CELLS = [150, 110];
// axes that fall in a Kiel diagram
const FALLING = ["teff", "logg"];

class Plane {
  // rows gives values(name), kept (rows that pass the filter), chosen (selected rows or null), and the names of columns
  constructor(box, rows, x, y, onChoose, onSelect) {
    Object.assign(this, { box, rows, x, y, onChoose, onSelect });
    this.view = null;
    this.selections = [];
  }

  async draw() {
    const { rows } = this;
    const [x, y] = [await rows.values(this.x), await rows.values(this.y)];
    const colours = rows.colour ? await rows.values(rows.colour) : null;
    const view = this.view ?? [central(x, rows.kept), central(y, rows.kept)];
    const inside = insideOf(x, y, view, rows.kept);
    this.drawn = { x, y, view };
    const traces = inside.length > MOST_POINTS ? this.cells(x, y, colours, view, inside) : this.points(x, y, colours, inside);
    traces.push(this.rings(x, y, view));
    const range = (name, [low, high]) => (FALLING.includes(name) ? [high, low] : [low, high]);
    const shown = layout({
      xaxis: axis(rows.title(this.x), { range: range(this.x, view[0]) }),
      yaxis: axis(rows.title(this.y), { range: range(this.y, view[1]) }),
      selections: this.selections,
      dragmode: this.box.layout?.dragmode ?? "zoom",
      showlegend: false,
      hovermode: "closest",
      margin: { l: 10, r: 10, t: 30, b: 10 },
    });
    this.silent = true;
    await Plotly.react(this.box, traces, shown, { ...CONFIG, modeBarButtonsToAdd: ["select2d", "lasso2d"] });
    this.silent = false;
    this.listen();
  }

  listen() {
    if (this.listens) return;
    this.listens = true;
    this.box.on("plotly_relayout", (change) => {
      if (this.silent || change["xaxis.range[0]"] === undefined && change["yaxis.range[0]"] === undefined) return;
      const { xaxis, yaxis } = this.box.layout;
      const sorted = (range) => range.map(Number).sort((a, b) => a - b);
      this.view = [sorted(xaxis.range), sorted(yaxis.range)];
      this.draw();
    });
    this.box.on("plotly_doubleclick", () => { this.view = null; this.onSelect(null, this); });
    this.box.on("plotly_click", ({ points: [point] }) => this.onChoose(point.customdata ?? this.nearest(point.x, point.y)));
    this.box.on("plotly_selected", (event) => {
      // drawing anew reports a selection too, without its outline
      if (!event?.range && !event?.lassoPoints) return;
      this.selections = event.selections;
      this.onSelect(this.within(event), this);
    });
  }

  // the mean colour of the selected rows in each cell, without a colour their number; the others in grey
  cells(x, y, colours, [[x0, x1], [y0, y1]], inside) {
    const [nx, ny] = CELLS;
    const number = new Float64Array(nx * ny);
    const sum = new Float64Array(nx * ny);
    const behind = new Float64Array(nx * ny);
    const mark = this.rows.chosen;
    for (const row of inside) {
      const cell = Math.min(ny - 1, Math.floor(((y[row] - y0) / (y1 - y0)) * ny)) * nx + Math.min(nx - 1, Math.floor(((x[row] - x0) / (x1 - x0)) * nx));
      behind[cell] = 1;
      if ((mark && !mark[row]) || (colours && !Number.isFinite(colours[row]))) continue;
      number[cell] += 1;
      if (colours) sum[cell] += colours[row];
    }
    const z = rowsOf(sum.map((value, i) => (number[i] ? (colours ? value / number[i] : Math.log10(number[i])) : NaN)), nx);
    const edges = (low, high, n) => Array.from({ length: n }, (_, i) => low + ((i + 0.5) * (high - low)) / n);
    const [zmin, zmax] = colours ? central(colours, this.rows.kept, 0.02) : [null, null];
    const at = { x: edges(x0, x1, nx), y: edges(y0, y1, ny) };
    const bar = { title: { text: colours ? `mean ${this.rows.title(this.rows.colour)}` : "log10 rows per cell", side: "right" }, thickness: 12, outlinewidth: 0 };
    const traces = [];
    if (mark || colours) {
      const grey = colour("line");
      const z = rowsOf(behind.map((value) => value || NaN), nx);
      traces.push({ type: "heatmap", ...at, z, showscale: false, hoverinfo: "skip", colorscale: [[0, grey], [1, grey]] });
    }
    traces.push({ type: "heatmap", ...at, z, zmin, zmax, colorscale: colourScale(), colorbar: bar, hoverongaps: false, hovertemplate: "%{x:.4g}, %{y:.4g}: %{z:.4g}<extra></extra>" });
    return traces;
  }

  points(x, y, colours, inside) {
    const mark = this.rows.chosen;
    const at = (values) => inside.map((row) => values[row]);
    const [cmin, cmax] = colours ? central(colours, this.rows.kept, 0.02) : [null, null];
    const marker = colours
      ? { color: at(colours), colorscale: colourScale(), cmin, cmax, colorbar: { title: { text: this.rows.title(this.rows.colour), side: "right" }, thickness: 12, outlinewidth: 0 } }
      : { color: colour("series-1") };
    marker.size = inside.length > 1000 ? 5 : 7;
    marker.opacity = mark ? inside.map((row) => (mark[row] ? 1 : 0.12)) : 0.9;
    return [{ type: "scatter", mode: "markers", x: at(x), y: at(y), customdata: inside, marker, text: inside.map((row) => this.rows.ids[row]), hovertemplate: "%{text}<br>%{x:.4g}, %{y:.4g}<extra></extra>", unselected: { marker: { opacity: 0.2 } } }];
  }

  // stars whose spectra the page holds, and the one that is shown
  rings(x, y, view) {
    const rows = DATA.stars.map((star) => star.row).filter((row) => this.rows.kept[row] && insideOne(x[row], y[row], view));
    const shown = rows.map((row) => row === this.rows.shown);
    return { type: "scatter", mode: "markers", x: rows.map((row) => x[row]), y: rows.map((row) => y[row]), customdata: rows, text: rows.map((row) => this.rows.ids[row]), hovertemplate: "%{text}<br>%{x:.4g}, %{y:.4g}<extra></extra>", marker: { symbol: shown.map((one) => (one ? "circle-open-dot" : "circle-open")), size: shown.map((one) => (one ? 17 : 8)), color: shown.map((one) => (one ? colour("bad") : colour("ink"))), line: { width: shown.map((one) => (one ? 3 : 1)) } }, unselected: { marker: { opacity: 0.4 } } };
  }

  // the row nearest to a place, in the measure of the shown range
  nearest(placeX, placeY) {
    const { x, y, view } = this.drawn;
    const [wide, high] = view.map(([low, top]) => top - low);
    let best = -1;
    let least = Infinity;
    for (let row = 0; row < x.length; row++) {
      if (!this.rows.kept[row]) continue;
      const distance = ((x[row] - placeX) / wide) ** 2 + ((y[row] - placeY) / high) ** 2;
      if (distance < least) [best, least] = [row, distance];
    }
    return best;
  }

  // which rows are within a drawn box or lasso
  within(event) {
    const { x, y } = this.drawn;
    const { kept } = this.rows;
    const found = new Uint8Array(x.length);
    if (event.range) {
      const sorted = (range) => [...range].map(Number).sort((a, b) => a - b);
      const view = [sorted(event.range.x), sorted(event.range.y)];
      for (let row = 0; row < x.length; row++) found[row] = kept[row] && insideOne(x[row], y[row], view) ? 1 : 0;
    } else if (event.lassoPoints) {
      const { x: xs, y: ys } = event.lassoPoints;
      for (let row = 0; row < x.length; row++) found[row] = kept[row] && isWithin(x[row], y[row], xs, ys) ? 1 : 0;
    }
    return found;
  }

  // the next star with a spectrum along an axis
  neighbour(name, forward) {
    const values = this.drawn[name];
    const rows = DATA.stars.map((star) => star.row).filter((row) => this.rows.kept[row] && Number.isFinite(values[row]));
    const falls = FALLING.includes(name === "x" ? this.x : this.y);
    rows.sort((a, b) => values[a] - values[b] || a - b);
    if (forward === falls) rows.reverse();
    return rows[(rows.indexOf(this.rows.shown) + 1) % rows.length];
  }
}

const insideOne = (x, y, [[x0, x1], [y0, y1]]) => x >= x0 && x <= x1 && y >= y0 && y <= y1;

function insideOf(x, y, view, kept) {
  const rows = [];
  for (let row = 0; row < x.length; row++) if (kept[row] && insideOne(x[row], y[row], view)) rows.push(row);
  return rows;
}

// Whether a place is inside a polygon: an odd number of its edges is to the right.
function isWithin(x, y, xs, ys) {
  let inside = false;
  for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
    if (ys[i] > y !== ys[j] > y && x < ((xs[j] - xs[i]) * (y - ys[i])) / (ys[j] - ys[i]) + xs[i]) inside = !inside;
  }
  return inside;
}

// A range that holds all but a share of the values of kept rows at either end, with a margin.
function central(values, kept, share = 0.001) {
  let known = 0;
  for (let row = 0; row < values.length; row++) if (kept[row] && Number.isFinite(values[row])) known += 1;
  // of many rows some tell the range; of few that are kept among many, each
  const step = Math.max(1, Math.floor(known / 50000));
  const some = [];
  for (let row = 0, nth = 0; row < values.length; row++) {
    if (kept[row] && Number.isFinite(values[row]) && nth++ % step === 0) some.push(values[row]);
  }
  if (!some.length) return [0, 1];
  some.sort((a, b) => a - b);
  const [low, high] = [some[Math.floor(share * (some.length - 1))], some[Math.ceil((1 - share) * (some.length - 1))]];
  const pad = share < 0.01 ? 0.04 * (high - low) || 0.5 : 0;
  return high > low || pad ? [low - pad, high + pad] : [low - 0.5, low + 0.5];
}
