"use strict";
// Turns the links above the sections into tabs. Without it they are links, and every section stands below.
(() => {
  const list = document.querySelector("[data-tabs]");
  if (!list) return;
  const tabs = [...list.querySelectorAll("a")];
  const panels = tabs.map((tab) => document.getElementById(tab.hash.slice(1)));
  const remember = (hash) => {
    try { history.replaceState(null, "", hash); } catch { /* a page without an address keeps none */ }
  };
  const choose = (chosen, isFocused) => {
    tabs.forEach((tab, place) => {
      const isChosen = place === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      // Text in a tab that is not shown can still be found with the browser's own search.
      if (isChosen) panels[place].removeAttribute("hidden");
      else panels[place].setAttribute("hidden", "until-found");
    });
    if (isFocused) tabs[chosen].focus();
  };
  const reveal = (identifier) => {
    const target = document.getElementById(identifier);
    const place = target ? panels.findIndex((panel) => panel.contains(target)) : -1;
    if (place < 0) return null;
    choose(place, false);
    for (let it = target; it; it = it.parentElement) if (it.tagName === "DETAILS") it.open = true;
    return target;
  };
  list.setAttribute("role", "tablist");
  tabs.forEach((tab, place) => {
    tab.id = `tab-${tab.hash.slice(1)}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panels[place].id);
    panels[place].setAttribute("role", "tabpanel");
    panels[place].setAttribute("aria-labelledby", tab.id);
    panels[place].tabIndex = -1;
    panels[place].addEventListener("beforematch", () => choose(place, false));
  });
  list.addEventListener("keydown", (event) => {
    const place = tabs.indexOf(document.activeElement);
    const steps = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1, " ": place };
    if (place < 0 || !(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const chosen = (steps[event.key] + tabs.length) % tabs.length;
    choose(chosen, true);
    remember(tabs[chosen].hash);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const target = reveal(decodeURIComponent(link.hash.slice(1)));
    if (!target) return;
    event.preventDefault();
    remember(link.hash);
    const isTab = tabs.includes(link);
    if (isTab && list.getBoundingClientRect().top > 0) return;
    (isTab ? list.parentElement : target).scrollIntoView();
    if (!isTab) target.focus({ preventScroll: true });
  });
  addEventListener("hashchange", () => {
    const target = reveal(decodeURIComponent(location.hash.slice(1)));
    if (target) target.scrollIntoView();
  });
  choose(0, false);
  const named = location.hash && reveal(decodeURIComponent(location.hash.slice(1)));
  if (named) named.scrollIntoView();
})();
