// What holds for every page, asked inside of it: each rule answers with what breaks it.
() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (one) => one.outerHTML.slice(0, 120);

  const nameless = all("a, button, input:not([type=hidden]), select, textarea").filter((one) => {
    const label = [...(one.labels || [])].map((each) => each.textContent).join(" ");
    return !(one.getAttribute("aria-label") || label || one.textContent || "").trim();
  });

  // WCAG 2.2, 2.5.8: 24 by 24 CSS pixels.
  const targets = "button, .button, nav a, .choice, select, input:not([type=hidden], [type=radio], [type=checkbox])";
  const small = all(targets).filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width && (box.height < 24 || box.width < 24) && !one.closest(".leaflet-container");
  });

  // WCAG 2.2, 1.4.3: 4.5 to 1, 3 to 1 for large text.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const color = rgb(getComputedStyle(one).backgroundColor);
      if (color[3]) return color;
    }
    return [255, 255, 255];
  };
  const pale = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), one = walker.currentNode.parentElement;
    if (!text || !one.checkVisibility() || one.closest("script, noscript, datalist, .leaflet-container")) continue;
    const style = getComputedStyle(one);
    const [bright, dark] = [light(rgb(style.color)), light(ground(one))].sort((first, second) => second - first);
    if ((bright + 0.05) / (dark + 0.05) < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) pale.push(text.slice(0, 60));
  }

  const ids = all("[id]").map((one) => one.id);
  return {
    nameless: nameless.map(shown),
    small: small.map(shown),
    pale,
    twice: ids.filter((id, at) => ids.indexOf(id) !== at),
    sideways: document.documentElement.scrollWidth > innerWidth ? [document.documentElement.scrollWidth] : [],
  };
}
