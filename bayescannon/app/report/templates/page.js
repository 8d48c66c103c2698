(() => {
"use strict";
const root = document.documentElement;
const button = document.getElementById("theme");
const system = window.matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
const show = () => {
  button.setAttribute("aria-pressed", String(isDark()));
};
button.hidden = false;
button.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  show();
});
system.addEventListener("change", show);
show();

// what is wider than its box can be reached with the keyboard, and scrolled; what is not is no stop on the way
const boxes = [...document.querySelectorAll("[data-scrolls]")];
const mark = () => {
  // all are measured before any is changed
  const wide = boxes.map((box) => box.scrollWidth > box.clientWidth + 1);
  boxes.forEach((box, n) => {
    if (wide[n]) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", box.dataset.scrolls);
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  });
};
window.addEventListener("load", mark);
window.addEventListener("resize", mark);
})();
