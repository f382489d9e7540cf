// Work without a line: copies are marked, notes wait in this browser and are sent once, nothing typed is lost.
"use strict";

(() => {
  const line = document.getElementById("line"), said = JSON.parse(line.dataset.words);
  const me = document.documentElement.dataset.asker;
  const made = (tag, text = "", className = "") => Object.assign(document.createElement(tag), { textContent: text, className });
  const fill = (text, ...values) => values.reduce((filled, value) => filled.replace("{}", () => value), text);
  const show = (...pieces) => { line.replaceChildren(...pieces); line.hidden = !pieces.length; };

  // --- copies ---
  if ("serviceWorker" in navigator) {
    navigator.serviceWorker.register(line.dataset.worker).catch(() => { /* no copies then */ });
    navigator.serviceWorker.ready.then((ready) => {
      const wanted = [...document.querySelectorAll("[data-keep]")].map((one) => [one.dataset.keep, one.dataset.stamp]);
      if (document.body.dataset.copy) return;
      // this page was asked for before there was a worker to keep it
      if (!navigator.serviceWorker.controller) wanted.push([location.pathname + location.search, ""]);
      if (wanted.length) ready.active.postMessage({ keep: wanted });
    });
  }
  const copied = document.body.dataset.copy;
  if (copied) {
    const mark = made("div", fill(said.copy, new Date(copied).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" })), "notice wait copy");
    mark.setAttribute("role", "status");
    line.before(mark);
  }

  // A step that cannot be sent is not tried: what the form holds would be gone with the page.
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("method") !== "post" || event.target.dataset.note || (navigator.onLine && !copied)) return;
    event.preventDefault();
    event.stopPropagation();
    show(made("strong", said.offline));
    line.scrollIntoView({ block: "nearest" });
  }, true);

  // --- notes ---
  const opened = new Promise((resolve, reject) => {
    const request = indexedDB.open("wenqu", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("notes", { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  opened.catch(() => { /* a browser that keeps nothing: notes are sent as forms */ });
  const ask = async (mode, act) => {
    const store = (await opened).transaction("notes", mode).objectStore("notes"), request = act(store);
    return new Promise((resolve, reject) => {
      store.transaction.oncomplete = () => resolve(request.result);
      store.transaction.onabort = () => reject(store.transaction.error);
    });
  };
  const put = (note) => ask("readwrite", (store) => store.put(note));
  const drop = (note) => ask("readwrite", (store) => store.delete(note.key));
  const mine = async () => (await ask("readonly", (store) => store.getAll()))
    .filter((note) => note.person === me).sort((one, other) => one.written_at.localeCompare(other.written_at));
  const key = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  const form = document.querySelector("form[data-note]");
  const button = (text, act) => {
    const one = made("button", text);
    one.type = "button";
    one.addEventListener("click", act);
    return one;
  };
  const again = async (note, changes) => { await put({ ...note, ...changes, state: "waiting" }); await send(); };

  function waiting(note) {
    const item = made("li", "", "unsent");
    item.append(made("span", note.state === "waiting" ? said.waiting : said.refused, `badge ${note.state === "waiting" ? "wait" : "bad"}`), made("p", note.text, "pre"));
    if (note.state === "waiting") return item;
    const actions = made("div", "", "actions"), look = made("a", said.look, "button");
    look.href = location.pathname;
    if (note.state === "conflict") {
      item.append(made("p", fill(said.seen, note.version, note.latest), "problem"));
      actions.append(look, button(said.anyway, () => again(note, { version: note.latest })));
    } else item.append(made("p", note.problem, "problem"));
    actions.append(
      button(said.edit, async () => { form.elements.text.value = note.text; form.elements.text.focus(); await drop(note); await render(); }),
      button(said.drop, async () => { await drop(note); await render(); }),
    );
    item.append(actions);
    return item;
  }

  async function render() {
    const notes = await mine(), here = form ? form.dataset.number : "";
    if (form) document.querySelector("[data-unsent]").replaceChildren(...notes.filter((note) => note.number === here).map(waiting));
    const elsewhere = [...new Set(notes.map((note) => note.number))].filter((number) => number !== here);
    if (!elsewhere.length) return show();
    show(made("span", fill(said.unsent, notes.filter((note) => note.number !== here).length)), ...elsewhere.map((number) => {
      const link = made("a", number, "number");
      link.href = `${line.dataset.incident.replace("INC", () => number)}#notes`;
      return link;
    }));
  }

  // Each waiting note, oldest first. The key makes a second sending harmless, so an answer that was lost is asked for again.
  let sending = null;
  const send = () => (sending ||= deliver().finally(() => { sending = null; }));
  async function deliver() {
    const notes = (await mine()).filter((note) => note.state === "waiting");
    const who = notes.length && await fetch(line.dataset.session, { cache: "no-store" }).then((answer) => answer.json()).catch(() => null);
    if (who && who.person === me) {
      for (const note of notes) {
        const body = JSON.stringify({ text: note.text, key: note.key, version: note.version, written_at: note.written_at });
        const answer = await fetch(note.url, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": who.csrf }, body }).catch(() => null);
        if (!answer || answer.status >= 500 || [401, 429].includes(answer.status)) break; // later
        if (answer.ok) {
          await drop(note);
          const list = document.querySelector(`[data-notes="${note.number}"]`);
          if (list) { const item = made("li"); item.append(made("p", note.text, "pre"), made("span", said.sent, "meta")); list.append(item); }
          continue;
        }
        const problem = await answer.json().catch(() => ({}));
        await put({ ...note, state: problem.code === "stale_version" ? "conflict" : "refused", problem: problem.detail || String(answer.status), latest: problem.latest });
      }
    }
    await render();
  }

  if (form) form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = form.elements.text.value.trim();
    if (!text) return;
    const note = {
      key: key(), person: me, number: form.dataset.number, url: form.dataset.note, text,
      version: Number(form.elements.version.value), written_at: new Date().toISOString(), state: "waiting",
    };
    put(note).then(async () => { form.elements.text.value = ""; await render(); await send(); }, () => form.submit());
  });
  window.addEventListener("online", send);
  window.addEventListener("pageshow", () => send().catch(() => { /* nothing is kept here */ }));
})();
