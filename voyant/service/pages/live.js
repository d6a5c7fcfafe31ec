"use strict";
// Adds to pages that work without it: what is under way is shown as it happens; deleting asks first.
(() => {
  for (const form of document.querySelectorAll("form[data-ask]")) {
    form.addEventListener("submit", (event) => {
      if (!confirm(form.dataset.ask)) event.preventDefault();
    });
  }
  for (const form of document.querySelectorAll("form")) {
    form.addEventListener("submit", (event) => {
      // A form is sent once; going back shows it ready again.
      if (event.defaultPrevented) return;
      const button = form.querySelector("button:not([disabled])");
      if (button) setTimeout(() => { button.disabled = true; });
    });
  }
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("form button")) button.disabled = false;
  });

  const live = document.getElementById("live");
  if (!live) return;
  let isAsking = false;
  let isStale = false;
  const show = async (address) => {
    if (isAsking) { isStale = true; return; }
    isAsking = true;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "error" });
      if (!answer.ok) return;
      const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = parsed.querySelector("[data-live]");
      const now = live.querySelector("[data-live]");
      if (!next || !now) return;
      if (!next.hasAttribute("data-moving") && now.hasAttribute("data-moving")) { location.reload(); return; }
      // What was opened or closed stays so; where the keyboard is, it stays.
      const isOpen = [...now.querySelectorAll("details")].map((it) => it.open);
      const place = now.contains(document.activeElement)
        ? [...now.querySelectorAll("a, summary, button")].indexOf(document.activeElement) : -1;
      now.replaceWith(next);
      next.querySelectorAll("details").forEach((it, at) => { if (at in isOpen) it.open = isOpen[at]; });
      if (place >= 0) next.querySelectorAll("a, summary, button")[place]?.focus();
    } catch {
      // The service is away for a moment: the next event, or the next look, comes.
    } finally {
      isAsking = false;
      if (isStale) { isStale = false; setTimeout(() => show(address), 150); }
    }
  };

  if (live.dataset.stream) {
    const stream = new EventSource(live.dataset.stream);
    let timer = 0;
    const look = () => { clearTimeout(timer); timer = setTimeout(() => show(live.dataset.part), 120); };
    for (const kind of ["queued", "started", "generator_started", "generator_finished", "generator_skipped",
      "generator_kept", "taken_over", "attempt_failed", "cancel_requested", "cancelled", "finished"]) {
      stream.addEventListener(kind, look);
    }
    stream.addEventListener("error", look);
    addEventListener("pagehide", () => stream.close());
  } else if (live.dataset.poll) {
    const address = new URL(location.href);
    address.searchParams.set("part", "1");
    setInterval(() => { if (!document.hidden) show(address); }, 1000 * Number(live.dataset.poll));
  }
})();
