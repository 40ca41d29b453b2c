// The last alerts that the service worker kept, with the time at which they were true.
(async () => {
  "use strict";
  // The page comes back by itself, at a moment of its own: when a city is on the network again, all of it is.
  const LOOK_MS = 10e3;
  async function look() {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" }).catch(() => null);
    if (answer && answer.status < 500) location.reload();
  }
  addEventListener("online", look);
  (function later() { setTimeout(() => { if (!document.hidden) look(); later(); }, LOOK_MS * (1 + Math.random())); })();

  const said = document.getElementById("seen"), list = document.getElementById("kept"), page = document.documentElement.lang;
  const comma = ["ar", "ur"].includes(page) ? "، " : ", ";
  const kept = await caches.match("/api/v1/public/alerts");
  if (!kept) { said.textContent = said.dataset.never; return; }

  const zone = said.dataset.zone;
  const day = (moment) => new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(moment);
  function time(moment) {
    const today = day(moment) === day(new Date());
    const form = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
    return new Intl.DateTimeFormat(page + "-US", { ...form, timeZone: zone }).format(moment);
  }
  const tone = (one) => {
    if (new Date(one.expires) <= new Date()) return "over";
    if (one.urgency === "Past" || !["Severe", "Extreme"].includes(one.grade)) return "aware";
    return one.grade === "Extreme" || one.urgency === "Immediate" ? "now" : "ready";
  };
  const words = (one) => {
    const speaks = (tag) => one.infos.find((info) => info.language.toLowerCase().split("-")[0] === tag.split("-")[0]);
    return one.infos.find((info) => info.language === page) || speaks(page.toLowerCase()) || speaks("en") || one.infos[0];
  };

  const { alerts } = await kept.json();
  const seen = time(new Date(kept.headers.get("X-Seen")));
  said.textContent = (alerts.length ? said.dataset.some : said.dataset.none).replace("{time}", seen);
  for (const one of alerts) {
    const card = document.getElementById("card-" + tone(one)).content.cloneNode(true), info = words(one);
    const fill = (name, text) => {
      const place = card.querySelector("[data-fill=" + name + "]");
      if (!text) { (place.closest("dl > div") || place).remove(); return; }
      place.textContent = text;
      if (["headline", "instruction", "description"].includes(name)) { place.lang = info.language; place.dir = "auto"; }
    };
    fill("mark", { Test: said.dataset.test, Exercise: said.dataset.exercise }[one.status]);
    fill("headline", info.headline);
    fill("instruction", info.instruction);
    fill("description", info.description);
    fill("where", one.area.citywide ? said.dataset.city : one.area_names.join(comma) || said.dataset.map);
    fill("until", time(new Date(one.expires)));
    list.append(card);
  }
})();
