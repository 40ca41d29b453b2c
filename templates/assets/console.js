// Help for staff: progress that moves, neighborhoods added by name. Everything works without it.
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

  const add = document.getElementById("add-area");
  if (add) add.addEventListener("click", () => {
    const found = document.getElementById("find"), list = document.getElementById(add.dataset.to);
    const names = list.value.split("\n").map((name) => name.trim()).filter(Boolean);
    if (found.value.trim() && !names.includes(found.value.trim())) list.value = [...names, found.value.trim()].join("\n");
    found.value = "";
    found.focus();
  });
})();
