// A plain file input becomes a drop zone: several files, the kind of each guessed from its name, and progress.
(() => {
  const form = document.querySelector("[data-drop]");
  if (!form || !window.DataTransfer) return;
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector("[data-drop-zone]");
  const list = form.querySelector("[data-drop-files]");
  const said = form.querySelector("[data-drop-said]");
  const kinds = form.querySelector("select[name=kind]");
  const button = form.querySelector("button[type=submit]");
  const most = Number(form.dataset.maxBytes);
  const endings = input.accept.split(",");
  let rows = [];

  function make(tag, options = {}) {
    return Object.assign(document.createElement(tag), options);
  }

  function size(bytes) {
    if (bytes < 1024) return `${bytes} bytes`;
    return bytes < 1048576 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
  }

  function guess(name) {
    const words = name.toLowerCase();
    const options = [...kinds.options].filter((option) => option.value);
    if (options.length === 1) return options[0].value;
    const order = ["plan", "tests", "justification"]; // as the server guesses
    options.sort((one, other) => order.indexOf(one.value) - order.indexOf(other.value));
    return options.find((option) => option.dataset.words.split(" ").some((word) => words.includes(word)))?.value || "";
  }

  function wrong(file) {
    if (!file.size) return "This file is empty.";
    if (file.size > most) return `This file is ${size(file.size)}. The limit is ${size(most).replace(".0", "")}.`;
    if (!endings.some((ending) => file.name.toLowerCase().endsWith(ending))) return "Files of this kind cannot be attached.";
    return "";
  }

  function row(file) {
    const item = make("li");
    const name = make("b", { textContent: file.name });
    const about = make("span", { className: "by", textContent: size(file.size) });
    const choice = kinds.cloneNode(true);
    choice.removeAttribute("id");
    choice.removeAttribute("name");
    choice.setAttribute("aria-label", `What ${file.name} is`);
    if (choice.options[0].value) choice.prepend(make("option", { value: "" }));
    choice.options[0].textContent = "Choose what it is";
    choice.value = guess(file.name);
    const remove = make("button", { type: "button", className: "btn btn-quiet btn-sm", textContent: "Remove" });
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    const state = make("p", { className: "drop-state" });
    const text = make("div");
    text.append(name, about);
    item.append(text, choice, remove, state);
    const found = { file, item, choice, remove, state, done: false };
    remove.addEventListener("click", () => {
      rows = rows.filter((each) => each !== found);
      item.remove();
      refresh();
      input.focus();
    });
    choice.addEventListener("change", () => found.item.classList.contains("is-wrong") && choice.value && say(found, ""));
    say(found, wrong(file), true);
    return found;
  }

  function say(found, sentence, stop = false) {
    found.state.replaceChildren(sentence);
    found.item.classList.toggle("is-wrong", stop && sentence !== "");
  }

  function refresh() {
    const open = rows.filter((each) => !each.done);
    button.textContent = open.length > 1 ? `Attach ${open.length} files` : "Attach";
    form.classList.toggle("has-files", rows.length > 0);
  }

  function add(files) {
    const fresh = [...files].filter((file) => !rows.some((each) => each.file.name === file.name && each.file.size === file.size)).map(row);
    rows.push(...fresh);
    list.append(...fresh.map((each) => each.item));
    input.value = "";
    refresh();
    said.textContent = `${fresh.length} ${fresh.length === 1 ? "file" : "files"} added. Check what each is, then attach.`;
  }

  function send(found) {
    const bar = make("progress", { max: 100, value: 0 });
    bar.setAttribute("aria-label", `Upload of ${found.file.name}`);
    const percent = make("span", { className: "by", textContent: "0%" });
    found.state.replaceChildren(bar, percent);
    found.item.classList.remove("is-wrong");
    const request = new XMLHttpRequest();
    request.open("POST", found.choice.selectedOptions[0].dataset.url);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      bar.value = Math.round((event.loaded / event.total) * 100);
      percent.textContent = bar.value < 100 ? `${bar.value}%` : "Checking";
    });
    const data = new FormData();
    data.append("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    data.append("file", found.file);
    return new Promise((resolve) => {
      request.addEventListener("loadend", () => {
        let sentence = "It did not get through. Check the connection, then try again.";
        try { sentence = JSON.parse(request.responseText).sentence; } catch { if (request.status) sentence = "It was not taken. Load this page again, then try once more."; }
        found.done = request.status === 201;
        say(found, sentence, !found.done);
        resolve();
      });
      request.send(data);
    });
  }

  async function sendAll() {
    const open = rows.filter((each) => !each.done);
    for (const each of open) {
      const problem = wrong(each.file) || (each.choice.value ? "" : "Choose what it is.");
      if (problem) say(each, problem, true);
    }
    const problem = open.find((each) => each.item.classList.contains("is-wrong") && (wrong(each.file) || !each.choice.value));
    if (problem) {
      said.textContent = `${problem.file.name}: ${problem.state.textContent}`;
      (problem.choice.value ? problem.remove : problem.choice).focus();
      return;
    }
    button.setAttribute("aria-disabled", "true");
    for (const each of open) await send(each);
    button.removeAttribute("aria-disabled");
    const left = rows.filter((each) => !each.done);
    if (!left.length) {
      location.hash = "documents";
      location.reload();
      return;
    }
    said.textContent = `${rows.length - left.length} attached. ${left[0].file.name}: ${left[0].state.textContent}`;
    left[0].remove.focus();
    refresh();
  }

  form.classList.add("is-live");
  form.querySelector("[data-drop-kind]").hidden = true;
  input.addEventListener("change", () => add(input.files));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled")) return;
    if (!rows.length) {
      said.textContent = "Choose a file first.";
      input.focus();
      return;
    }
    sendAll();
  });
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    add(event.dataTransfer.files);
  });
})();
