/* The SQL console: runs a query, cancels it, shows its rows, keeps queries in this browser and in the address. */
"use strict";
(() => {
  const words = JSON.parse(document.getElementById("console-words").textContent);
  const form = document.getElementById("console");
  const text = document.getElementById("sql");
  const cancel = document.getElementById("cancel");
  const said = document.getElementById("said");
  const result = document.getElementById("result");
  const saved = document.getElementById("saved");
  // Of another firm's console in the same browser nothing must show.
  const shelf = `cellar-queries ${form.dataset.address}`;
  const shownRows = 500;
  let running = null;

  const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function make(tag, options = {}, ...children) {
    const element = Object.assign(document.createElement(tag), options);
    element.append(...children);
    return element;
  }

  async function ask(accept) {
    running?.abort();
    running = new AbortController();
    const mine = running;
    cancel.disabled = false;
    said.textContent = words.running;
    remember();
    try {
      const answer = await fetch(form.dataset.address, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: accept },
        body: JSON.stringify({ sql: text.value }),
        signal: mine.signal,
      });
      if (!answer.ok) {
        const problem = await answer.json().catch(() => ({}));
        throw new Error(problem.detail || String(answer.status));
      }
      return answer;
    } catch (error) {
      said.textContent = error.name === "AbortError" ? words.stopped : fill(words.failed, { error: error.message });
      return null;
    } finally {
      if (running === mine) cancel.disabled = true;
    }
  }

  async function run() {
    const begun = performance.now();
    result.replaceChildren();
    const answer = await ask("application/json");
    if (!answer) return;
    const document_ = await answer.json();
    const rows = Array.isArray(document_) ? document_ : document_.rows;
    const columns = document_.columns?.map((column) => column.name ?? column) ?? Object.keys(rows[0] ?? {});
    const seconds = ((performance.now() - begun) / 1000).toFixed(2);
    const total = Number(answer.headers.get("X-Total-Count") ?? rows.length);
    const shown = Math.min(rows.length, shownRows);
    const cut = shown < total || answer.headers.get("X-Cut") ? ` ${fill(words.cut, { rows: shown })}` : "";
    said.textContent = fill(words.done, { rows: total.toLocaleString("en"), seconds }) + cut;
    if (columns.length) result.replaceChildren(tabulate(columns, rows.slice(0, shownRows)));
  }

  function tabulate(columns, rows) {
    const value = (row, column, place) => (Array.isArray(row) ? row[place] : row[column]);
    const numeric = columns.map((column, place) => rows.some((row) => typeof value(row, column, place) === "number"));
    const style = (place) => ({ className: numeric[place] ? "figure" : "" });
    const head = columns.map((column, place) => make("th", { scope: "col", textContent: column, ...style(place) }));
    const body = rows.map((row) => make("tr", {}, ...columns.map((column, place) => make("td", { textContent: value(row, column, place) ?? "", ...style(place) }))));
    return make("table", {}, make("caption", { textContent: words.caption }), make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
  }

  async function download() {
    const answer = await ask("text/csv");
    if (!answer) return;
    said.textContent = "";
    const address = URL.createObjectURL(await answer.blob());
    make("a", { href: address, download: "result.csv" }).click();
    URL.revokeObjectURL(address);
  }

  function remember() {
    const parameters = new URLSearchParams(location.search);
    parameters.set("sql", text.value);
    history.replaceState(null, "", `${location.pathname}?${parameters}`);
  }

  const read = () => JSON.parse(localStorage.getItem(shelf) || "{}");

  function list() {
    const queries = Object.entries(read());
    const items = queries.map(([name, sql]) => {
      const open = make("button", { type: "button", className: "plain", textContent: name });
      open.addEventListener("click", () => (text.value = sql));
      const remove = make("button", { type: "button", className: "plain", textContent: "×", ariaLabel: fill(words.remove, { name }) });
      remove.addEventListener("click", () => {
        const kept = read();
        delete kept[name];
        localStorage.setItem(shelf, JSON.stringify(kept));
        list();
      });
      return make("li", {}, open, " ", remove);
    });
    saved.replaceChildren(...(items.length ? items : [make("li", { textContent: words.nothing })]));
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
  });
  cancel.addEventListener("click", () => running?.abort());
  document.getElementById("as-csv").addEventListener("click", download);
  document.getElementById("keep").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = event.target.elements.name.value.trim();
    localStorage.setItem(shelf, JSON.stringify({ ...read(), [name]: text.value }));
    said.textContent = fill(words.saved, { name });
    list();
  });
  for (const link of document.querySelectorAll("a.example")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      text.value = link.textContent;
      text.focus();
    });
  }
  list();
})();
