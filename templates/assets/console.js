// Help for staff: progress that moves, lists that stay current, neighborhoods added by name, a word before a draft is lost.
// Everything works without it.
(() => {
  "use strict";
  const progress = document.querySelector("#progress[data-events]");
  if (progress && "EventSource" in window) {
    const source = new EventSource(progress.dataset.events);
    addEventListener("beforeunload", () => source.close());  // whoever is leaving must not be called back by the reload below
    const format = new Intl.NumberFormat("en-US");
    source.addEventListener("progress", (event) => {
      const now = JSON.parse(event.data);
      const bar = document.getElementById("bar");
      bar.max = now.planned || 1;
      bar.value = now.settled;
      for (const place of progress.querySelectorAll("[data-n]")) {
        place.textContent = format.format(now[place.dataset.n]);
        if (place.matches("dd")) place.parentElement.hidden = !now[place.dataset.n];
      }
      if (now.finished) { source.close(); location.reload(); }
    });
  }

  // What waits for approval is told to nobody but staff, so the page asks for it; in the background too, where its title is what is seen.
  const ASK_EVERY_MS = 10000;
  const fresh = document.querySelector("[data-fresh]"), told = document.getElementById("told");
  const typed = () => [...document.querySelectorAll("main textarea, main input:not([type=hidden])")].some((field) => field.value !== field.defaultValue);

  function exchange(page) {
    const focused = document.activeElement && document.activeElement.closest("[data-part] a");
    for (const old of document.querySelectorAll("[data-part]")) {
      const now = page.getElementById(old.id);
      if (now && now.innerHTML !== old.innerHTML) old.replaceWith(document.adoptNode(now));
    }
    if (focused && !focused.isConnected) [...document.querySelectorAll("[data-part] a")].find((link) => link.href === focused.href)?.focus();
    if (document.title === page.title) return;
    document.title = page.title;
    told.textContent = document.querySelector("h1").textContent;
  }

  function look(page) {
    const now = page.querySelector("main h1 .status");
    if (!now || page.getElementById("changed")?.dataset.state === fresh.dataset.state) return;
    if (typed()) fresh.hidden = false; else location.replace(fresh.dataset.fresh);
  }

  async function ask() {
    const answer = await fetch(fresh.dataset.fresh || location.href, { cache: "no-cache" }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (fresh.dataset.state) look(page); else exchange(page);
  }

  if (fresh) {
    setInterval(ask, ASK_EVERY_MS);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  }

  // Nothing keeps a draft that was not previewed, nor one that came back from its preview.
  const compose = document.getElementById("compose");
  if (compose) {
    const words = () => JSON.stringify([...new FormData(compose)]), before = words();
    let sending = false;
    compose.addEventListener("submit", () => { sending = true; });
    addEventListener("pageshow", () => { sending = false; });
    addEventListener("beforeunload", (event) => {
      if (sending || !("unsent" in compose.dataset || words() !== before)) return;
      event.preventDefault();
      event.returnValue = true;  // what browsers before 2023 heed
    });
  }

  const add = document.getElementById("add-area");
  if (add) add.addEventListener("click", () => {
    const found = document.getElementById("find"), list = document.getElementById(add.dataset.to);
    const names = list.value.split("\n").map((name) => name.trim()).filter(Boolean);
    if (found.value.trim() && !names.includes(found.value.trim())) list.value = [...names, found.value.trim()].join("\n");
    found.value = "";
    found.focus();
  });
})();
