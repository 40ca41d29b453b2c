// Keeps the list of alerts current. Without it the page is right when it is loaded.
(() => {
  "use strict";
  const said = document.getElementById("live");
  if (!said || !("EventSource" in window)) return;
  let waiting = 0;

  async function refresh() {
    waiting = 0;
    const answer = await fetch(location.href, { cache: "no-cache" }).catch(() => null);
    if (!answer || !answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("now");
    if (!fresh) return;
    const focused = document.activeElement && document.activeElement.closest("#now article");
    document.getElementById("now").replaceWith(fresh);
    document.title = page.title;
    if (focused) {
      const same = document.getElementById(focused.id);
      if (same) same.querySelector("a").focus();
    }
    document.dispatchEvent(new Event("tocsin:alerts"));
  }

  function heard(kind, event) {
    let headline = "";
    try {
      const data = JSON.parse(event.data);
      const shown = document.querySelector("#" + CSS.escape(data.id) + " h2");
      headline = (data.infos && data.infos[0] && data.infos[0].headline) || (shown && shown.textContent) || "";
    } catch { /* the list itself tells it */ }
    said.textContent = headline ? said.dataset[kind] + ": " + headline : said.dataset[kind];
    // Spread over two seconds: thousands of open pages would else ask in the same instant.
    if (!waiting) waiting = setTimeout(refresh, 100 + Math.random() * 1900);
  }

  const kinds = { alert: "new", update: "update", cancel: "cancel", end: "end" };
  const source = new EventSource("/live");
  for (const [name, kind] of Object.entries(kinds)) source.addEventListener(name, (event) => heard(kind, event));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
})();
