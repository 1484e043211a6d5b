// Small comforts; every page works without them.
(() => {
  // Close a notice.
  document.addEventListener("click", (event) => {
    event.target.closest("[data-close]")?.closest(".notice").remove();
  });

  // Copy a number.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    document.getElementById("say").textContent = `${button.dataset.copy} copied`;
  });

  // Print.
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) print();
  });

  // One menu or reason form open at a time; Escape closes it and gives the focus back.
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && event.target.closest("details[open].more, details[open].act-more");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });

  // A form that came back with problems: the summary takes the focus.
  document.querySelector(".problems")?.focus();

  // A link to something folded away unfolds it.
  const unfold = () => document.getElementById(decodeURIComponent(location.hash.slice(1)))?.closest("details")?.setAttribute("open", "");
  addEventListener("hashchange", unfold);
  unfold();
})();
