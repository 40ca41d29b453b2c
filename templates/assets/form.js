// Help with forms: suggestions for places, and the point where one is. Every form works without it.
(() => {
  "use strict";
  const summary = document.getElementById("summary");
  if (summary) summary.focus();

  for (const field of document.querySelectorAll("input[data-areas]")) {
    const list = document.getElementById(field.getAttribute("list"));
    let asked = "";
    field.addEventListener("input", async () => {
      const cut = field.value.lastIndexOf(",") + 1;
      const before = field.value.slice(0, cut), text = field.value.slice(cut).trim();
      if (text.length < 2 || text === asked) return;
      asked = text;
      const answer = await fetch("/api/v1/areas?q=" + encodeURIComponent(text)).catch(() => null);
      if (!answer || !answer.ok || asked !== text) return;
      const found = await answer.json();
      const kind = field.dataset.areas;
      list.replaceChildren(...(found.areas || found).filter((area) => !kind || area.layer === kind).map((area) => {
        const option = document.createElement("option");
        const name = area.layer === "zip" ? area.id : area.name;
        option.value = before ? before + " " + name : name;
        option.label = [area.name, area.borough].filter((part, at, all) => part && all.indexOf(part) === at).join(", ");
        return option;
      }));
    });
  }

  for (const part of document.querySelectorAll("[data-needs=location]")) {
    if (!navigator.geolocation || !window.isSecureContext) continue;
    part.hidden = false;
    const button = part.querySelector("#locate"), said = part.querySelector("#located");
    button.addEventListener("click", () => navigator.geolocation.getCurrentPosition((where) => {
      // Three decimals are about 100 metres: enough for an alert, less than a doorstep.
      part.querySelector("#lat").value = where.coords.latitude.toFixed(3);
      part.querySelector("#lon").value = where.coords.longitude.toFixed(3);
      said.textContent = button.dataset.done;
    }, () => { said.textContent = button.dataset.failed; }));
  }
})();
