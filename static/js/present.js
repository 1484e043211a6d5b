// A review in presenter mode: j shows the next pull request, k the one before. Loaded for people who want shortcuts.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const rel = { j: "next", k: "prev" }[event.key];
  document.querySelector(`.present-turn a[rel="${rel}"]`)?.click();
});
