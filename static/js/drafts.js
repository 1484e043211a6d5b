// Keeps what is typed into long fields in this browser until it was sent and taken. Keyed by person, form and field.
(() => {
  const person = document.body.dataset.person;
  const prefix = person ? `draft:${person}:` : "draft:"; // signed out: what was just sent was not taken, whoever sent it
  const DAYS = 14;
  const fields = [...document.querySelectorAll("form[method=post] textarea, form[method=post] [data-draft]")].filter((field) => field.name && !field.disabled);
  const failed = document.querySelector(".problems, .notice-error, .notice-warning");

  function keyOf(field) {
    const action = field.form.getAttribute("action") || location.pathname;
    return prefix + [new URL(action, location.href).pathname, field.name].join("#");
  }

  function read(key) {
    try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
  }

  function write(key, draft) {
    try { localStorage.setItem(key, JSON.stringify(draft)); } catch { /* full or forbidden: then nothing is kept */ }
  }

  // What was sent before this page came is taken, unless this page says that it failed.
  for (const key of Object.keys(localStorage).filter((each) => each.startsWith(prefix))) {
    const draft = read(key);
    const old = !draft || Date.now() - draft.at > DAYS * 86400000;
    if (old || (draft.sent && !failed)) localStorage.removeItem(key);
    else if (draft.sent) write(key, { ...draft, sent: false });
  }

  function clock(at) {
    const then = new Date(at);
    const time = then.toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" }).replace(" AM", " am").replace(" PM", " pm");
    if (then.toDateString() === new Date().toDateString()) return `at ${time}`;
    return `on ${then.toLocaleDateString("en-US", { weekday: "short", month: "short", day: "numeric" })}, ${time}`;
  }

  function offer(field, draft) {
    const before = field.value;
    field.value = draft.text;
    field.closest("details")?.setAttribute("open", "");
    const note = document.createElement("p");
    note.className = "restored";
    note.setAttribute("role", "status");
    const discard = document.createElement("button");
    discard.type = "button";
    discard.className = "link";
    discard.textContent = "Discard";
    discard.addEventListener("click", () => {
      field.value = before;
      localStorage.removeItem(keyOf(field));
      note.remove();
      field.focus();
    });
    note.append(`Restored what you typed ${clock(draft.at)}. `, discard);
    field.after(note);
  }

  for (const field of fields) {
    const key = keyOf(field);
    const draft = read(key);
    if (draft && draft.text.trim() && draft.text !== field.value && !field.closest(".problems ~ form")) offer(field, draft);
    let waiting;
    const keep = () => {
      if (field.value === field.defaultValue) localStorage.removeItem(key);
      else write(key, { text: field.value, at: Date.now(), sent: false });
    };
    field.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(keep, 300);
    });
    field.form.addEventListener("submit", () => {
      clearTimeout(waiting);
      if (field.value.trim()) write(key, { text: field.value, at: Date.now(), sent: true });
    });
    addEventListener("pagehide", () => {
      if (read(key)?.sent) return;
      clearTimeout(waiting);
      if (field.value !== field.defaultValue) keep();
    });
  }
})();
