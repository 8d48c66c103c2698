// Colours of figures, from the page's style; figures are drawn anew when they change.

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "#888";
}

const translucent = (code, share) => {
  const parts = [1, 3, 5].map((i) => parseInt(code.slice(i, i + 2), 16));
  return code.length === 7 ? `rgba(${parts.join(",")},${share})` : code;
};

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

const colourScale = () => DATA.colours[isDark() ? "dark" : "light"];

function onThemeChange(redraw) {
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

// nothing of a figure may be sent anywhere
const CONFIG = {
  responsive: true, displaylogo: false, doubleClick: "reset", plotlyServerURL: "",
  modeBarButtonsToRemove: ["sendChartToCloud", "autoScale2d"],
};

const axis = (title, more = {}) => ({
  title: { text: title, standoff: 6 },
  gridcolor: colour("line"),
  linecolor: colour("muted"),
  zeroline: false,
  ticks: "outside",
  tickcolor: colour("muted"),
  automargin: true,
  ...more,
});

const layout = (more) => ({
  paper_bgcolor: "rgba(0,0,0,0)",
  plot_bgcolor: "rgba(0,0,0,0)",
  font: { color: colour("ink"), family: "system-ui, sans-serif", size: 13 },
  hoverlabel: { bgcolor: colour("panel"), bordercolor: colour("muted"), font: { color: colour("ink") } },
  modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("muted"), activecolor: colour("accent") },
  margin: { l: 10, r: 10, t: 30, b: 10 },
  ...more,
});
