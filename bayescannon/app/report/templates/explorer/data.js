// The data of the page: packed arrays are unpacked when they are first used.

const byId = (name) => document.getElementById(name);
const DATA = JSON.parse(byId("x-data").textContent);
const ARRAYS = { f8: Float64Array, f4: Float32Array, u2: Uint16Array, u1: Uint8Array, i4: Int32Array };
const MISSING = 65535; // the code of values that are not finite

async function inflated(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

// An array as it was packed; of coded values the values themselves.
async function unpacked(packed) {
  const buffer = await inflated(packed.data);
  if (packed.kind === "text") return new TextDecoder().decode(buffer).split("\n");
  const codes = new ARRAYS[packed.kind](buffer);
  if (packed.step === undefined) return codes;
  const values = new Float64Array(codes.length);
  const exact = packed.kind === "u1";
  for (let i = 0; i < codes.length; i++) {
    const value = !exact && codes[i] === MISSING ? NaN : packed.low + packed.step * codes[i];
    values[i] = packed.width === undefined ? value : packed.centre + packed.width * Math.sinh(value);
  }
  return values;
}

// Rows of length n of an array.
function rowsOf(values, n) {
  const rows = [];
  for (let start = 0; start < values.length; start += n) rows.push(values.subarray(start, start + n));
  return rows;
}

const element = (tag, text, attributes = {}) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};

function fillSelect(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => element("option", text, { value })));
  if (chosen !== undefined) select.value = chosen;
}

function fillTable(table, head, rows) {
  const top = element("thead");
  const line = element("tr");
  line.append(...head.map((text) => element("th", text, { scope: "col" })));
  top.append(line);
  const body = element("tbody");
  for (const [name, ...row] of rows) {
    const made = element("tr");
    made.append(element("th", name, { scope: "row" }), ...row.map((text) => element("td", text)));
    body.append(made);
  }
  table.replaceChildren(top, body);
}

const withUnit = (name, unit) => (unit ? `${name} [${unit}]` : name);
const printed = (value, digits) => (value === null || !Number.isFinite(value) ? "–" : value.toFixed(digits).replace(/^-(?=0\.?0*$)/, ""));
// as many digits as a number of this size needs
const rounded = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(5))) : "–");
const counted = (number) => number.toLocaleString("en");
