// Marks a point or a shape on our own map. It only writes into the fields, which can be typed as well; no dragging is needed.
(() => {
  "use strict";
  const box = document.getElementById("draw"), words = box.dataset, said = document.getElementById("draw-said");
  const point = document.getElementById("point"), corners = document.getElementById("corners"), radius = document.getElementById("radius");
  const pair = /^([-\u2212]?\d{1,3}(?:\.\d+)?)(?:\s*[,،，、]\s*|\s+)([-\u2212]?\d{1,3}(?:\.\d+)?)$/;  // as in hub/web/residents/places.py
  let map, drawn;

  const read = (text) => {
    const found = text.length <= 100 && pair.exec(text.trim());
    return found && found.slice(1).map((number) => Number(number.replace("\u2212", "-")));
  };
  const ring = () => corners.value.split("\n").map(read).filter(Boolean);
  const mode = () => box.querySelector("input[name=draw]:checked").value;
  const written = (where) => where.lat.toFixed(5) + ", " + where.lng.toFixed(5);

  function paint() {
    drawn.clearLayers();
    const style = { className: "mine", weight: 2 }, middle = read(point.value), shape = ring();
    if (middle) drawn.addLayer(L.circle(middle, { radius: Number(radius.value), ...style })).addLayer(L.circleMarker(middle, { radius: 4, ...style }));
    if (shape.length > 1) drawn.addLayer(L.polygon(shape, style));
    for (const corner of shape) drawn.addLayer(L.circleMarker(corner, { radius: 5, ...style }));
  }

  function set(where) {
    if (mode() === "point") {
      point.value = written(where);
      said.textContent = words.point;
    } else {
      corners.value = [...corners.value.split("\n").filter((line) => line.trim()), written(where)].join("\n");
      said.textContent = words.corner + " " + ring().length;
    }
    paint();
  }

  function undo() {
    if (mode() === "point") { point.value = ""; said.textContent = ""; } else {
      corners.value = corners.value.split("\n").filter((line) => line.trim()).slice(0, -1).join("\n");
      said.textContent = words.corner + " " + ring().length;
    }
    paint();
  }

  async function show() {
    try {
      const loader = await import(words.load);
      await loader.leaflet(words);
      const ground = await (await fetch("/api/v1/areas/zip.geojson")).json();
      map = L.map("draw-map", { zoomSnap: 0.5, scrollWheelZoom: false, doubleClickZoom: false });
      map.attributionControl.setPrefix(false);
      if (words.tiles) L.tileLayer(words.tiles).addTo(map);
      const base = L.geoJSON(ground, { style: { className: "ground", weight: 1 }, onEachFeature: (feature, part) => part.bindTooltip(loader.words(feature.properties.name), { sticky: true }) }).addTo(map);
      drawn = L.featureGroup().addTo(map);
      paint();
      if (drawn.getLayers().length) map.fitBounds(drawn.getBounds(), { maxZoom: 15, animate: false }); else map.fitBounds(base.getBounds(), { animate: false });
      map.on("click", (event) => set(event.latlng));
      base.on("click", (event) => { L.DomEvent.stop(event); set(event.latlng); });
      document.getElementById("draw-set").addEventListener("click", () => set(map.getCenter()));
      document.getElementById("draw-undo").addEventListener("click", undo);
      for (const field of [point, corners, radius]) field.addEventListener("input", paint);
      box.dataset.ready = "yes";
    } catch (error) {
      said.textContent = words.failed;
      console.warn("map:", error);
    }
  }

  show();
})();
