// Help with forms: names of places while one types, the point where one is, the map on request, and a quick way out. All forms work without it.
(() => {
  "use strict";
  const summary = document.getElementById("summary");
  if (summary) summary.focus();

  // A combobox with a list of its own (WAI-ARIA Authoring Practices, "Editable Combobox With List Autocomplete").
  function combobox(field) {
    const list = document.createElement("ul"), told = document.createElement("span");
    const frame = document.createElement("div");
    frame.className = "combo";
    list.setAttribute("aria-label", field.dataset.count);
    field.replaceWith(frame);
    list.id = field.id + "-list";
    list.hidden = true;
    list.setAttribute("role", "listbox");
    told.className = "hidden";
    told.setAttribute("role", "status");
    frame.append(field, list, told);
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id], ["autocomplete", "off"]]) field.setAttribute(name, value);
    let asked = "", at = -1, waiting = 0;

    const parts = () => {
      const cut = Math.max(...[",", "،", "，", "、", ";"].map((mark) => field.value.lastIndexOf(mark))) + 1;
      return [field.value.slice(0, cut), field.value.slice(cut).trim()];
    };
    const options = () => [...list.querySelectorAll("[role=option]")];

    function close() {
      list.hidden = true;
      at = -1;
      field.setAttribute("aria-expanded", "false");
      field.removeAttribute("aria-activedescendant");
    }

    function mark(next) {
      const all = options();
      if (!all.length) return;
      at = (next + all.length) % all.length;
      all.forEach((one, index) => one.setAttribute("aria-selected", String(index === at)));
      field.setAttribute("aria-activedescendant", all[at].id);
      all[at].scrollIntoView({ block: "nearest" });
    }

    function choose(option) {
      const before = parts()[0];
      field.value = (before ? before + " " : "") + option.dataset.name;
      asked = option.dataset.name;
      close();
      field.focus();
    }

    function show(found, near) {
      const areas = found.length ? found : near;
      if (!areas.length) { told.textContent = ""; close(); return; }
      const marked = options()[at]?.dataset.name, title = document.createElement("p");
      title.setAttribute("role", "presentation");
      title.textContent = field.dataset.near;
      list.replaceChildren(...(found.length ? [] : [title]), ...areas.map((area, index) => {
        const one = document.createElement("li"), small = document.createElement("small");
        one.id = list.id + index;
        one.setAttribute("role", "option");
        one.setAttribute("aria-selected", "false");
        one.dataset.name = area.layer === "zip" ? area.id : area.name;
        one.append(one.dataset.name + " ");
        if (area.borough && area.borough !== area.name) { small.textContent = area.borough; one.append(small); }
        // Before the field loses the focus to it.
        one.addEventListener("mousedown", (event) => { event.preventDefault(); choose(one); });
        return one;
      }));
      at = -1;
      field.removeAttribute("aria-activedescendant");
      list.hidden = false;
      field.setAttribute("aria-expanded", "true");
      // An answer that comes late takes nobody's choice away.
      const kept = options().findIndex((one) => one.dataset.name === marked);
      if (kept >= 0) mark(kept);
      told.textContent = found.length ? field.dataset.count + " " + areas.length : field.dataset.near + " " + options()[0].dataset.name;
    }

    async function ask() {
      const text = parts()[1];
      if (text.length < 2) { asked = text; close(); return; }
      if (text === asked) return;
      asked = text;
      const answer = await fetch("/api/v1/areas?q=" + encodeURIComponent(text.slice(0, 80))).catch(() => null);
      if (!answer || !answer.ok || asked !== text) return;
      const { areas, near } = await answer.json();
      const whole = areas.length === 1 && [areas[0].id, areas[0].name].includes(text);
      if (whole || document.activeElement !== field) close(); else show(areas, /^\d{1,4}$/.test(text) ? [] : near);
    }

    field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, 120); });
    field.addEventListener("blur", close);
    field.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (list.hidden && options().length) { list.hidden = false; field.setAttribute("aria-expanded", "true"); }
        mark(event.key === "ArrowDown" ? at + 1 : at < 0 ? -1 : at - 1);
        event.preventDefault();
      } else if (event.key === "Enter" && !list.hidden && at >= 0) {
        choose(options()[at]);
        event.preventDefault();
      } else if (event.key === "Escape" && !list.hidden) {
        close();
        event.preventDefault();
      }
    });
  }
  document.querySelectorAll("input[data-areas]").forEach((field) => {
    // Staff's fields want one layer and have a list of their own.
    if (!field.dataset.areas) combobox(field); else suggestions(field);
  });

  function suggestions(field) {
    const list = document.getElementById(field.getAttribute("list"));
    let asked = "";
    field.addEventListener("input", async () => {
      const cut = field.value.lastIndexOf(",") + 1;
      const before = field.value.slice(0, cut), text = field.value.slice(cut).trim();
      if (text.length < 2 || text === asked) return;
      asked = text;
      const answer = await fetch("/api/v1/areas?q=" + encodeURIComponent(text)).catch(() => null);
      if (!answer || !answer.ok || asked !== text) return;
      const { areas } = await answer.json();
      list.replaceChildren(...areas.filter((area) => area.layer === field.dataset.areas).map((area) => {
        const option = document.createElement("option");
        const name = area.layer === "zip" ? area.id : area.name;
        option.value = before ? before + " " + name : name;
        option.label = [area.name, area.borough].filter((part, at, all) => part && all.indexOf(part) === at).join(", ");
        return option;
      }));
    });
  }

  for (const part of document.querySelectorAll("[data-needs=script]")) part.hidden = false;

  const locate = document.getElementById("locate"), point = document.getElementById("point");
  if (locate && (!navigator.geolocation || !window.isSecureContext)) locate.hidden = true;
  if (locate) locate.addEventListener("click", () => navigator.geolocation.getCurrentPosition((where) => {
    // Three decimals are about 100 metres: enough for an alert, less than a doorstep.
    point.value = where.coords.latitude.toFixed(3) + ", " + where.coords.longitude.toFixed(3);
    document.getElementById("located").textContent = locate.dataset.done;
  }, () => { document.getElementById("located").textContent = locate.dataset.failed; }));

  const open = document.getElementById("draw-open"), draw = document.getElementById("draw");
  if (open) open.addEventListener("click", () => {
    draw.hidden = !draw.hidden;
    open.setAttribute("aria-expanded", String(!draw.hidden));
    if (document.getElementById("draw-script")) return;
    const script = document.createElement("script");
    script.id = "draw-script";
    script.src = draw.dataset.draw;
    document.head.append(script);
  });

  // The browser's own time zone, where the person has chosen none yet.
  const zone = document.querySelector("select[data-own]");
  const own = zone && Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (own) {
    if (![...zone.options].some((one) => one.value === own)) zone.add(new Option(own, own));
    // As if the page had come with it: nobody has changed anything.
    for (const one of zone.options) one.selected = one.defaultSelected = one.value === own;
  }

  // Each form of the settings is sent by itself, and the page that answers has forgotten what was changed in the others.
  const unsaved = document.querySelector("[data-unsaved]");
  const changed = (field) => field.options
    ? field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected))
    : field.checked !== field.defaultChecked || field.value !== (field.defaultValue ?? field.value);
  if (unsaved) document.addEventListener("submit", (event) => {
    // What a script sends leaves the page as it is, and whoever deletes everything has nothing to save.
    if (event.defaultPrevented || !event.target.elements.action) return;
    const others = [...document.forms].filter((form) => form !== event.target).flatMap((form) => [...form.elements]);
    if (others.some(changed) && !confirm(unsaved.dataset.unsaved)) event.preventDefault();
  });

  // The way out (S29): the page is blanked at once and leaves no entry to go back to.
  const leave = document.getElementById("leave");
  if (leave) {
    const go = () => {
      document.documentElement.classList.add("gone");
      document.title = "…";
      location.replace(leave.href);
    };
    leave.addEventListener("click", (event) => { event.preventDefault(); go(); });
    document.getElementById("leave-keys").hidden = false;
    let presses = [];
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) { presses = []; return; }
      presses = [...presses, event.timeStamp].filter((at) => event.timeStamp - at < 3000);
      if (presses.length === 3) go();
    });
  }
})();
