// Light or dark, picked by hand and kept in a cookie, so that the server renders it without a flash.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const shown = () => root.dataset.bsTheme || (system.matches ? "dark" : "light");

  root.classList.add("js");
  root.dataset.shown = shown();

  function label(button) {
    root.dataset.shown = shown();
    button.setAttribute("aria-label", `Switch to ${shown() === "dark" ? "light" : "dark"} appearance`);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    if (!button) return;
    label(button);
    system.addEventListener("change", () => label(button));
    button.addEventListener("click", () => {
      root.dataset.bsTheme = shown() === "dark" ? "light" : "dark";
      const secure = location.protocol === "https:" ? "; secure" : "";
      document.cookie = `theme=${root.dataset.bsTheme}; path=/; max-age=31536000; samesite=lax${secure}`;
      label(button);
    });
  });
})();
