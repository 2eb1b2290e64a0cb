// Light or dark: the system's setting, until the person chooses. It runs before the first paint, so it is not a module.
"use strict";
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is switched off, so the system decides
    }
  }

  function show() {
    const dark = (chosen() ?? (system.matches ? "dark" : "light")) === "dark";
    document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(dark));
    }
  }

  function choose(theme) {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      document.documentElement.dataset.bsTheme = theme;
    }
  }

  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-theme-toggle]")) {
      choose(document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark");
      show();
    }
  });
})();
