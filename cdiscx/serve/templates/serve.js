(function () {
  "use strict";
  // Without this script the page works too: files are chosen, the form is sent, the run's page reloads itself.
  const $ = (id) => document.getElementById(id);
  const words = $("words") ? JSON.parse($("words").textContent) : {};
  const T = (text, slots) => (words[text] || text).replace(/\{(\w+)\}/g, (all, name) => slots && name in slots ? slots[name] : all);
  const make = (tag, text, cls) => { const node = document.createElement(tag); node.textContent = text; if (cls) node.className = cls; return node; };

  const send = $("send");
  if (send) {
    const drop = $("drop"), input = $("files"), chosen = $("chosen"), limit = Number(send.dataset.limit) * 1048576;
    const size = (n) => (n < 1048576 ? T("{n} KB", { n: Math.max(1, Math.round(n / 1024)) }) : T("{n} MB", { n: (n / 1048576).toFixed(1) }));
    const show = () => {
      const files = [...input.files], total = files.reduce((sum, f) => sum + f.size, 0);
      chosen.replaceChildren(...files.map((f) => make("li", f.name + " (" + size(f.size) + ")")));
      const large = total > limit;
      if (large) chosen.append(make("li", T("Together {x}: more than the {n} MB that can be sent at a time.", { x: size(total), n: send.dataset.limit }), "bad"));
      input.setCustomValidity(large ? T("Too large: choose fewer or smaller workbooks.") : "");
    };
    input.addEventListener("change", show);
    let depth = 0;
    const files = (e) => e.dataTransfer && [...e.dataTransfer.types].includes("Files");
    addEventListener("dragenter", (e) => { if (files(e)) { depth += 1; drop.classList.add("over"); e.preventDefault(); } });
    addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); if (!depth) drop.classList.remove("over"); });
    addEventListener("dragover", (e) => { if (files(e)) e.preventDefault(); });
    addEventListener("drop", (e) => {
      if (!files(e)) return;
      e.preventDefault(); depth = 0; drop.classList.remove("over");
      if (e.dataTransfer.files.length) { input.files = e.dataTransfer.files; show(); input.focus(); }
    });
    send.addEventListener("submit", () => { const b = send.querySelector("[type=submit]"); b.disabled = true; b.textContent = T("Sending …"); });
    addEventListener("pageshow", () => { const b = send.querySelector("[type=submit]"); b.disabled = false; b.textContent = T("Check"); show(); });
  }

  const progress = $("progress");
  if (progress) {
    let missed = 0;
    const look = () => fetch(progress.dataset.status, { cache: "no-store" }).then((r) => { if (!r.ok) throw new Error(r.status); return r.json(); }).then((told) => {
      missed = 0;
      if (told.states.check !== "running" && told.states.datasets !== "running") return location.reload();
      const now = told.steps[told.steps.length - 1] || T("starting");
      if ($("now").textContent !== now) $("now").textContent = now;
      const steps = $("steps");
      for (const step of told.steps.slice(steps.children.length)) { steps.append(make("li", step)); steps.scrollTop = steps.scrollHeight; }
      $("seconds").textContent = told.seconds;
      setTimeout(look, 700);
    }).catch(() => {
      missed += 1;
      if (missed > 5) $("now").textContent = T("The program does not answer any more; it may have been stopped."); else setTimeout(look, 1500);
    });
    setTimeout(look, 400);
  }

  const search = $("subject-filter");
  if (search) {
    const rows = [...document.querySelectorAll("#subjects tbody tr")];
    const filter = () => {
      const text = search.text.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        row.hidden = !row.dataset.name.includes(text) || (search.differ.checked && row.dataset.differ === "0");
        shown += row.hidden ? 0 : 1;
      }
      $("subjects-shown").textContent = T(shown === 1 ? "{n} subject" : "{n} subjects", { n: shown.toLocaleString("en") });
    };
    search.addEventListener("input", filter);
    search.addEventListener("submit", (e) => e.preventDefault());
    filter();
  }
})();
