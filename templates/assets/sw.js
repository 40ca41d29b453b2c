// Shows what the hub pushes, and keeps the last alerts for when there is no network. Personal pages are never kept.
"use strict";

const CACHE = "tocsin-1", LIST = "/api/v1/public/alerts";
// Where this browser's own push subscription is remembered: by the time it is exchanged, not every browser still says what it was.
const OWN = "tocsin-push", MINE = "/push-subscription";
const LIST_MS = 60e3, SHELL_MS = 864e5, PATIENCE_MS = 10e3;
// Pauses before the hub is told again: short, since a browser gives a push little time, and shows nothing meanwhile.
const AGAIN_MS = [500, 2000];
// The front page and those of alerts, in whatever language: "/", "/es/", "/alerts/al_1".
const PUBLIC = /^(\/[a-z]{2}(?:-[a-z]{4})?)?\/(?:alerts\/[\w-]+)?$/i;

self.addEventListener("install", (event) => event.waitUntil(Promise.all([keepShell("/offline"), keepAlerts()]).then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(Promise.all([self.clients.claim(), inTurn(withdraw), forgetOthers()])));

async function forgetOthers() {
  for (const name of await caches.keys()) if (name !== CACHE && name !== OWN) await caches.delete(name);
}

// --- Without a network

self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(visit(event, url));
  else if (url.pathname.startsWith("/assets/")) event.respondWith(caches.match(request).then((kept) => kept || fetch(request)));
});

async function visit(event, url) {
  const open = PUBLIC.exec(url.pathname), chosen = url.searchParams.get("lang");
  const prefix = /^\/[a-z]{2}(-[a-z]{4})?(?=\/)/i.exec(url.pathname);
  const shell = (prefix ? prefix[0] : "") + "/offline" + (chosen && !prefix ? "?lang=" + encodeURIComponent(chosen) : "");
  try {
    const answer = await (open ? Promise.race([fetch(event.request), late()]) : fetch(event.request));
    if (open && answer.status >= 500) return (await offline(shell)) || answer;
    if (open && answer.ok) event.waitUntil(Promise.allSettled([keepShell(shell), keepAlerts(LIST_MS), inTurn(withdraw), renew()]));
    return answer;
  } catch (error) {
    return (await offline(shell)) || Response.error();
  }
}

const late = () => new Promise((_, failed) => setTimeout(() => failed(new Error("late")), PATIENCE_MS));
const offline = async (shell) => (await caches.match(shell)) || caches.match("/offline");
const age = (kept, header) => (kept ? Date.now() - Date.parse(kept.headers.get(header)) : Infinity);

// The page in one language with whatever it loads, from one moment, so that they fit together.
async function keepShell(path) {
  const cache = await caches.open(CACHE);
  if (age(await cache.match(path), "Date") < SHELL_MS) return;
  const page = await fetch(path, { credentials: "omit" });
  if (!page.ok) return;
  const parts = [...(await page.clone().text()).matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map((found) => found[1]);
  await cache.addAll([...new Set(parts)]);
  await cache.put(path, page);
}

async function keepAlerts(olderThan = 0) {
  const cache = await caches.open(CACHE);
  if (age(await cache.match(LIST), "X-Seen") < olderThan) return;
  const answer = await fetch(LIST, { cache: "no-cache", credentials: "omit" });
  if (!answer.ok) return;
  const headers = { "Content-Type": "application/json", "X-Seen": new Date().toUTCString() };
  await cache.put(LIST, new Response(await answer.text(), { headers }));
}

// --- Notifications

// One at a time: Chromium, asked what it shows while something is about to be shown, forgets that one.
let turn = Promise.resolve();
const inTurn = (work) => (turn = turn.then(work, work));

self.addEventListener("push", (event) => event.waitUntil(received(event.data)));

async function received(data) {
  let message = {};
  try { message = data.json(); } catch { /* a browser that is pushed to must show something */ }
  const link = message.purpose === "confirm" ? await proven(message.confirm).catch(() => "/") : message.access || message.url;
  await inTurn(withdraw);
  await inTurn(() => display(message, link));
  if (message.purpose === "alert") await keepAlerts().catch(() => null);
  if (message.purpose !== "confirm") await renew().catch(() => null);
}

function display(message, link) {
  const silent = Boolean(message.silent);
  return self.registration.showNotification(message.title || self.location.hostname, {
    body: message.body || "",
    // A later version takes the place of an earlier one, and calls again only if it sounds.
    tag: message.tag || "",
    renotify: Boolean(message.tag) && !silent,
    silent,
    requireInteraction: message.severity === "Extreme" && message.urgency !== "Past" && !silent,
    lang: message.lang || "",
    dir: message.dir || "auto",
    icon: "/assets/icon-192.png",
    badge: "/assets/badge-96.png",
    timestamp: message.timestamp || Date.now(),
    data: { link, expires: message.expires },
  });
}

// What is over asks nobody to act any more.
async function withdraw() {
  for (const one of await self.registration.getNotifications()) if (one.data && one.data.expires < Date.now()) one.close();
}

// The message that proves the address is answered here and never clicked. Only where that fails, a press opens the page that confirms.
async function proven(link) {
  const path = link ? new URL(link, self.location.origin).pathname : "/";
  return (await Promise.race([confirm(path), late()]).catch(() => false)) ? "/" : path;
}

async function confirm(path) {
  let answer = await ask(path);
  for (const pause of AGAIN_MS) {
    if (answer && answer.status < 500 && answer.status !== 429) break;
    await new Promise((wake) => setTimeout(wake, pause));
    answer = await ask(path);
  }
  if (!answer || !answer.ok) return false;
  const { manage } = await answer.json();
  await remember(await self.registration.pushManager.getSubscription());
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of pages) page.postMessage({ kind: "confirmed", manage });
  return true;
}

// Null where there is no network.
const ask = (path) => fetch(path, { method: "POST", headers: { Accept: "application/json" } }).catch(() => null);

// A browser exchanges its push subscription when it likes; who signed up in it need not do so again.
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event.oldSubscription, event.newSubscription)));

const remember = async (mine) => mine && (await caches.open(OWN)).put(MINE, new Response(JSON.stringify(mine)));

// What is remembered is what the hub knows. The browser tells of a change once: if the hub can't be told then, it is at the next visit or message.
async function renew(old, given) {
  const kept = await caches.match(MINE, { cacheName: OWN });
  const known = kept ? await kept.json() : old;
  if (!known) return;
  if (!kept) await remember(known);
  const now = given || (await self.registration.pushManager.getSubscription()) || (await subscribe(old));
  if (!now || now.endpoint === known.endpoint) return;
  const body = JSON.stringify({ old: known, new: now });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("/api/v1/web-push/renewed", { method: "POST", headers, body }).catch(() => null);
  if (answer && answer.ok) await remember(now);
}

async function subscribe(old) {
  if ((await self.registration.pushManager.permissionState({ userVisibleOnly: true })) !== "granted") return null;
  if (old && old.options) return self.registration.pushManager.subscribe(old.options);
  const { key } = await (await fetch("/api/v1/web-push/key")).json();
  const plain = Uint8Array.from(atob(key.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  return self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: plain });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(new URL((event.notification.data || {}).link || "/", self.location.origin)));
});

async function show(link) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = pages.find((page) => new URL(page.url).pathname === link.pathname);
  return there ? there.focus() : self.clients.openWindow(link.href);
}
