// Shows what the hub pushes. The message that proves the address (purpose "confirm") is answered here and never clicked.
"use strict";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(received(event.data ? event.data.json() : {})));

async function received(message) {
  if (message.purpose === "confirm") await confirm(message.confirm);
  await self.registration.showNotification(message.title || "", {
    body: message.body || "",
    tag: message.tag,
    renotify: Boolean(message.tag),
    requireInteraction: message.severity === "Extreme",
    silent: Boolean(message.silent),
    lang: message.lang || "",
    dir: message.dir || "auto",
    icon: "/assets/bell.svg",
    timestamp: message.timestamp || Date.now(),
    data: { link: message.purpose === "confirm" ? "/" : message.access || message.url },
  });
}

async function confirm(link) {
  const here = new URL(link, self.location.origin);
  const answer = await fetch(here.pathname, { method: "POST", headers: { Accept: "application/json" } });
  const { manage } = answer.ok ? await answer.json() : {};
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of answer.ok ? pages : []) page.postMessage({ kind: "confirmed", manage });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const link = new URL(event.notification.data.link || "/", self.location.origin);
  event.waitUntil(self.clients.openWindow(link.href));
});
