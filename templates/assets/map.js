// Paints areas on our own polygons. Loaded when asked for, or by itself on a wide screen once the page is idle.
(() => {
  "use strict";
  const box = document.getElementById("map");
  const button = document.getElementById("show-map");
  if (!box || !button) return;
  const settings = box.dataset;
  const layers = new Map();
  let map = null, painted = null, base = null;

  function load(kind, address) {
    return new Promise((done, failed) => {
      const element = document.createElement(kind);
      element.onload = done;
      element.onerror = failed;
      if (kind === "link") { element.rel = "stylesheet"; element.href = address; } else element.src = address;
      document.head.append(element);
    });
  }

  function layer(name) {
    if (!layers.has(name)) layers.set(name, fetch("/api/v1/areas/" + name + ".geojson").then((answer) => {
      if (!answer.ok) throw new Error(name);
      return answer.json();
    }));
    return layers.get(name);
  }

  const keyOf = (name, feature) => feature.properties.key || name + ":" + (feature.properties.id || feature.id);

  function wanted() {
    return [...document.querySelectorAll(settings.source)].filter((one) => one.dataset.tone !== "over").map((one) => ({
      keys: one.dataset.keys.split(",").filter(Boolean),
      shape: one.dataset.shape ? JSON.parse(one.dataset.shape) : null,
      tone: one.dataset.tone || "area",
      label: one.dataset.word ? one.dataset.word + ": " + one.dataset.headline : one.dataset.headline || "",
    }));
  }

  async function features(one) {
    const found = [];
    const names = new Set(one.keys.map((key) => (key === "city" ? "borough" : key.split(":")[0])));
    for (const name of names) {
      const collection = await layer(name);
      const all = one.keys.includes("city") && name === "borough";
      found.push(...collection.features.filter((feature) => all || one.keys.includes(keyOf(name, feature))));
    }
    return found;
  }

  function drawShape(one, style) {
    const geometry = one.shape.geometry || one.shape;
    const radius = one.shape.properties && one.shape.properties.radius_m;
    if (geometry.type === "Point") return L.circle([geometry.coordinates[1], geometry.coordinates[0]], { radius, ...style });
    return L.geoJSON(one.shape, { style });
  }

  async function paint() {
    const group = L.featureGroup();
    const order = ["aware", "area", "ready", "now"];
    const depth = (one) => order.indexOf(one.tone) + (one.keys.includes("city") ? -order.length : 0);
    for (const one of wanted().sort((a, b) => depth(a) - depth(b))) {
      const style = { className: "area " + one.tone, weight: 2 };
      const parts = [];
      const found = await features(one);
      if (found.length) parts.push(L.geoJSON({ type: "FeatureCollection", features: found }, { style }));
      if (one.shape) {
        const drawn = drawShape(one, style);
        // A small shape would vanish on a map of the whole city.
        parts.push(drawn, L.circleMarker(drawn.addTo(map).getBounds().getCenter(), { radius: 5, ...style }));
      }
      for (const part of parts) {
        if (one.label) part.bindTooltip(one.label, { sticky: true });
        part.addTo(group);
      }
    }
    if (painted) painted.remove();
    painted = group.addTo(map);
    const bounds = group.getLayers().length ? group.getBounds() : base.getBounds();
    if (bounds.isValid()) map.fitBounds(bounds, { padding: [16, 16], maxZoom: 13, animate: false });
  }

  function pick(feature, part) {
    const field = document.getElementById(settings.pick);
    part.bindTooltip(feature.properties.name || String(feature.properties.id), { sticky: true });
    part.on("click", () => {
      const zip = String(feature.properties.id);
      const zips = field.value.split(/[\s,]+/).filter(Boolean);
      field.value = (zips.includes(zip) ? zips.filter((one) => one !== zip) : [...zips, zip]).join(", ");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  function followField() {
    const field = document.getElementById(settings.pick);
    const source = document.querySelector(settings.source);
    field.addEventListener("input", () => {
      source.dataset.keys = field.value.split(/[\s,]+/).filter((zip) => /^\d{5}$/.test(zip)).map((zip) => "zip:" + zip).join(",");
      paint();
    });
    field.dispatchEvent(new Event("input"));
  }

  async function show() {
    button.hidden = true;
    box.hidden = false;
    try {
      await Promise.all([load("link", settings.style), load("script", settings.script)]);
      const name = settings.pick ? "zip" : "borough";
      const ground = await layer(name);
      map = L.map(box, { zoomSnap: 0.25, scrollWheelZoom: false });
      map.attributionControl.setPrefix(false);
      if (settings.tiles) L.tileLayer(settings.tiles).addTo(map);
      base = L.geoJSON(ground, { style: { className: "ground", weight: 1 }, interactive: !!settings.pick, onEachFeature: settings.pick ? pick : undefined }).addTo(map);
      map.fitBounds(base.getBounds(), { animate: false });
      await paint();
      if (settings.pick) followField();
      box.dataset.ready = "yes";
      document.addEventListener("tocsin:alerts", () => paint());
    } catch (error) {
      box.hidden = true;
      button.replaceWith(settings.failed);
      console.warn("map:", error);
    }
  }

  button.hidden = false;
  document.getElementById("no-map").hidden = true;
  button.addEventListener("click", show);
  const thrifty = navigator.connection && navigator.connection.saveData;
  if ("soon" in settings || (matchMedia("(min-width: 60rem)").matches && !thrifty)) {
    const idle = window.requestIdleCallback || ((run) => setTimeout(run, 800));
    addEventListener("load", () => idle(() => { if (!button.hidden) show(); }, { timeout: 3000 }));
  }
})();
