"use strict";
// Adds to a page that reads without it: a filter, opening what a link points into, opening everything.
(() => {
  const bar = document.querySelector("[data-finder]");
  const openTarget = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = target && target.querySelector(":scope > details");
    if (details) details.open = true;
  };
  addEventListener("hashchange", openTarget);
  openTarget();
  if (!bar) return;

  const box = bar.querySelector("input");
  const said = bar.querySelector("output");
  const all = bar.querySelector("button");
  const items = [...document.querySelectorAll("[data-find]")];
  const texts = new Map(items.map((item) => [item, item.dataset.find.toLowerCase()]));
  const groups = [...document.querySelectorAll("[data-found-in]")];
  const asides = document.querySelectorAll("[data-aside]");
  const filter = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const item of items) {
      item.hidden = !words.every((word) => texts.get(item).includes(word));
      if (!item.hidden) found += 1;
    }
    for (const group of groups) {
      group.hidden = words.length > 0 && !group.querySelector("[data-find]:not([hidden])");
    }
    for (const aside of asides) aside.hidden = words.length > 0;
    said.value = words.length ? `${found} of ${items.length}` : `${items.length} columns`;
  };
  box.addEventListener("input", filter);
  addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      box.focus();
    } else if (event.key === "Escape" && document.activeElement === box) {
      box.value = "";
      filter();
    }
  });
  all.addEventListener("click", () => {
    const isOpening = all.getAttribute("aria-pressed") !== "true";
    all.setAttribute("aria-pressed", String(isOpening));
    for (const item of items) if (!item.hidden) item.querySelector("details").open = isOpening;
  });
  bar.hidden = false;
  filter();
})();
