// Notifications in this browser (RFC 8030): offered only where the browser can show them.
(() => {
  "use strict";
  const form = document.getElementById("sign-up");
  const option = document.querySelector("[data-needs=push]");
  if (!form || !option || !("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;
  option.hidden = false;
  const hint = document.getElementById("iphone");
  if (hint) hint.hidden = true; // this is the installed app: it can show notifications
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
    const key = bytes((await answer.json()).key);
    const there = await worker.pushManager.getSubscription();
    if (there && same(there.options.applicationServerKey, key)) return there;
    // One for another key, as after a hub was set up anew, would be refused at every message, and a browser has only one.
    if (there) await there.unsubscribe();
    return worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  }

  const same = (given, key) => given && String(new Uint8Array(given)) === String(key);

  form.addEventListener("submit", async (event) => {
    if (!radio.checked) return;
    event.preventDefault();
    said.textContent = said.dataset.working;
    if ((await Notification.requestPermission()) !== "granted") { said.textContent = said.dataset.denied; return; }
    try {
      const data = new FormData(form, event.submitter);
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
      const test = document.createElement("form"), action = document.createElement("input"), button = document.createElement("button");
      test.method = "post";
      test.action = event.data.manage;
      action.type = "hidden";
      action.name = "action";
      action.value = "test";
      button.className = "plain";
      button.textContent = said.dataset.test;
      test.append(action, button);
      said.append(link);
      // A form inside a form is not allowed: it stands behind it.
      form.after(test);
    }
  });
})();
