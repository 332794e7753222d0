/* Draws the charts of a page from their data's addresses, and keeps everything chosen in the page's own address. */
"use strict";
(() => {
  const words = JSON.parse(document.getElementById("chart-words").textContent);
  const language = document.documentElement.lang;
  const shownRows = 200;
  const narrow = 480;
  // What plotly itself would say; all other words come with the data.
  if (language === "ko") {
    const months = Array.from({ length: 12 }, (_, month) => `${month + 1}월`);
    const days = ["일", "월", "화", "수", "목", "금", "토"];
    const format = { months, shortMonths: months, days, shortDays: days, date: "%Y-%m-%d", decimal: ".", thousands: "," };
    Plotly.register({ moduleType: "locale", name: "ko", dictionary: {}, format });
  }

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function make(tag, options = {}, ...children) {
    const element = Object.assign(document.createElement(tag), options);
    element.append(...children);
    return element;
  }

  class Chart {
    constructor(section) {
      this.section = section;
      this.plot = section.querySelector(".plot");
      this.state = section.querySelector(".state");
      this.key = `view-${section.id}`;
      section.querySelector(".behind")?.addEventListener("toggle", (event) => event.target.open && this.tabulate());
      section.querySelector(".range")?.addEventListener("submit", (event) => {
        event.preventDefault();
        this.zoom(...this.typed());
      });
      section.querySelector(".range")?.addEventListener("reset", () => this.zoom(null, null));
      section.querySelector(".picture")?.addEventListener("click", () => this.save());
    }

    address() {
      const url = new URL(this.section.dataset.source, location.href);
      for (const form of document.querySelectorAll("form[data-follow]")) {
        const chosen = new FormData(form);
        for (const name of (this.section.dataset.follows || "").split(" ").filter(Boolean)) {
          if (!form.elements[name]) continue;
          url.searchParams.delete(name);
          for (const value of chosen.getAll(name)) if (value !== "") url.searchParams.append(name, value);
        }
      }
      const [from, to] = this.kept();
      if (this.section.dataset.window && (from !== null || to !== null)) {
        if (from !== null) url.searchParams.set("from", from);
        if (to !== null) url.searchParams.set("to", to);
      }
      return url;
    }

    kept() {
      const text = new URLSearchParams(location.search).get(this.key);
      if (!text) return [null, null];
      return text.split("~").map((part) => (part === "" || !isFinite(part) ? null : Number(part)));
    }

    typed() {
      return ["from", "to"].map((name) => {
        const text = this.section.querySelector(`.range [name=${name}]`).value.trim().replace(",", ".");
        return text === "" || !isFinite(text) ? null : Number(text);
      });
    }

    async load() {
      // An answer that comes after a later question is not drawn.
      const turn = (this.turn = (this.turn ?? 0) + 1);
      const address = this.address();
      const csv = this.section.querySelector(".csv");
      const bare = new URL(address);
      bare.searchParams.set("as", "csv");
      if (csv) csv.href = bare;
      this.state.hidden = false;
      this.state.textContent = words.loading;
      try {
        const answer = await fetch(address, { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(String(answer.status));
        const figure = await answer.json();
        if (turn !== this.turn) return;
        this.figure = figure;
      } catch (error) {
        if (turn !== this.turn) return;
        this.state.textContent = fill(words.failed, { error: error.message });
        return;
      }
      this.state.hidden = true;
      await this.draw();
    }

    async draw() {
      const { data, layout, notes, title } = this.figure;
      const isEmpty = data.length === 0;
      this.section.classList.toggle("empty", isEmpty);
      this.section.querySelector(".notes").replaceChildren(...notes.map((note) => make("li", { textContent: note })));
      this.plot.setAttribute("aria-label", [title, ...notes].join(" "));
      if (isEmpty) {
        Plotly.purge(this.plot);
        return;
      }
      this.restore(layout);
      if (this.plot.clientWidth < narrow) this.squeeze(data, layout);
      const config = { displayModeBar: false, responsive: true, locale: language, doubleClick: "reset" };
      await Plotly.react(this.plot, data, layout, config);
      if (!this.listens) this.listen();
      this.listens = true;
      if (this.section.querySelector(".behind").open) this.tabulate();
      this.section.dataset.drawn = "yes";
    }

    /* On a phone a colour bar beside the chart would leave no room for the chart. */
    squeeze(data, layout) {
      const above = { orientation: "h", x: 0.5, xanchor: "center", y: 1.02, yanchor: "bottom", thickness: 10, len: 1 };
      if (layout.coloraxis) Object.assign(layout.coloraxis.colorbar, above);
      for (const trace of data.filter((one) => one.colorbar)) {
        Object.assign(trace.colorbar, above);
        // Numbers wider than their dies hide them; hover and table have them.
        trace.texttemplate = "";
      }
      if (layout.xaxis) layout.xaxis.nticks = 5;
      // A map is as wide as it is high: more height would stay empty.
      if (layout.xaxis?.scaleanchor) layout.height = Math.min(layout.height, this.plot.clientWidth + 100);
    }

    restore(layout) {
      const [from, to] = this.kept();
      // Who is typing bounds is not interrupted.
      if (!this.section.querySelector(".range").contains(document.activeElement)) this.show(from, to);
      if (!this.section.dataset.window && (from !== null || to !== null)) {
        layout.xaxis.range = [from, to];
        layout.xaxis.autorange = from === null ? "min" : to === null ? "max" : false;
      }
    }

    listen() {
      this.plot.on("plotly_click", (event) => {
        const point = event.points[0];
        const cell = this.figure.link_column === null ? null : point.customdata ?? point.data.name;
        if (cell) location.href = this.section.dataset.cell.replace("~", encodeURIComponent(cell));
      });
      this.plot.on("plotly_relayout", (change) => {
        if (change["xaxis.autorange"]) this.keep(null, null);
        else if ("xaxis.range[0]" in change) this.keep(change["xaxis.range[0]"], change["xaxis.range[1]"]);
        else return;
        if (this.section.dataset.window) this.load();
      });
    }

    /* Bounds are kept as typed; a window of records is asked for by the second. */
    keep(from, to) {
      const scale = this.section.dataset.window ? this.figure.layout.meta.seconds : 1;
      const digits = (value) => (value === null ? null : Number((value * scale).toPrecision(7)));
      const [low, high] = [digits(from), digits(to)];
      const parameters = new URLSearchParams(location.search);
      if (low === null && high === null) parameters.delete(this.key);
      else parameters.set(this.key, `${low ?? ""}~${high ?? ""}`);
      remember(parameters);
      this.show(low, high);
    }

    show(from, to) {
      const scale = this.section.dataset.window ? this.figure.layout.meta?.seconds ?? 1 : 1;
      const fields = this.section.querySelectorAll(".range input");
      [from, to].forEach((value, place) => {
        if (fields[place]) fields[place].value = value === null ? "" : Number((value / scale).toPrecision(6));
      });
    }

    zoom(from, to) {
      this.keep(from, to);
      this.load();
    }

    tabulate() {
      if (!this.figure) return;
      const { columns, rows, total } = this.figure.table;
      const { title, link_column: linked } = this.figure;
      const place = this.section.querySelector(".table");
      if (rows.length === 0) {
        place.replaceChildren(make("p", { textContent: words.nothing }));
        return;
      }
      const shown = rows.slice(0, shownRows);
      const numeric = columns.map((_, column) => shown.some((row) => typeof row[column] === "number"));
      const style = (column) => ({ className: numeric[column] ? "figure" : "" });
      const head = make("tr", {}, ...columns.map((text, column) => make("th", { scope: "col", textContent: text, ...style(column) })));
      const body = shown.map((row) => make("tr", {}, ...row.map((value, column) => make("td", style(column), this.cell(value, column === linked)))));
      const caption = fill(words.caption, { title, shown: shown.length, total });
      place.replaceChildren(make("table", {}, make("caption", { textContent: caption }), make("thead", {}, head), make("tbody", {}, ...body)));
    }

    cell(value, linked) {
      if (value === null) return "–";
      if (linked) return make("a", { href: this.section.dataset.cell.replace("~", encodeURIComponent(value)), textContent: value });
      return typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 6 }) : String(value);
    }

    async save() {
      const options = { format: "svg", width: this.plot.clientWidth, height: this.plot.clientHeight };
      const picture = await Plotly.toImage(this.plot, options);
      make("a", { href: picture, download: `${this.section.id}.svg` }).click();
    }
  }

  function remember(parameters) {
    const text = parameters.toString();
    history.replaceState(null, "", location.pathname + (text ? `?${text}` : "") + location.hash);
  }

  const charts = [...document.querySelectorAll(".chart")].map((section) => new Chart(section));

  // Charts far down the page wait until somebody looks at them.
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      charts.find((chart) => chart.section === entry.target).load();
    }
  }, { rootMargin: "300px" });
  charts.forEach((chart) => watcher.observe(chart.section));

  function follow(form) {
    const parameters = new URLSearchParams(location.search);
    const chosen = new FormData(form);
    for (const name of new Set([...form.elements].map((element) => element.name).filter(Boolean))) {
      parameters.delete(name);
      for (const value of chosen.getAll(name)) if (value !== "") parameters.append(name, value);
    }
    for (const chart of charts.filter((each) => each.section.dataset.window)) parameters.delete(chart.key);
    remember(parameters);
    for (const chart of charts) {
      const follows = (chart.section.dataset.follows || "").split(" ");
      if ([...form.elements].some((element) => follows.includes(element.name))) chart.load();
    }
  }

  for (const form of document.querySelectorAll("form[data-follow]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      follow(form);
    });
    form.addEventListener("change", () => follow(form));
  }
})();
