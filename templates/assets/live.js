// Keeps the page current: asks for it again when the hub says that something happened, and exchanges the parts that changed.
// Without it the page is right when it is loaded.
(() => {
  "use strict";
  const said = document.getElementById("live"), urgent = document.getElementById("urgent"), stale = document.getElementById("stale");
  if (!said) return;
  const parts = () => [...document.querySelectorAll("[data-part]")];
  const read = () => new Map([...document.querySelectorAll("[data-part] article, article[data-part]")].map((one) => [one.id, {
    chain: one.dataset.chain,
    extreme: "extreme" in one.dataset,
    tone: one.dataset.tone,
    text: [one.dataset.word, one.dataset.headline].filter(Boolean).join(": "),
  }]));

  function announce(before, after) {
    const words = { polite: [], urgent: [] };
    const chains = (list) => new Set([...list.values()].map((one) => one.chain));
    const known = chains(before), left = chains(after);
    for (const [id, one] of after) {
      const old = before.get(id);
      if (old && old.text === one.text) continue;
      const kind = one.tone === "over" ? "end" : known.has(one.chain) ? "update" : "new";
      words[one.extreme ? "urgent" : "polite"].push(said.dataset[kind] + ": " + one.text);
    }
    for (const one of before.values()) if (!left.has(one.chain)) words.polite.push(said.dataset.end + ": " + one.text);
    if (words.polite.length) said.textContent = words.polite.join(". ");
    if (words.urgent.length) urgent.textContent = words.urgent.join(". ");
  }

  function exchange(page) {
    const before = read(), focused = document.activeElement && document.activeElement.closest("[data-part] article");
    for (const old of parts()) {
      const fresh = page.getElementById(old.id);
      if (fresh && fresh.innerHTML !== old.innerHTML) old.replaceWith(document.adoptNode(fresh));
    }
    document.title = page.title;
    if (focused && document.activeElement === document.body) {
      const same = document.getElementById(focused.id) || document.querySelector("#now article");
      const link = same && same.querySelector("a");
      if (link) link.focus();
    }
    const after = read();
    if (JSON.stringify([...before]) === JSON.stringify([...after])) return false;
    for (const id of after.keys()) if (!before.has(id)) document.getElementById(id).classList.add("fresh");
    announce(before, after);
    document.dispatchEvent(new Event("tocsin:alerts"));
    return true;
  }

  async function refresh() {
    const answer = await fetch(location.href, { cache: "no-cache" }).catch(() => null);
    if (!answer || !answer.ok) return null;
    return exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
  }

  // Spread over two seconds: thousands of open pages would else ask in the same instant.
  let waiting = 0;
  function soon(after = 100 + Math.random() * 1900, again = true) {
    if (waiting) return;
    waiting = setTimeout(async () => {
      waiting = 0;
      // A cache between us may keep its copy for five seconds.
      if (await refresh() === false && again) soon(6000, false);
    }, after);
  }

  let doubt = 0;
  function connected(yes) {
    clearTimeout(doubt);
    if (yes) stale.hidden = true;
    else doubt = setTimeout(() => { stale.hidden = false; }, navigator.onLine ? 10000 : 0);
  }

  let failures = 0;
  function listen() {
    const source = new EventSource(said.dataset.stream);
    for (const name of ["alert", "update", "cancel", "end"]) source.addEventListener(name, () => soon());
    source.addEventListener("open", () => { failures = 0; connected(true); soon(undefined, false); });
    source.addEventListener("error", () => {
      connected(false);
      // The browser comes back by itself with Last-Event-ID, unless the hub had no room for another stream.
      if (source.readyState !== EventSource.CLOSED) return;
      failures += 1;
      setTimeout(() => { soon(0, false); listen(); }, Math.min(60, 5 * 2 ** failures) * 1000 * (0.5 + Math.random() / 2));
    });
  }

  if (said.dataset.stream && "EventSource" in window) listen();
  else setInterval(() => { if (!document.hidden) refresh(); }, 50000 + Math.random() * 20000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

  // The offline page and the last alerts are kept once everything else is here.
  if ("serviceWorker" in navigator) addEventListener("load", () => setTimeout(() => navigator.serviceWorker.register("/sw.js").catch(() => null), 1000));
})();
