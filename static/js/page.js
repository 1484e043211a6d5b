// Small comforts; every page works without them.
(() => {
  // A status is announced when it changes, not when the page comes with it: its words are put in once more.
  setTimeout(() => {
    for (const words of document.querySelectorAll("#notices p")) words.textContent = words.textContent;
  }, 300);

  // Close a notice.
  document.addEventListener("click", (event) => {
    event.target.closest("[data-close]")?.closest(".notice").remove();
  });

  // Copy a number.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    document.getElementById("say").textContent = `${button.dataset.copyName || button.dataset.copy} copied`;
  });

  // Print.
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) print();
  });

  // One menu or reason form open at a time; Escape closes it and gives the focus back.
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && event.target.closest("details[open].more, details[open].act-more, details[open].options");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });

  // A menu closes when the hand goes elsewhere.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[open].more, details[open].options")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  // A double click sends once.
  let sent = null;
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.getAttribute("method") !== "post") return;
    if (event.target === sent) event.preventDefault();
    sent = event.target;
    setTimeout(() => { sent = null; }, 1000);
  });

  // What takes longer than a moment is seen to be under way; what was there stays.
  document.addEventListener("submit", (event) => {
    const method = event.target.getAttribute("method");
    if (method !== "dialog") setTimeout(() => { if (!event.defaultPrevented) document.body.setAttribute("aria-busy", "true"); }, 400);
  });
  addEventListener("pageshow", () => document.body.removeAttribute("aria-busy"));

  // A form that came back with problems: the summary takes the focus.
  document.querySelector(".problems")?.focus();

  // A link to something folded away unfolds it.
  const unfold = () => document.getElementById(decodeURIComponent(location.hash.slice(1)))?.closest("details")?.setAttribute("open", "");
  addEventListener("hashchange", unfold);
  unfold();
})();
