// Notifications in this browser (RFC 8030): offered only where the browser can show them.
(() => {
  "use strict";
  const form = document.getElementById("sign-up");
  const option = document.querySelector("[data-needs=push]");
  if (!form || !option || !("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;
  option.hidden = false;
  const radio = option.querySelector("input");
  const send = document.getElementById("send"), said = document.getElementById("push-status");
  const usual = send.textContent;
  form.addEventListener("change", () => { send.textContent = radio.checked ? send.dataset.push : usual; });

  function bytes(text) {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (one) => one.charCodeAt(0));
  }

  async function subscription() {
    const worker = await navigator.serviceWorker.register("/sw.js");
    await navigator.serviceWorker.ready;
    const answer = await fetch("/api/v1/web-push/key");
    const { key } = await answer.json();
    return (await worker.pushManager.getSubscription())
      || worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  }

  form.addEventListener("submit", async (event) => {
    if (!radio.checked) return;
    event.preventDefault();
    said.textContent = said.dataset.working;
    if ((await Notification.requestPermission()) !== "granted") { said.textContent = said.dataset.denied; return; }
    try {
      const data = new FormData(form);
      data.set("subscription", JSON.stringify(await subscription()));
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(data), headers: { Accept: "application/json" } });
      const found = await answer.json();
      said.textContent = answer.ok ? said.dataset.sent : (found.errors && Object.values(found.errors).join(" ")) || said.dataset.failed;
    } catch (error) {
      said.textContent = said.dataset.failed;
      console.warn("push:", error);
    }
  });

  navigator.serviceWorker.addEventListener("message", (event) => {
    if (!event.data || event.data.kind !== "confirmed") return;
    said.textContent = said.dataset.confirmed + " ";
    if (event.data.manage) {
      const link = document.createElement("a");
      link.href = event.data.manage;
      link.textContent = said.dataset.manage;
      said.append(link);
    }
  });
})();
