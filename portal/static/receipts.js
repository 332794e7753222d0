/* Receipts as they come: told by server-sent events, asked for every few seconds where these do not get through. */
"use strict";
(() => {
  const live = document.getElementById("live");
  const line = document.getElementById("line");
  if (!live.dataset.live) return;
  const pollSeconds = 5;
  let polling = null;
  let shown = live.innerHTML;

  function put(text) {
    const active = document.activeElement;
    const held = live.contains(active) ? (active.getAttribute("href") ? `a[href="${CSS.escape(active.getAttribute("href"))}"]` : ".scroll") : "";
    const left = live.querySelector(".scroll")?.scrollLeft ?? 0;
    live.innerHTML = shown = text;
    const table = live.querySelector(".scroll");
    if (table) table.scrollLeft = left;
    if (held) live.querySelector(held)?.focus({ preventScroll: true });
  }

  async function refresh() {
    // What somebody has opened to read is not taken away from under them.
    if (document.hidden || live.querySelector("details[open]")) return;
    const answer = await fetch(live.dataset.part, { headers: { Accept: "text/html" } }).catch(() => null);
    if (answer === null) return;
    if (answer.redirected) return location.reload();
    const text = answer.ok ? await answer.text() : shown;
    if (text !== shown) put(text);
  }

  function poll() {
    line.textContent = line.dataset.slow;
    polling ??= setInterval(() => refresh().catch(() => {}), pollSeconds * 1000);
  }

  function listen() {
    const source = new EventSource(live.dataset.events);
    source.addEventListener("change", () => {
      line.textContent = line.dataset.live;
      clearInterval(polling);
      polling = null;
      refresh();
    });
    source.addEventListener("error", () => {
      // The server ends every stream after some minutes; the browser comes back by itself unless it was refused.
      poll();
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, pollSeconds * 1000);
    });
    addEventListener("pagehide", () => source.close());
  }

  live.addEventListener("toggle", () => refresh().catch(() => {}), true);
  document.addEventListener("visibilitychange", () => refresh().catch(() => {}));
  document.querySelector("form.inline").addEventListener("change", (event) => event.target.form.requestSubmit());
  listen();
})();
