// What a mark's <title> says is shown at once, beside the pointer; on a touch screen too. The text is set as text.
(() => {
  "use strict";
  const tip = document.getElementById("tip"), said = new WeakMap();
  function words(node) {
    if (!said.has(node)) {
      const title = [...node.children].find((child) => child.tagName.toLowerCase() === "title");
      said.set(node, title ? title.textContent : node.dataset.tip || "");
      if (title) title.remove();
    }
    return said.get(node);
  }
  function show(event) {
    const node = event.target.closest ? event.target.closest(".plot *, [data-tip]") : null;
    const text = node ? words(node) : "";
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const box = tip.getBoundingClientRect(), room = 14;
    let x = event.clientX + room, y = event.clientY + room;
    if (x + box.width > innerWidth - 6) x = Math.max(6, event.clientX - box.width - room);
    if (y + box.height > innerHeight - 6) y = Math.max(6, event.clientY - box.height - room);
    tip.style.left = x + "px";
    tip.style.top = y + "px";
  }
  for (const kind of ["pointerover", "pointermove", "pointerdown"]) document.addEventListener(kind, show);
  document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
})();
