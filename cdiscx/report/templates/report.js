(function () {
  "use strict";
  // Everything from the uploads is set as textContent; nothing is ever parsed as HTML.
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 100, PRINT = 2000, RANK = { error: 0, warning: 1, note: 2 };
  const findings = data.findings;
  const $ = (id) => document.getElementById(id);
  const num = (n) => n.toLocaleString("en");
  const T = (text, slots) => ((data.labels || {})[text] || text).replace(/\{(\w+)\}/g, (all, name) => slots && name in slots ? slots[name] : all);

  function el(tag, options, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(options || {})) {
      if (name === "text") node.textContent = value;
      else if (name === "class") node.className = value;
      else if (name === "on") node.addEventListener("click", value);
      else node.setAttribute(name, value);
    }
    node.append(...children.filter((c) => c));
    return node;
  }
  const table = (heads, rows, label) => el("table", { "aria-label": label },
    el("thead", {}, el("tr", {}, ...heads.map((h) => el("th", { scope: "col", text: h })))), el("tbody", {}, ...rows));
  const cell = (text, cls) => el("td", { text: text === undefined || text === null ? "" : text, class: cls || "" });
  const place = (f) => [f.file, f.sheet, f.cell || f.row].filter((x) => x !== undefined).join(" ! ");

  findings.forEach((f, i) => {
    f.i = i;
    f.hay = [f.check, data.checks[f.check] && data.checks[f.check].title, f.message, f.file, f.sheet, f.cell, f.column, f.value,
      f.expected, f.subject, f.site, f.visit, f.fix, f.fingerprint, f.accepted, f.standing].filter(Boolean).join("\n").toLowerCase();
  });

  // findings ---------------------------------------------------------------------------------------------------------
  const form = $("filters");
  const state = { found: [], page: 0, changes: 0 };
  function options(select, values, all, label) {
    select.replaceChildren(el("option", { value: "", text: all }), ...values.map((v) => el("option", { value: v, text: label ? label(v) : v })));
  }
  const distinct = (key) => [...new Set(findings.map((f) => f[key]).filter((v) => v !== undefined))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  options(form.severity, ["error", "warning", "note"].filter((s) => findings.some((f) => f.severity === s)), T("All"), T);
  options(form.check, distinct("check"), T("All"), (id) => id + (data.checks[id] && data.checks[id].title ? "  " + data.checks[id].title : ""));
  options(form.sheet, distinct("sheet"), T("All"));
  options(form.site, distinct("site"), T("All"));
  options(form.since, distinct("since"), T("All"), T);
  $("subjects").replaceChildren(...distinct("subject").map((v) => el("option", { value: v })));

  const orders = {
    severity: (a, b) => RANK[a.severity] - RANK[b.severity] || a.i - b.i,
    place: (a, b) => a.i - b.i,
    subject: (a, b) => (a.subject || "\uffff").localeCompare(b.subject || "\uffff", "en", { numeric: true }) || orders.severity(a, b),
    check: (a, b) => (a.check < b.check ? -1 : a.check > b.check ? 1 : orders.severity(a, b)),
  };
  function filter() {
    const want = Object.fromEntries(new FormData(form));
    const needles = want.text.toLowerCase().split(/\s+/).filter(Boolean);
    const subject = want.subject.trim().toLowerCase();
    const exact = findings.some((f) => (f.subject || "").toLowerCase() === subject);
    state.found = findings.filter((f) =>
      (!want.severity || f.severity === want.severity) && (!want.check || f.check === want.check) &&
      (!want.sheet || f.sheet === want.sheet) && (!want.site || f.site === want.site) && (!want.since || f.since === want.since) &&
      (!want.state || (f.accepted !== undefined) === (want.state === "accepted")) &&
      (!subject || (exact ? (f.subject || "").toLowerCase() === subject : (f.subject || "").toLowerCase().includes(subject))) &&
      needles.every((n) => f.hay.includes(n)));
    state.found.sort(orders[want.order]);
    state.page = 0;
    draw();
  }
  function draw(all) {
    const from = all ? 0 : state.page * PAGE, shown = state.found.slice(from, all ? PRINT : from + PAGE);
    $("list-findings").replaceChildren(...(shown.length ? shown.map((f) => item(f, all)) :
      [el("li", {}, el("p", { class: "nothing", text: T(findings.length ? "No finding fits these filters." : "There is no finding. See the Checks tab for what was and was not checked.") }))]));
    $("shown").textContent = state.found.length ?
      T("{a}–{b} of {n}", { a: num(from + 1), b: num(from + shown.length), n: num(state.found.length) }) + (state.found.length < findings.length ? T(" (all: {n})", { n: num(findings.length) }) : "") : "";
    pager("findings", state.page, state.found.length, PAGE, (page) => { state.page = page; draw(); $("view-findings").scrollIntoView(); });
  }
  function pager(name, page, total, size, go) {
    const last = Math.ceil(total / size) - 1;
    document.querySelectorAll('.pager[data-for="' + name + '"]').forEach((box) => {
      if (last < 1) return box.replaceChildren();
      const button = (text, to) => { const b = el("button", { type: "button", text, on: () => go(to) }); b.disabled = to < 0 || to > last; return b; };
      box.replaceChildren(button(T("Previous"), page - 1), el("span", { text: T("Page {a} of {b}", { a: num(page + 1), b: num(last + 1) }) }), button(T("Next"), page + 1));
    });
  }
  function item(f, open) {
    const id = "detail-" + f.i, holder = el("li", {});
    const row = el("button", { type: "button", class: "row", "aria-expanded": "false", "aria-controls": id, on: () => toggle() },
      el("span", { class: "tag " + (f.accepted ? "accepted" : f.severity), text: T(f.accepted ? "accepted" : f.severity) }), el("span", { class: "id", text: f.check }, f.standing ? el("small", { text: f.standing }) : null),
      el("span", { class: "what", text: f.message }), el("span", { class: "who", text: f.subject || "" }), el("span", { class: "at", text: place(f) }));
    function toggle() {
      const old = holder.querySelector(".detail");
      if (old) old.remove(); else holder.append(detail(f, id));
      row.setAttribute("aria-expanded", old ? "false" : "true");
    }
    holder.append(row);
    if (open) holder.append(el("p", { class: "brief", text: [f.column && f.column + ": " + (f.value === undefined ? T("(blank)") : f.value),
      f.expected && T("expected {x}", { x: f.expected }), f.fix, f.accepted && T("accepted: {x}", { x: f.accepted })].filter(Boolean).join("  |  ") }));
    return holder;
  }
  function detail(f, id) {
    const list = el("dl", {});
    const add = (name, ...nodes) => list.append(el("dt", { text: name }), el("dd", {}, ...nodes));
    const about = data.checks[f.check] || {};
    add(T("Check"), document.createTextNode(f.check + (about.title ? "  " + about.title : "") + " (" + T(f.severity) + ")"));
    if (f.subject || f.site) add(T("Subject"), document.createTextNode([f.subject, f.site && T("site {x}", { x: f.site }), f.visit].filter(Boolean).join(", ")));
    const copy = data.annotated[f.file];
    add(T("Place"), copy ? el("a", { href: "annotated/" + encodeURIComponent(copy), text: place(f) }) : document.createTextNode(place(f) || T("no cell")));
    if (f.column) add(f.column, f.value === undefined ? document.createTextNode(T("(blank)")) : el("span", { class: "typed", text: f.value }));
    if (f.expected) add(T("Expected"), document.createTextNode(f.expected));
    if (f.fix) add(T("What to do"), el("span", { class: "fix", text: f.fix }));
    if (about.why) add(T("Why it matters"), document.createTextNode(about.why));
    if (about.rule) add(T("Rule"), document.createTextNode(about.rule));
    if (f.accepted) add(T("Accepted"), document.createTextNode(f.accepted));
    if (f.standing) add(T("In the ledger"), document.createTextNode(f.standing));
    add(T("Fingerprint"), el("code", { text: f.fingerprint }));
    const box = el("div", { class: "detail", id }, list);
    if (f.related.length) box.append(el("div", { class: "scroll" }, table(["Also rests on", "Value as typed", "Place"].map((h) => T(h)),
      f.related.map((r) => el("tr", {}, cell(r.column), cell(r.value === null ? T("(blank)") : r.value), cell([r.file, r.sheet, r.cell || r.row].filter(Boolean).join(" ! ")))), T("Related cells"))));
    box.append(el("button", { type: "button", class: "copy", text: T("Copy query text"), on: () => copyText(query(f)) }));
    return box;
  }
  const query = (f) => [[f.site && T("Site {x}", { x: f.site }), f.subject && T("subject {x}", { x: f.subject }), f.visit].filter(Boolean).join(", "),
    f.message, f.column && f.column + ": " + (f.value === undefined ? T("(blank)") : f.value), f.fix && T("Please: {x}", { x: f.fix }),
    T("Place: {x}", { x: place(f) }), T("Reference: {x}", { x: f.check + " " + f.fingerprint })].filter(Boolean).join("\n");
  function copyText(text) {
    const said = (ok) => { $("said").textContent = T(ok ? "Query text copied" : "Could not copy"); };
    const byHand = () => {
      const box = el("textarea", { class: "visually-hidden" });
      box.value = text; document.body.append(box); box.select();
      const ok = document.execCommand("copy"); box.remove(); said(ok);
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => said(true), byHand); else byHand();
    const button = document.activeElement;
    if (button && button.classList.contains("copy")) { button.textContent = T("Copied"); setTimeout(() => { button.textContent = T("Copy query text"); }, 1500); }
  }
  let timer = 0;
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 120); });
  form.addEventListener("reset", () => setTimeout(filter, 0));
  form.addEventListener("submit", (e) => { e.preventDefault(); filter(); });
  function show(changes) {
    const start = { state: "open", order: "severity" };
    for (const field of form.elements) if (field.name) field.value = start[field.name] || "";
    for (const [name, value] of Object.entries(changes)) form[name].value = value;
    filter(); select("findings"); $("view-findings").scrollIntoView();
  }
  document.querySelectorAll("[data-severity]").forEach((b) => b.addEventListener("click", () => show({ severity: b.dataset.severity })));
  document.querySelectorAll("[data-filter]").forEach((b) => b.addEventListener("click", () => show({ [b.dataset.filter]: b.dataset.value })));
  document.querySelectorAll("[data-status]").forEach((b) => b.addEventListener("click", () => { checkForm.status.value = b.dataset.status; checks(); select("checks"); $("view-checks").scrollIntoView(); }));

  // by subject -------------------------------------------------------------------------------------------------------
  const people = new Map();
  for (const f of findings) {
    if (f.accepted !== undefined || !f.subject) continue;
    const p = people.get(f.subject) || { site: f.site, error: 0, warning: 0, note: 0, checks: new Set() };
    p[f.severity] += 1; p.checks.add(f.check); people.set(f.subject, p);
  }
  const worst = [...people].sort((a, b) => b[1].error - a[1].error || b[1].warning - a[1].warning || b[1].note - a[1].note || a[0].localeCompare(b[0], "en", { numeric: true }));
  $("list-subjects").replaceChildren(worst.length ? table(["Subject", "Site", "Errors", "Warnings", "Notes", "Checks"].map((h) => T(h)), worst.map(([id, p]) => el("tr", {},
    el("th", { scope: "row" }, el("button", { type: "button", class: "link", text: id, on: () => show({ subject: id }) })), cell(p.site),
    ...["error", "warning", "note"].map((s) => cell(num(p[s]), p[s] ? s : "zero")), cell([...p.checks].sort().join(", "), "wrapped"))), T("Open findings by subject")) :
    el("p", { class: "nothing", text: T("No open finding belongs to a subject.") }));

  // checks -----------------------------------------------------------------------------------------------------------
  const checkForm = $("check-filters"), words = { errored: "crashed" };
  function checks() {
    const status = checkForm.status.value, text = checkForm.text.value.toLowerCase();
    const rows = data.runs.filter((r) => (!status || r.status === status) && (r.id + " " + (data.checks[r.id] || {}).title + " " + (r.reason || "")).toLowerCase().includes(text));
    $("list-checks").replaceChildren(rows.length ? table(["Check", "What it finds", "Status", "Rows", "Findings", "Reason, or what could not be checked"].map((h) => T(h)), rows.map((r) => {
      const about = data.checks[r.id] || {};
      const more = about.why || about.fix || about.rule ? el("details", {}, el("summary", { text: T("why, and what to do") }),
        ...[about.why, about.fix, about.rule && T("Rule: {x}", { x: about.rule }), about.not_checked && T("Not checked: {x}", { x: about.not_checked })].filter(Boolean).map((t) => el("p", { text: t }))) : null;
      const name = r.findings ? el("button", { type: "button", class: "link", text: r.id, on: () => show({ check: r.id, state: "" }) }) : document.createTextNode(r.id);
      const what = el("td", { class: "wrapped" }, document.createTextNode(about.title || ""), more);
      return el("tr", {}, el("th", { scope: "row" }, name), what, el("td", {}, el("span", { class: "tag " + r.status, text: T(words[r.status] || r.status) })),
        cell(num(r.rows), "number"), cell(num(r.findings), "number"), cell(r.reason, "wrapped"));
    }), T("Checks")) : el("p", { class: "nothing", text: T("No check fits.") }));
  }
  checkForm.addEventListener("input", checks);
  checkForm.addEventListener("submit", (e) => e.preventDefault());

  // changes, notes ---------------------------------------------------------------------------------------------------
  function changes() {
    const rows = data.changes.slice(state.changes * PAGE, state.changes * PAGE + PAGE);
    $("changes-lead").textContent = !data.changes_total ? T("Every cell was taken as typed.") : T("Cells that were read as something else than what was typed: {n}" +
      (data.changes_total > data.changes.length ? "; the first {m} are shown, all are in changes.csv." : "."), { n: num(data.changes_total), m: num(data.changes.length) });
    $("list-changes").replaceChildren(...(rows.length ? [table(data.change_columns, rows.map((r) => el("tr", {}, ...r.map((v) => cell(v, "wrapped")))), T("Changes"))] : []));
    pager("changes", state.changes, data.changes.length, PAGE, (page) => { state.changes = page; changes(); });
  }
  $("list-notes").replaceChildren(...(data.notes.length ? data.notes : [T("No notes.")]).map((n) => el("li", { text: n })));

  // tabs -------------------------------------------------------------------------------------------------------------
  const tabs = [...document.querySelectorAll("[role=tab]")];
  function select(name, focus) {
    for (const tab of tabs) {
      const on = tab.id === "tab-" + name;
      tab.setAttribute("aria-selected", on ? "true" : "false");
      tab.tabIndex = on ? 0 : -1;
      $(tab.getAttribute("aria-controls")).hidden = !on;
      if (on && focus) tab.focus();
    }
  }
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => select(tab.id.slice(4)));
    tab.addEventListener("keydown", (e) => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[e.key];
      if (to !== undefined) { e.preventDefault(); select(tabs[(to + tabs.length) % tabs.length].id.slice(4), true); }
    });
  });
  const totals = { findings: findings.filter((f) => f.accepted === undefined).length, subjects: people.size, checks: data.runs.length, changes: data.changes_total, notes: data.notes.length };
  for (const [name, n] of Object.entries(totals)) $("count-" + name).textContent = num(n);

  window.addEventListener("beforeprint", () => { document.querySelectorAll(".uploads").forEach((d) => { d.open = true; }); draw(true); });
  window.addEventListener("afterprint", () => draw());
  if (!findings.some((f) => f.accepted !== undefined)) form.state.closest("label").hidden = true;
  if (!findings.some((f) => f.standing)) form.since.closest("label").hidden = true;
  if (data.ledger.length) $("list-ledger").replaceChildren(table(["Query", "Check", "Subject", "Place", "What was wrong", "Since", "Why"].map((h) => T(h)),
    data.ledger.map((row) => el("tr", {}, ...row.map((v) => cell(v, "wrapped")))), T("Queries that are not among the findings")));
  filter(); checks(); changes();
  if (tabs.some((t) => t.id === "tab-" + location.hash.slice(1))) select(location.hash.slice(1));
  const stands = /^#is-(\w+)$/.exec(location.hash);
  if (stands && findings.some((f) => f.since === stands[1])) show({ since: stands[1], state: "" });
  const asked = /^#f-([0-9a-zA-Z-]+)$/.exec(location.hash);
  if (asked && findings.some((f) => f.fingerprint === asked[1])) {
    show({ text: asked[1], state: "" });
    const first = document.querySelector(".row");
    if (first) first.click();
  }
})();
