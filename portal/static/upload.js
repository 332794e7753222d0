/* Uploads: files are hashed, announced, and sent in pieces, one after the other; what broke off goes on where it stopped. */
"use strict";
(() => {
  const words = JSON.parse(document.getElementById("words").textContent);
  const cells = JSON.parse(document.getElementById("all").textContent);
  const zone = document.getElementById("zone");
  const input = document.getElementById("files");
  const list = document.getElementById("uploads");
  const firm = document.getElementById("firm");
  const cell = document.getElementById("cell");
  const said = document.getElementById("said");
  const address = "/api/v1/uploads";
  const pieceBytes = 4 * 1024 * 1024;
  const waits = [1, 2, 5, 10, 30];
  const hasher = new Worker(new URL("hashing.js", document.querySelector("script[src*='upload.js']").src));
  const hashing = new Map();
  const queue = [];
  let count = 0;
  let busy = false;

  const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

  function sizeOf(bytes) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0;
    while (bytes >= 1000 && unit < 4) [bytes, unit] = [bytes / 1000, unit + 1];
    return `${unit ? bytes.toPrecision(3) : bytes} ${units[unit]}`;
  }

  function make(tag, options = {}, ...children) {
    const element = Object.assign(document.createElement(tag), options);
    element.append(...children);
    return element;
  }

  class Job {
    constructor(file, members = null) {
      Object.assign(this, { file, members, id: ++count, firm: firm.value, cell: cell.value.trim(), offset: 0, stopped: false, upload: null });
      this.bar = make("progress", { max: 100, value: 0, ariaLabel: file.name });
      this.told = make("span", { className: "told", textContent: words.waiting });
      this.pause = this.button(words.pause, () => this.toggle());
      this.cancel = this.button(words.cancel, () => this.drop());
      const buttons = make("span", { className: "buttons" }, this.pause, this.cancel);
      const owner = this.firm ? ` → ${this.firm}${this.cell ? ` / ${this.cell}` : ""}` : "";
      this.row = make("li", {}, make("span", { className: "name", textContent: file.name + owner }), this.bar, this.told, buttons);
      list.prepend(this.row);
      document.getElementById("none").hidden = true;
    }

    button(text, act) {
      const made = make("button", { type: "button", className: "plain", textContent: text, onclick: act });
      made.setAttribute("aria-label", fill(words.of, { action: text, name: this.file.name }));
      return made;
    }

    say(text, kind = "") {
      this.told.textContent = text;
      this.told.className = `told ${kind}`;
      if (kind) said.textContent = `${this.file.name}: ${text}`;
    }

    name(text) {
      this.pause.textContent = text;
      this.pause.setAttribute("aria-label", fill(words.of, { action: text, name: this.file.name }));
    }

    get percent() { return this.file.size ? Math.floor((100 * this.offset) / this.file.size) : 100; }

    show() {
      this.bar.value = this.percent;
      this.say(fill(words.sending, { percent: this.percent, size: sizeOf(this.file.size) }));
    }

    toggle() {
      this.stopped = !this.stopped;
      this.name(this.stopped ? words.resume : words.pause);
      if (this.stopped) return this.say(fill(words.paused, { percent: this.percent }));
      this.say(words.waiting);
      if (!queue.includes(this)) queue.push(this);
      work();
    }

    async drop() {
      this.stopped = this.dropped = true;
      if (this.upload) await fetch(`${address}/${this.upload}`, { method: "DELETE" }).catch(() => {});
      this.forget();
      this.end(words.cancelled, "bad");
    }

    end(text, kind) {
      this.say(text, kind);
      this.ended = true;
      if (this.row.contains(document.activeElement)) document.querySelector("label[for=files]").scrollIntoView({ block: "nearest" });
      this.pause.remove();
      this.cancel.remove();
    }

    get shelf() { return `cellar-upload ${this.sha256} ${this.file.name} ${this.firm} ${this.cell}`; }
    forget() { if (this.sha256) localStorage.removeItem(this.shelf); }

    count(file, sentence, crc = false) {
      return new Promise((done, fail) => {
        hashing.set(this.id, { done, fail, tell: (percent) => this.say(fill(sentence, { percent })) });
        hasher.postMessage({ id: this.id, file, crc });
      });
    }

    hash() { return this.count(this.file, words.hashing); }

    /* A folder travels as one file: so it arrives whole, and nothing takes half of it in. */
    async pack() {
      if (isTooLarge(this.members)) throw Object.assign(new Error(words.too_large), { final: true });
      const checked = [];
      for (const [path, file] of this.members) {
        if (this.dropped) return;
        const number = checked.length + 1;
        const sentence = fill(words.packing, { number, count: this.members.length, percent: "{percent}" });
        checked.push([path, file, await this.count(file, sentence, true)]);
      }
      this.file = packFiles(this.file.name, checked);
      this.members = null;
    }

    async begin() {
      if (this.members) await this.pack();
      if (this.dropped) throw new Error(words.cancelled);
      this.sha256 ??= await this.hash();
      if (this.dropped) throw new Error(words.cancelled);
      const known = this.upload ?? localStorage.getItem(this.shelf);
      const found = known && (await fetch(`${address}/${known}`));
      if (found?.ok) {
        const state = await found.json();
        // A file that arrived long ago and is chosen again is sent again: the ledger knows it as the same.
        if (state.state === "receiving") {
          [this.upload, this.offset] = [known, state.offset];
          if (this.offset) this.say(fill(words.going_on, { percent: this.percent }));
          return state;
        }
        if (this.upload) return state;
      }
      const wish = { name: this.file.name, size: this.file.size, sha256: this.sha256, firm: this.firm || null, cell: (this.firm && this.cell) || null };
      const answer = await this.ask(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(wish) });
      const begun = await answer.json();
      [this.upload, this.offset] = [begun.upload_id, begun.offset];
      localStorage.setItem(this.shelf, this.upload);
      return begun;
    }

    async ask(where, options) {
      const answer = await fetch(where, options);
      if (answer.ok || answer.status === 409) return answer;
      const problem = await answer.json().catch(() => ({}));
      const error = new Error(problem.detail ?? `${answer.status}`);
      // What the server refuses for good is not tried again; what it cannot do at the moment is.
      error.final = answer.status < 500 && answer.status !== 429;
      throw error;
    }

    async send() {
      let state = await this.begin();
      while (state.state !== "received") {
        if (this.stopped) return;
        this.show();
        const piece = this.file.slice(this.offset, this.offset + pieceBytes);
        const headers = { "Content-Type": "application/octet-stream", "Upload-Offset": `${this.offset}` };
        const answer = await this.ask(`${address}/${this.upload}`, { method: "PATCH", headers, body: piece });
        if (answer.status === 409) await pause(waits[0]);
        state = await answer.json();
        this.offset = state.offset ?? this.offset;
        this.tries = 0;
      }
      this.bar.value = 100;
      this.forget();
      this.end(fill(words.received, { path: state.path ?? this.file.name }), "good");
    }

    async run() {
      try {
        await this.send();
      } catch (error) {
        if (this.dropped) return;
        if (error.final) return this.fail(error);
        const seconds = waits[Math.min(this.tries ?? 0, waits.length - 1)];
        this.tries = (this.tries ?? 0) + 1;
        this.say(fill(words.retrying, { seconds }));
        await pause(seconds);
        if (!this.stopped) queue.unshift(this);
      }
    }

    fail(error) {
      this.forget();
      this.upload = null;
      this.stopped = true;
      this.name(words.again);
      this.say(fill(words.failed, { error: error.message }), "bad");
    }
  }

  hasher.onmessage = ({ data }) => {
    const waiting = hashing.get(data.id);
    if (data.percent !== undefined) return waiting.tell(data.percent);
    hashing.delete(data.id);
    if (data.error) waiting.fail(Object.assign(new Error(data.error), { final: true }));
    else waiting.done(data.result);
  };

  async function work() {
    if (busy) return;
    busy = true;
    while (queue.length) {
      const job = queue.shift();
      if (!job.stopped && !job.ended) await job.run();
    }
    busy = false;
  }

  function take(files) {
    for (const file of files) queue.push(new Job(file));
    work();
  }

  function takeFolder(name, members) {
    if (members.length) queue.push(new Job({ name: `${name}.zip`, size: 0 }, members));
    else refuse(fill(words.empty_folder, { name }));
    work();
  }

  function refuse(text) {
    list.prepend(make("li", {}, make("span", { className: "told bad", textContent: text })));
    document.getElementById("none").hidden = true;
  }

  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const items = [...event.dataTransfer.items];
    const folders = items.map((item) => item.webkitGetAsEntry?.()).filter((one) => one?.isDirectory);
    const names = new Set(folders.map((one) => one.name));
    take([...event.dataTransfer.files].filter((file) => !names.has(file.name)));
    for (const folder of folders) {
      listFolder(folder).then((members) => takeFolder(folder.name, members), (error) => refuse(fill(words.failed, { error: `${folder.name}: ${error.message}` })));
    }
  });
  // A file that misses the box must not be opened in place of the page.
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  const folder = document.getElementById("folder");
  folder.addEventListener("change", () => {
    const members = [...folder.files].map((file) => [file.webkitRelativePath, file]);
    if (members.length) takeFolder(members[0][0].split("/")[0], members);
    folder.value = "";
  });
  firm.addEventListener("change", () => {
    cell.disabled = !firm.value;
    cell.value = "";
    const mine = cells.filter(([code]) => code === firm.value).map(([, name]) => make("option", { value: name }));
    document.getElementById("all-cells").replaceChildren(...mine);
  });
  addEventListener("beforeunload", (event) => {
    if (busy) event.preventDefault();
  });
})();
