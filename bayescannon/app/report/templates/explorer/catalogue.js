// The catalogue: its columns, the rows that are kept and selected, and the two planes.

class CatalogueRows {
  static async of(data) {
    const rows = new CatalogueRows(data);
    rows.ids = await unpacked(data.id);
    await rows.filter();
    return rows;
  }

  constructor(data) {
    this.data = data;
    this.n = data.n;
    this.columns = new Map(data.columns.map((column) => [column.name, column]));
    this.unpacked = new Map();
    this.colour = "";
    this.shown = -1;
    this.chosen = null;
    this.kept = new Uint8Array(this.n);
  }

  values(name) {
    if (!this.unpacked.has(name)) this.unpacked.set(name, unpacked(this.columns.get(name)));
    return this.unpacked.get(name);
  }

  title(name) {
    return withUnit(name, this.columns.get(name).unit);
  }

  // the value of a row as text
  async text(name, row, digits) {
    const column = this.columns.get(name);
    const value = (await this.values(name))[row];
    if (column.names) return column.names[value];
    // whole numbers are names, dates or sums of flags: every digit counts
    if (column.step === 1 && Number.isInteger(value)) return String(value);
    return digits === undefined ? rounded(value) : printed(value, digits);
  }

  async filter({ kept = "all", name = "", low = -Infinity, high = Infinity } = {}) {
    const bad = this.columns.has("flag_bad") ? await this.values("flag_bad") : null;
    const values = name ? await this.values(name) : null;
    for (let row = 0; row < this.n; row++) {
      const good = !bad || kept === "all" || (kept === "bad") === (bad[row] > 0);
      this.kept[row] = good && (!values || (values[row] >= low && values[row] <= high)) ? 1 : 0;
    }
  }

  count() {
    let kept = 0;
    let chosen = 0;
    for (let row = 0; row < this.n; row++) {
      if (!this.kept[row]) continue;
      kept += 1;
      if (this.chosen && this.chosen[row]) chosen += 1;
    }
    return { kept, chosen };
  }
}

// rows of the table of selected rows
const LISTED = 100;

async function showRow(rows, row) {
  const names = [...rows.columns.keys()];
  const texts = await Promise.all(names.map((name) => rows.text(name, row)));
  const lines = names.map((name, i) => [rows.title(name), texts[i]]);
  fillTable(byId("x-row"), ["column", "value"], [["id", rows.ids[row]], ...lines]);
}

async function showSelected(rows, choose) {
  const { kept, chosen } = rows.count();
  const names = rows.labels.filter((name) => rows.columns.has(name));
  const listed = [];
  for (let row = 0; row < rows.n && listed.length < LISTED; row++) {
    if (rows.kept[row] && rows.chosen && rows.chosen[row]) listed.push(row);
  }
  const text = rows.chosen ? `; ${counted(chosen)} selected${chosen > LISTED ? `, the first ${LISTED} are listed` : ""}` : "";
  byId("x-count").textContent = `${counted(kept)} of ${counted(rows.n)} rows are shown${text}`;
  const lines = await Promise.all(listed.map(async (row) => [rows.ids[row], ...(await Promise.all(names.map((name) => rows.text(name, row))))]));
  fillTable(byId("x-selected"), listed.length ? ["selected", ...names] : [], lines);
  byId("x-selected").querySelectorAll("tbody tr").forEach((line, i) => {
    line.dataset.row = listed[i];
    line.tabIndex = 0;
    line.addEventListener("click", () => choose(listed[i]));
    line.addEventListener("keydown", (event) => event.key === "Enter" && choose(listed[i]));
  });
}
