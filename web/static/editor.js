// Writing, made easier: a preview and the pre-check beside the text, files by pasting or dropping, saving by itself, and a
// copy in this browser until it is saved. Without it the form has buttons for all of that.
"use strict";

document.querySelectorAll("form[data-editor]").forEach((form) => {
  const LOOK_MS = 700, COPY_MS = 1000, SAVE_MS = 20000;
  const say = JSON.parse(form.dataset.editor), number = form.dataset.number, body = form.elements.body;
  const find = (name) => form.querySelector(`[data-${name}]`);
  const status = find("status"), checks = find("checks"), seen = find("preview");
  const MINE = ["csrf_token", "version", "then"]; // the form's own business, and not what was typed
  const typed = () => Object.fromEntries([...new FormData(form)].filter(([name]) => !MINE.includes(name)));
  const now = () => JSON.stringify(typed());
  const plain = (text) => text.replace(/\s+/g, " ").trim();
  let saved = form.dataset.typed === undefined ? now() : "", composition = false, afterwards = [];

  const notice = (tone, text, ...buttons) => {
    const made = document.createElement("div");
    made.className = `notice ${tone}`;
    made.setAttribute("role", "alert");
    made.append(text, ...buttons.map(([title, act]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = title;
      button.addEventListener("click", () => act(made));
      return button;
    }));
    form.prepend(made);
  };

  // In the middle of a composition nothing is read, written or put into the text.
  form.addEventListener("compositionstart", () => { composition = true; });
  form.addEventListener("compositionend", () => { composition = false; afterwards.splice(0).forEach((act) => act()); });
  const whenFree = (act) => { if (composition) afterwards.push(act); else act(); };
  let confirmed = 0;
  form.addEventListener("compositionend", () => { confirmed = Date.now(); });
  form.addEventListener("keydown", (event) => { // Enter that chooses a candidate hands nothing in
    if (event.key === "Enter" && event.target.matches("input") && (composing(event) || Date.now() - confirmed < 50)) event.preventDefault();
  });

  // --- a copy in this browser ---
  const drafts = `draft:${document.documentElement.dataset.asker}:`;
  const key = `${drafts}${number || `new:${form.elements.kind.value}:${form.elements.incident ? form.elements.incident.value : ""}`}`;
  const version = () => (form.elements.version ? form.elements.version.value : "");
  const copy = {
    read() { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
    keep(more) { try { localStorage.setItem(key, JSON.stringify({ values: typed(), version: version(), at: Date.now(), ...more })); } catch { /* off or full */ } },
    drop() { try { localStorage.removeItem(key); } catch { /* off */ } },
  };
  try { // what was handed in as a new entry is a draft now
    if (number) Object.keys(localStorage).filter((name) => name.startsWith(`${drafts}new:`) && localStorage.getItem(name).includes('"sent":true')).forEach((name) => localStorage.removeItem(name));
  } catch { /* off */ }
  const kept = copy.read();
  if (kept && kept.values) {
    const differs = Object.entries(kept.values).some(([name, value]) => form.elements[name] && plain(form.elements[name].value) !== plain(value));
    if (!differs) copy.drop();
    else notice("wait", say.kept.replace("{}", () => new Date(kept.at).toLocaleString()),
      [say.restore, (made) => {
        Object.entries(kept.values).forEach(([name, value]) => { if (form.elements[name]) form.elements[name].value = value; });
        if (number && kept.version) form.elements.version.value = kept.version; // another one since: the two are compared
        made.remove();
        changed();
      }],
      [say.drop, (made) => { copy.drop(); made.remove(); }]);
  }

  // --- saving by itself ---
  let saving = null, timer = 0, stopped = false;
  const later = () => { if (number && !stopped && !timer) timer = setTimeout(() => { timer = 0; whenFree(save); }, SAVE_MS); };
  const send = async (url, data) => {
    try { return await fetch(url, { method: "POST", body: data, headers: { Accept: "application/json" } }); } catch { return null; }
  };
  const refused = async (answer) => {
    if (!answer) return say.offline;
    if ([400, 401, 403].includes(answer.status)) return say.expired;
    const problem = await answer.json().catch(() => ({}));
    const fields = Object.values(problem.fields || {}).map((text) => text.split(" · ")[document.documentElement.lang === "en" ? 1 : 0] || text);
    return { code: problem.code, text: fields.join("；") || problem.detail || say.offline };
  };
  const save = () => {
    if (saving || stopped || now() === saved) return;
    const sent = now(), data = new FormData(form);
    saving = (async () => {
      const answer = await send(form.action, data);
      if (answer && answer.ok) {
        const told = await answer.json();
        form.elements.version.value = told.version;
        saved = sent;
        if (now() === sent) { copy.drop(); status.textContent = told.said; } else { copy.keep(); later(); }
        return;
      }
      const why = await refused(answer);
      if (why.code === "stale_version") {
        stopped = true;
        status.textContent = "";
        notice("bad", say.stale, [say.compare, () => form.requestSubmit(form.querySelector(".actions .primary"))]);
      } else {
        status.textContent = typeof why === "string" ? why : say.unsaved + why.text;
        if (!answer) later(); // again when the line is back
      }
    })().finally(() => { saving = null; });
  };
  form.addEventListener("submit", (event) => {
    if (saving) { // one after the other, or the form would be compared with itself
      const by = event.submitter;
      event.preventDefault();
      saving.finally(() => setTimeout(() => { delete form.dataset.sent; form.requestSubmit(by); }));
      return;
    }
    clearTimeout(timer);
    copy.keep({ sent: true });
  });

  // --- preview and pre-check ---
  let asked = 0, quiet = 0, copying = 0;
  const look = async () => {
    const mine = ++asked, data = new FormData(form);
    data.set("number", number);
    const answer = await send(form.dataset.look, data);
    if (mine !== asked || !answer || !answer.ok) return;
    const told = await answer.json();
    seen.innerHTML = told.preview; // cleaned by the server, as every page
    checks.innerHTML = told.checks;
    seen.closest("section").hidden = false;
  };
  function changed() {
    find("template").hidden = body.value.trim() !== "";
    if (now() !== saved && !status.textContent) status.textContent = say.changed;
    clearTimeout(quiet);
    quiet = setTimeout(() => whenFree(look), LOOK_MS);
    clearTimeout(copying);
    copying = setTimeout(() => { if (now() !== saved) copy.keep(); }, COPY_MS);
    later();
  }
  form.addEventListener("input", () => { status.textContent = ""; changed(); });
  find("preview-now").addEventListener("click", (event) => {
    event.preventDefault();
    look().then(() => seen.closest("section").scrollIntoView({ block: "nearest" }));
  });
  look();

  // --- files ---
  const insert = (text) => whenFree(() => {
    const before = body.value.slice(0, body.selectionStart);
    body.setRangeText(`${before && !before.endsWith("\n") ? "\n" : ""}${text}\n`, body.selectionStart, body.selectionEnd, "end");
    body.dispatchEvent(new Event("input", { bubbles: true }));
  });
  const listed = (told) => {
    const list = document.querySelector("[data-files]");
    if (!list || [...list.querySelectorAll("a")].some((link) => link.textContent === told.name)) return;
    const row = document.createElement("li"), link = document.createElement("a");
    link.href = told.place;
    link.textContent = told.name;
    row.append(link);
    list.append(row);
  };
  const upload = async (files) => {
    if (!form.dataset.attach) { status.textContent = say.first; return; }
    for (const file of files) { // one after the other: each is a change of the same draft
      status.textContent = `${say.sending} ${file.name}`;
      const data = new FormData();
      data.set("csrf_token", form.elements.csrf_token.value);
      data.set("attachment", file, file.name);
      const answer = await send(form.dataset.attach, data);
      if (answer && answer.ok) {
        const told = await answer.json();
        insert(told.markdown);
        listed(told);
        status.textContent = told.said;
      } else {
        const why = await refused(answer);
        status.textContent = why.text || why;
        return;
      }
    }
  };
  body.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length || event.clipboardData.getData("text/plain")) return; // a table from a sheet comes as text and as a picture
    event.preventDefault();
    upload(files);
  });
  const carries = (event) => [...event.dataTransfer.types].includes("Files");
  body.addEventListener("dragover", (event) => { if (carries(event)) { event.preventDefault(); body.classList.add("dropping"); } });
  body.addEventListener("dragleave", () => body.classList.remove("dropping"));
  body.addEventListener("drop", (event) => {
    body.classList.remove("dropping");
    if (!carries(event)) return;
    event.preventDefault();
    upload([...event.dataTransfer.files]);
  });
});
