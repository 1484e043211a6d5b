// The search field in the top bar and the command menu: htmx brings what was found, arrows walk through it.
(() => {
  const finders = () => document.querySelectorAll("[data-finder]");
  const field = (finder) => finder.querySelector("input[name=q]");
  const links = (finder) => [...finder.querySelectorAll("a[href]")].filter((link) => link.checkVisibility());
  const hits = (finder) => finder.querySelector("[data-hits]");

  function clear(finder) {
    hits(finder).replaceChildren();
  }

  function filter(finder) {
    const words = field(finder).value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of finder.querySelectorAll("[data-filtered] > li")) {
      const text = item.textContent.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
    }
  }

  function walk(finder, step) {
    const all = [field(finder), ...links(finder)];
    const next = all[all.indexOf(document.activeElement) + step];
    if (next) next.focus();
  }

  for (const finder of finders()) {
    finder.addEventListener("input", () => {
      filter(finder);
      if (!field(finder).value.trim()) clear(finder);
    });
    finder.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        walk(finder, step);
      } else if (event.key === "Escape" && !finder.closest("dialog") && hits(finder).children.length) {
        event.preventDefault();
        clear(finder);
        field(finder).focus();
      }
    });
    finder.addEventListener("htmx:afterSwap", () => {
      if (!field(finder).value.trim()) return clear(finder);
      const count = hits(finder).querySelectorAll("li").length;
      document.getElementById("say").textContent = count ? `${count} found. Arrow down to go through them.` : "Nothing found";
    });
    finder.addEventListener("focusout", (event) => {
      if (!finder.closest("dialog") && event.relatedTarget && !finder.contains(event.relatedTarget)) clear(finder);
    });
  }

  // In the menu Enter opens the first page that fits; only when none does it searches.
  document.querySelector("#menu [data-finder]")?.addEventListener("submit", (event) => {
    const first = links(event.target)[0];
    if (!first) return;
    event.preventDefault();
    first.click();
  });

  document.addEventListener("click", (event) => {
    for (const finder of finders()) if (!finder.contains(event.target) && !finder.closest("dialog")) clear(finder);
  });
})();
