// Keeps the countdowns and the clock fresh. The server's clock counts: its instant comes with the page.
(() => {
  const clock = document.querySelector("[data-clock] time");
  if (!clock) return;
  const ahead = Date.parse(clock.dateTime) - Date.now();
  const minutesLeft = (element) => Math.trunc((Date.parse(element.dateTime) - Date.now() - ahead) / 60000);
  const isLate = (element) => Date.parse(element.dateTime) < Date.now() + ahead;
  const ANNOUNCED = new Map([[60, "1 hour left"], [15, "15 minutes left"], [0, "The time is up"]]);

  function span(minutes) {
    const [d, h, min] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
    const parts = d ? [[d, "d"], [h, "h"]] : [[h, "h"], [min, "min"]];
    return parts.filter(([number]) => number).map((part) => part.join(" ")).join(" ") || "less than a minute";
  }

  function words(element) {
    return (isLate(element) ? "late " : "") + span(Math.abs(minutesLeft(element)));
  }

  function pieces(text) {
    return text.split(" ").flatMap((word) => {
      if (/^\d+$/.test(word)) return [word, " "];
      const unit = document.createElement("small");
      unit.textContent = word;
      return [unit, " "];
    });
  }

  function wallClock() {
    const format = { timeZone: "America/New_York", weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit" };
    const parts = new Intl.DateTimeFormat("en-US", format).formatToParts(new Date(Date.now() + ahead));
    const part = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
    const noon = part.hour === "12" && part.minute === "00" && part.dayPeriod === "PM";
    const half = noon ? "noon" : part.dayPeriod.toLowerCase();
    return `${part.weekday} ${part.month} ${part.day}, ${part.hour}:${part.minute} ${half} ET`;
  }

  function announce(element) {
    const minutes = minutesLeft(element);
    const words = ANNOUNCED.get(minutes);
    const early = minutes === 0 && !isLate(element);
    if (!words || early || element.dataset.said === String(minutes)) return;
    element.dataset.said = String(minutes);
    document.getElementById("say").textContent = `${words}: ${element.closest("[data-announce]").dataset.announce}`;
  }

  function refresh() {
    clock.textContent = wallClock();
    for (const element of document.querySelectorAll("time[data-countdown]")) {
      const text = words(element);
      if (element.textContent.replace(/\s+/g, " ").trim() !== text) {
        element.replaceChildren(...(element.dataset.countdown === "big" ? pieces(text) : [text]));
      }
      if (element.closest("[data-announce]")) announce(element);
    }
  }

  // "Updated 20 seconds ago": an answer that nothing changed is as good as a new page.
  function ago() {
    for (const element of document.querySelectorAll("time[data-ago]")) {
      const seconds = Math.round((Date.now() + ahead - Date.parse(element.dateTime)) / 10000) * 10;
      const minutes = Math.floor(seconds / 60);
      const time = minutes ? `${minutes} minute${minutes > 1 ? "s" : ""}` : `${seconds} seconds`;
      element.textContent = seconds > 0 ? `${time} ago` : "just now";
    }
  }

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.elt.matches("[data-live]") || detail.xhr.status !== 204) return;
    for (const element of document.querySelectorAll("time[data-ago]")) {
      element.dateTime = new Date(Date.now() + ahead).toISOString();
    }
    ago();
  });
  document.addEventListener("htmx:afterSwap", () => { refresh(); ago(); });

  refresh();
  ago();
  setInterval(refresh, 30000);
  setInterval(ago, 10000);
})();
