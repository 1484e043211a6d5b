// Live parts ask for themselves every 20 seconds (hx-get). Nobody is disturbed by it: what is being typed, ticked or
// read stays as it is.
(() => {
  const isLive = (element) => element.matches?.("[data-live]");
  const FOCUSABLE = "a[href], button, summary, input, [tabindex]";
  let kept = { open: [], ticked: [], focused: null };

  // What a person would call the same link or button in the part as it was and as it is now.
  function likeness(element) {
    const { tagName, id, value, href, form, textContent } = element;
    return id || [tagName, href ?? form?.action, value, textContent.trim()].join(" ");
  }

  function giveFocusBack(part) {
    if (!kept.focused || document.activeElement !== document.body) return;
    const same = [...part.querySelectorAll(FOCUSABLE)].find((each) => likeness(each) === kept.focused);
    (same ?? document.getElementById("main"))?.focus({ preventScroll: true });
  }

  function isTyping(part) {
    const active = document.activeElement;
    return part.contains(active) && active.matches("input:not([type=checkbox]), textarea, select");
  }

  // Not while nobody looks, and not under somebody's fingers: the next time will do.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (!isLive(part)) return;
    if (document.hidden || isTyping(part) || part.querySelector("details.act-more[open]")) event.preventDefault();
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.elt;
    if (!isLive(part) || !event.detail.shouldSwap) return;
    if (!event.detail.serverResponse.includes("data-live")) {
      // Signed out meanwhile, or another page: the whole page says so.
      event.detail.shouldSwap = false;
      location.reload();
      return;
    }
    kept = {
      open: [...part.querySelectorAll("details[id][open]")].map(({ id }) => id),
      ticked: [...part.querySelectorAll("input[type=checkbox][id]:checked")].map(({ id }) => id),
      focused: part.contains(document.activeElement) ? likeness(document.activeElement) : null,
    };
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!isLive(event.detail.elt)) return;
    for (const id of kept.open) document.getElementById(id)?.setAttribute("open", "");
    for (const id of kept.ticked) {
      const box = document.getElementById(id);
      if (box) box.checked = true;
    }
    giveFocusBack(document.getElementById(event.detail.elt.id));
  });
})();
