// Passing an alert on: the device's own list of ways where it has one, else the address on the clipboard.
(() => {
  "use strict";
  const row = document.getElementById("share");
  const [share, print] = row.querySelectorAll("button");
  const url = location.origin + location.pathname;
  row.hidden = false;
  share.hidden = !(navigator.share || navigator.clipboard);
  share.addEventListener("click", async () => {
    if (navigator.share) return navigator.share({ title: document.title, url }).catch(() => null);
    await navigator.clipboard.writeText(url);
    share.textContent = share.dataset.done;
  });
  print.addEventListener("click", () => window.print());
})();
