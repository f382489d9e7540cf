// Writing, made easier: a preview and the pre-check beside the text, files by pasting or dropping, saving by itself, and a
// copy in this browser until it is saved. A new entry is kept in the browser alone until somebody saves it, or gives it its
// first file. Without it the form has buttons for all of that.
"use strict";

document.querySelectorAll("form[data-editor]").forEach((form) => {
  const LOOK_MS = 700, COPY_MS = 1000, SAVE_MS = 20000;
  const say = JSON.parse(form.dataset.editor), body = form.elements.body;
  const find = (name) => form.querySelector(`[data-${name}]`);
  const status = find("status"), checks = find("checks"), seen = find("preview");
  const MINE = ["csrf_token", "version", "then"]; // the form's own business, and not what was typed
  const typed = () => Object.fromEntries([...new FormData(form)].filter(([name]) => !MINE.includes(name)));
  const now = () => JSON.stringify(typed());
  const plain = (text) => text.replace(/\s+/g, " ").trim();
  let number = form.dataset.number, saved = form.dataset.typed === undefined ? now() : "", composition = false, afterwards = [];

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
  const anew = `${drafts}new:${form.elements.kind.value}:${form.elements.incident ? form.elements.incident.value : ""}:`;
  const place = (key) => (number ? drafts + number : anew + key);
  const own = () => place(number ? "" : form.elements.form_key.value);
  const version = () => (form.elements.version ? form.elements.version.value : "");
  const copy = {
    read(name) { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } },
    keep() { try { localStorage.setItem(own(), JSON.stringify({ values: typed(), version: version(), at: Date.now() })); return true; } catch { return false; } }, // off or full
    drop(name = own()) { try { localStorage.removeItem(name); } catch { /* off */ } },
    others() { try { return Object.keys(localStorage).filter((name) => name.startsWith(drafts)); } catch { return []; } },
  };
  if (form.dataset.begun) { // what was kept of it as a new entry is a draft now
    copy.others().filter((name) => name.startsWith(`${drafts}new:`) && name.endsWith(`:${form.dataset.begun}`)).forEach((name) => copy.drop(name));
  }
  // of a new entry each form has a copy of its own, and the newest is offered
  const newest = () => copy.others().filter((name) => name.startsWith(anew)).map(copy.read).filter((one) => one && one.values).sort((one, other) => other.at - one.at)[0];
  const kept = copy.read(own()) || (number ? null : newest());
  if (kept && kept.values) {
    const differs = Object.entries(kept.values).some(([name, value]) => form.elements[name] && plain(form.elements[name].value) !== plain(value));
    if (!differs) { if (form.dataset.typed === undefined) copy.drop(); } // what was refused is nowhere else
    else notice("wait", say.kept.replace("{}", () => new Date(kept.at).toLocaleString()),
      [say.restore, (made) => {
        Object.entries(kept.values).forEach(([name, value]) => { if (form.elements[name]) form.elements[name].value = value; });
        if (number && kept.version) form.elements.version.value = kept.version; // another one since: the two are compared
        made.remove();
        changed();
      }],
      [say.drop, (made) => { copy.drop(place(kept.values.form_key)); made.remove(); }]);
  }

  // --- saving by itself ---
  let saving = null, timer = 0, stopped = false, waiting = [], queue = Promise.resolve();
  const later = () => { if (number && !stopped && !timer) timer = setTimeout(() => { timer = 0; whenFree(save); }, SAVE_MS); };
  const send = async (url, data) => {
    try { return await fetch(url, { method: "POST", body: data, headers: { Accept: "application/json" } }); } catch { return null; }
  };
  const refused = async (answer) => {
    if (!answer) return say.offline;
    if ([400, 401, 403].includes(answer.status)) return say.expired;
    const problem = await answer.json().catch(() => ({}));
    const title = (name) => form.querySelector(`[name="${name}"]`)?.closest(".field")?.querySelector(".name").firstChild.textContent;
    const fields = Object.entries(problem.fields || {}).map(([name, text]) =>
      (title(name) ? `${title(name)}: ` : "") + (text.split(" · ")[document.documentElement.lang === "en" ? 1 : 0] || text));
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
      await hindered(answer, say.unsaved);
      if (!answer) later(); // again when the line is back
    })().finally(() => { saving = null; });
  };
  const hindered = async (answer, before) => {
    const why = await refused(answer);
    if (why.code === "stale_version") {
      stopped = true;
      status.textContent = "";
      notice("bad", say.stale, [say.compare, () => form.requestSubmit(form.querySelector(".actions .primary"))]);
    } else status.textContent = before + (why.text || why);
  };
  // A new entry becomes a draft, which this form goes on with. Sent again, its key finds the same draft.
  const begin = async () => {
    const sent = now(), answer = await send(form.action, new FormData(form));
    if (!answer || !answer.ok) return hindered(answer, say.unbegun);
    const told = await answer.json();
    copy.drop();
    number = told.number;
    saved = sent;
    form.action = told.place;
    form.dataset.attach = told.attach;
    form.elements.version.value = told.version;
    history.replaceState(null, "", told.place);
    if (now() !== saved) copy.keep();
  };
  form.addEventListener("submit", (event) => {
    if (saving) { // one after the other, or the form would be compared with itself
      const by = event.submitter;
      event.preventDefault();
      saving.finally(() => setTimeout(() => { delete form.dataset.sent; form.requestSubmit(by); }));
      return;
    }
    if (waiting.length && !number && !stopped) { // files that the draft did not exist for
      event.preventDefault();
      delete form.dataset.sent;
      upload([]);
      return;
    }
    clearTimeout(timer);
    copy.keep();
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
    copying = setTimeout(() => { if (now() !== saved && copy.keep() && !number && status.textContent === say.changed) status.textContent = say.local; }, COPY_MS);
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
  const attach = async (files) => {
    if (!number) {
      waiting.push(...files);
      saving = begin().finally(() => { saving = null; });
      await saving;
      if (!number) { status.scrollIntoView({ block: "nearest" }); return; }
      files = waiting.splice(0);
    }
    for (const file of files) {
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
    if (!document.querySelector("[data-files]")) whenFree(goOn);
  };
  const goOn = async () => { // where the list of files is, with the caret where it was
    await saving;
    save();
    await saving;
    if (now() === saved) location.replace(`${form.action}?at=${body.selectionStart}`);
  };
  // one after the other: each is a change of the same draft
  const upload = (files) => { queue = queue.catch(() => {}).then(() => attach(files)); };
  const at = Number(new URLSearchParams(location.search).get("at"));
  if (at) {
    history.replaceState(null, "", location.pathname);
    body.setSelectionRange(at, at);
    body.focus();
  }
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
