// A form with data-passkey asks the browser for a passkey (create or get) and sends its answer as `credential`.
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const SAYS = {
    NotAllowedError: "Nothing happened: it was cancelled, or it took too long. Try again.",
    InvalidStateError: "This device has a passkey for you already.",
    SecurityError: "Passkeys need the https address of this site.",
  };

  function asked(options) {
    const wanted = options.publicKey;
    const ids = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));
    const made = { ...wanted, challenge: bytes(wanted.challenge) };
    if (wanted.user) made.user = { ...wanted.user, id: bytes(wanted.user.id) };
    if (wanted.excludeCredentials) made.excludeCredentials = ids(wanted.excludeCredentials);
    if (wanted.allowCredentials) made.allowCredentials = ids(wanted.allowCredentials);
    return { publicKey: made };
  }

  // A key that is found by itself and asks for a finger, face or PIN: only such a one signs in alone.
  function alone(options) {
    const selection = { residentKey: "required", requireResidentKey: true, userVerification: "required" };
    options.publicKey.authenticatorSelection = { ...options.publicKey.authenticatorSelection, ...selection };
    return options;
  }

  function answered(key) {
    const response = { clientDataJSON: text(key.response.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (key.response[part]) response[part] = text(key.response[part]);
    }
    if (key.response.getTransports) response.transports = key.response.getTransports();
    return {
      id: key.id,
      rawId: text(key.rawId),
      type: key.type,
      authenticatorAttachment: key.authenticatorAttachment,
      clientExtensionResults: key.getClientExtensionResults(),
      response,
    };
  }

  async function options(form) {
    if (!form.dataset.optionsUrl) return JSON.parse(document.getElementById("passkey-options").textContent);
    const answer = await fetch(form.dataset.optionsUrl, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return (await answer.json()).request_options;
  }

  async function ask(form) {
    const wanted = await options(form);
    if (form.dataset.passkey === "create") return navigator.credentials.create(asked(alone(wanted)));
    return navigator.credentials.get(asked(wanted));
  }

  document.querySelectorAll("form[data-passkey]").forEach((form) => {
    const says = form.querySelector("[data-passkey-says]");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      says.textContent = "";
      try {
        form.elements.credential.value = JSON.stringify(answered(await ask(form)));
        HTMLFormElement.prototype.submit.call(form);
      } catch (error) {
        says.textContent = SAYS[error.name] || "That did not work. Try again, or sign in another way.";
      }
    });
  });
})();
