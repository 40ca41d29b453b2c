// Loads what a map needs, when one is asked for.
export const leaflet = ({ style, script }) => Promise.all([load("link", style), load("script", script)]);

// Words for a tooltip: a string would be read as HTML by Leaflet, and anybody's headline may hold some.
export const words = (text) => Object.assign(document.createElement("span"), { textContent: text });

function load(kind, address) {
  return new Promise((done, failed) => {
    const element = document.createElement(kind);
    element.onload = done;
    element.onerror = failed;
    if (kind === "link") { element.rel = "stylesheet"; element.href = address; } else element.src = address;
    document.head.append(element);
  });
}
