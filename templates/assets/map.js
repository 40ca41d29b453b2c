// Paints areas on our own polygons, when asked for. Whatever it shows is also in the text; it needs neither a drag nor a mouse.
(() => {
  "use strict";
  const box = document.getElementById("map");
  const button = document.getElementById("show-map");
  if (!box || !button) return;
  const settings = box.dataset;
  // At the top lie the buttons, and no sign may lie under them.
  const ROOM = { paddingTopLeft: [16, 52], paddingBottomRight: [16, 16] };
  const layers = new Map();
  let map = null, painted = null, base = null, moved = false, words = null;

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
      card: one.id,
      shape_of: one.querySelector(".strip .shape"),
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

  // GeoJSON has no circles: each is a point with its radius.
  function drawShape(one, style) {
    const circle = (point, where) => L.circle(where, { radius: point.properties.radius_m, ...style });
    return L.geoJSON(one.shape, { style, pointToLayer: circle });
  }

  // Each alert carries its shape, and the gravest are larger and turned inside out: colour alone tells nothing (WCAG 1.4.1). Chosen by key
  // or press, it leads to its text.
  function sign(one, where) {
    const frame = document.createElement("span");
    frame.append(one.shape_of.cloneNode(true));
    const size = one.tone === "now" ? 40 : 32;
    const marker = L.marker(where, { icon: L.divIcon({ className: "sign " + one.tone, html: frame, iconSize: [size, size] }), title: one.label, riseOnHover: true });
    marker.on("add", () => {
      const element = marker.getElement();
      element.setAttribute("aria-label", one.label);
      element.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        element.click();
      });
      element.addEventListener("click", () => {
        const link = document.getElementById(one.card).querySelector("a, h1");
        if (link.localName !== "a") link.tabIndex = -1;
        link.scrollIntoView({ block: "center" });
        link.focus();
      });
    });
    return marker;
  }

  // Where the largest part lies: the middle of several parts may be in none of them.
  function middle(parts) {
    let best = null, most = -1;
    for (const part of parts) for (const one of part.getLayers ? part.getLayers() : [part]) {
      const bounds = one.getBounds(), size = (bounds.getEast() - bounds.getWest()) * (bounds.getNorth() - bounds.getSouth());
      if (size > most) { best = one; most = size; }
    }
    return best.getCenter && best._map ? best.getCenter() : best.getBounds().getCenter();
  }

  // Arrow buttons beside zoom's: moving the map takes no dragging (WCAG 2.5.7).
  function moves() {
    const names = settings.moves.split("|");
    const bar = L.DomUtil.create("div", "leaflet-bar moves");
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", names[0]);
    [["←", -1, 0], ["↑", 0, -1], ["↓", 0, 1], ["→", 1, 0]].forEach(([arrow, x, y], at) => {
      const one = L.DomUtil.create("button", "", bar);
      one.type = "button";
      one.textContent = arrow;
      one.title = names[at + 1];
      one.setAttribute("aria-label", names[at + 1]);
      one.addEventListener("click", () => map.panBy([x * 100, y * 100], { animate: false }));
    });
    L.DomEvent.disableClickPropagation(bar);
    const control = L.control({ position: "topright" });
    control.onAdd = () => bar;
    return control;
  }

  async function paint() {
    const group = L.featureGroup();
    const order = ["aware", "area", "ready", "now"];
    const depth = (one) => order.indexOf(one.tone) + (one.keys.includes("city") ? -order.length : 0);
    const alone = [];
    for (const one of wanted().sort((a, b) => depth(a) - depth(b))) {
      const style = { className: "area " + one.tone, weight: 2 };
      const parts = [];
      const found = await features(one);
      if (found.length) parts.push(L.geoJSON({ type: "FeatureCollection", features: found }, { style }));
      if (one.shape) {
        const drawn = drawShape(one, style);
        drawn.addTo(map);
        parts.push(drawn);
        if (!one.shape_of) alone.push([drawn, style]);
      }
      if (one.shape_of && parts.length) group.addLayer(sign(one, middle(parts)));
      for (const part of parts) {
        if (one.label) part.bindTooltip(words(one.label), { sticky: true });
        part.addTo(group);
      }
    }
    if (painted) painted.remove();
    painted = group.addTo(map);
    const bounds = group.getLayers().length ? group.getBounds() : base.getBounds();
    if (bounds.isValid() && !moved) map.fitBounds(bounds, { ...ROOM, maxZoom: 13, animate: false });
    for (const [drawn, style] of alone) if (tiny(drawn.getBounds())) group.addLayer(L.circleMarker(drawn.getBounds().getCenter(), { radius: 5, ...style }));
  }

  // Too small to be seen at this zoom.
  function tiny(bounds) {
    const size = map.latLngToLayerPoint(bounds.getSouthEast()).subtract(map.latLngToLayerPoint(bounds.getNorthWest()));
    return Math.max(size.x, size.y) < 12;
  }

  function pick(feature, part) {
    const field = document.getElementById(settings.pick);
    part.bindTooltip(words(feature.properties.name || feature.properties.id), { sticky: true });
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
      const loader = await import(settings.load);
      words = loader.words;
      await loader.leaflet(settings);
      const name = settings.pick ? "zip" : "borough";
      const ground = await layer(name);
      const [zoomInTitle, zoomOutTitle] = settings.zoom.split("|");
      map = L.map(box, { zoomSnap: 0.25, scrollWheelZoom: false, zoomControl: false });
      L.control.zoom({ zoomInTitle, zoomOutTitle }).addTo(map);
      moves().addTo(map);
      // Who has looked somewhere stays there when the alerts change.
      for (const act of ["click", "keydown"]) box.addEventListener(act, () => { moved = true; });
      map.on("dragstart", () => { moved = true; });
      map.attributionControl.setPrefix(false);
      if (settings.tiles) L.tileLayer(settings.tiles).addTo(map);
      base = L.geoJSON(ground, { style: { className: "ground", weight: 1 }, interactive: !!settings.pick, onEachFeature: settings.pick ? pick : undefined }).addTo(map);
      map.fitBounds(base.getBounds(), { ...ROOM, animate: false });
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
  if ("soon" in settings) {
    const idle = window.requestIdleCallback || ((run) => setTimeout(run, 800));
    addEventListener("load", () => idle(() => { if (!button.hidden) show(); }, { timeout: 3000 }));
  }
})();
