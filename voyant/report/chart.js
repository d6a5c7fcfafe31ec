// Brings the chart to life where its script bundle is: tool tips, dragging, zoom. The picture stays otherwise.
(() => {
  const figure = document.querySelector("[data-chart]");
  const source = document.getElementById("spec");
  if (!figure || !source || typeof vegaEmbed !== "function") return;
  const still = figure.querySelector(".still");
  const live = figure.querySelector(".live");
  const hint = figure.querySelector("[data-hint]");
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);

  // Text only, whatever the data holds: nothing becomes HTML.
  const showTip = (_handler, event, _item, value) => {
    if (value === null || typeof value !== "object") {
      tip.hidden = true;
      return;
    }
    const list = document.createElement("dl");
    for (const [name, text] of Object.entries(value)) {
      const term = document.createElement("dt");
      const said = document.createElement("dd");
      term.textContent = name;
      said.textContent = String(text);
      list.append(term, said);
    }
    tip.replaceChildren(list);
    tip.hidden = false;
    const room = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, innerWidth - room.width - 8);
    const below = event.clientY + 16;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${below + room.height > innerHeight ? event.clientY - room.height - 12 : below}px`;
  };

  // ast: expressions are interpreted, so the page's policy need not allow eval.
  const options = { ast: true, actions: false, defaultStyle: false, renderer: "svg", tooltip: showTip };
  vegaEmbed(live, JSON.parse(source.textContent), options).then(
    () => {
      live.hidden = false;
      still.hidden = true;
      if (hint) hint.hidden = false;
    },
    () => {},
  );
})();
