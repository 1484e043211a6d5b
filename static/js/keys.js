// Keys. Those without Ctrl or ⌘ can be switched off on the person's page; all lead where links and buttons lead too.
(() => {
  const ROWS = "main [data-row], main .rows > li > div:not(.end) > a";
  const menu = document.getElementById("menu");
  const list = document.getElementById("keys");
  let afterG = 0;

  const isTyping = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const go = (selector) => document.querySelector(selector)?.click();

  function openMenu() {
    if (menu.open) return menu.close();
    menu.showModal();
    menu.querySelector("input").select();
  }

  function find() {
    const field = document.getElementById("find");
    if (field?.checkVisibility()) field.select();
    else go(".find-small");
  }

  function step(by) {
    const rows = [...document.querySelectorAll(ROWS)].filter((row) => row.checkVisibility());
    const here = rows.indexOf(document.activeElement);
    const next = rows[here < 0 ? (by > 0 ? 0 : rows.length - 1) : here + by];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  function tick() {
    document.activeElement.closest("li, tr, article")?.querySelector("input[type=checkbox]")?.click();
  }

  const SINGLE = {
    "/": find,
    "?": () => list?.showModal(),
    j: () => step(1),
    k: () => step(-1),
    x: tick,
    n: () => go("a[data-new]"),
    g: () => { afterG = Date.now(); },
  };

  document.addEventListener("keydown", (event) => {
    if (!menu) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openMenu();
      return;
    }
    const single = "keys" in document.body.dataset && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!single || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const place = Date.now() - afterG < 1500 && document.querySelector(`a[data-go="${CSS.escape(event.key)}"]`);
    afterG = 0;
    const action = place ? () => place.click() : SINGLE[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  // A click beside a dialog closes it.
  for (const dialog of [menu, list]) {
    dialog?.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }
})();
