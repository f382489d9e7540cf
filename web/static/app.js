// What makes the pages quicker, and nothing that they need: `/` to the search box, offers while typing, live suggestions.
"use strict";

const QUIET_MS = 200; // after the last key
const words = JSON.parse(document.body.dataset.words); // in the language of the page
const composing = (event) => event.isComposing || event.keyCode === 229; // an input method is choosing characters

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  const wanted = (event.key === "/" && !typing) || (event.key === "k" && (event.ctrlKey || event.metaKey));
  const box = document.querySelector("[data-focus-key]");
  if (wanted && box && !composing(event)) {
    event.preventDefault();
    box.focus();
    box.select();
  }
});

// The Enter that confirms a candidate of the input method is not a search.
document.querySelectorAll("form.search input").forEach((input) => {
  let confirmed = 0;
  input.addEventListener("compositionend", () => { confirmed = Date.now(); });
  input.addEventListener("keydown", (event) => {
    // Safari ends the composition just before this key
    if (event.key === "Enter" && (composing(event) || Date.now() - confirmed < 50)) event.preventDefault();
  });
});

// Calls `act` with the text once typing rests; never in the middle of a composition, and never twice for one text.
function whenTyped(input, act) {
  let timer = 0, last = input.value, composition = false;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (composition || input.value === last) return;
      last = input.value;
      act(input.value.trim());
    }, QUIET_MS);
  };
  input.addEventListener("compositionstart", () => { composition = true; });
  input.addEventListener("compositionend", () => { composition = false; later(); });
  input.addEventListener("input", (event) => { if (!event.isComposing) later(); });
}

const enough = (text) => (/[^\x00-\x7f]/.test(text) ? text.length >= 1 : text.length >= 2);

// What was searched for here: kept in this browser alone, apart for each account.
const recent = {
  MOST: 20,
  key: `recent:${document.documentElement.dataset.asker || ""}`,
  all() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) || "[]");
      return Array.isArray(kept) ? kept.filter((text) => typeof text === "string") : [];
    } catch { return []; } // storage is off, or somebody else's
  },
  keep(texts) { try { localStorage.setItem(this.key, JSON.stringify(texts.slice(0, this.MOST))); } catch { /* off or full */ } },
  add(text) { this.keep([text, ...this.all().filter((other) => other !== text)]); },
};
document.querySelectorAll("[data-searched]").forEach((page) => recent.add(page.dataset.searched));

document.querySelectorAll("form[data-suggest]").forEach((form) => {
  const SHOWN = 3; // of each kind of search, so that entries stay in sight
  const input = form.querySelector("input[type=search]");
  const list = document.createElement("div");
  list.className = "offers";
  list.id = `offers-${Math.random().toString(36).slice(2)}`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", words.offers);
  list.hidden = true;
  form.append(list);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");
  let chosen = -1, asked = 0;

  const links = () => [...list.querySelectorAll("a")];
  const point = () => { // the focus stays in the box; this tells a screen reader which offer is meant
    const link = links()[chosen];
    if (link) input.setAttribute("aria-activedescendant", link.id); else input.removeAttribute("aria-activedescendant");
  };
  const show = (on) => { list.hidden = !on; input.setAttribute("aria-expanded", String(on)); if (!on) chosen = -1; point(); };
  const choose = (step) => { // round through the offers and back to none of them
    const all = links();
    chosen = ((chosen + 1 + step + all.length + 1) % (all.length + 1)) - 1;
    all.forEach((link, place) => link.setAttribute("aria-selected", String(place === chosen)));
    if (all[chosen]) all[chosen].scrollIntoView({ block: "nearest" });
    point();
  };
  const search = (title, text = title) => ({ title, url: `${form.getAttribute("action")}?q=${encodeURIComponent(text)}` });
  const group = (name, offers) => {
    const made = document.createElement("div");
    made.setAttribute("role", "group");
    made.setAttribute("aria-label", name);
    const head = document.createElement("p");
    head.textContent = name;
    head.setAttribute("aria-hidden", "true");
    made.append(head, ...offers.map((offer) => {
      const link = document.createElement("a");
      link.href = offer.url;
      link.textContent = offer.title;
      link.setAttribute("role", "option");
      link.setAttribute("aria-selected", "false");
      return link;
    }));
    return made;
  };
  const before = (text) => recent.all().filter((one) => one !== text && one.toLowerCase().includes(text.toLowerCase())).slice(0, SHOWN);
  const offer = (text, answer) => {
    const mine = before(text), others = answer.searches.filter((one) => one !== text && !mine.includes(one)).slice(0, SHOWN);
    const groups = [[words.recent, mine.map((one) => search(one))], [words.popular, others.map((one) => search(one))], [words.entries, answer.entries]];
    if (text) groups.push([words.search, [search(words.all.replace("{}", () => text), text)]]);
    const filled = groups.filter(([, offers]) => offers.length);
    list.replaceChildren(...filled.map(([name, offers]) => group(name, offers)));
    links().forEach((link, place) => { link.id = `${list.id}-${place}`; });
    chosen = -1; // these are others than were pointed at
    show(filled.length > 0 && document.activeElement === input);
  };
  const ask = async (text) => {
    const mine = ++asked;
    if (text && !enough(text)) return before(text).length ? offer(text, { searches: [], entries: [] }) : show(false);
    const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(text)}`).catch(() => null);
    if (mine !== asked || !answer || !answer.ok) return;
    offer(text, await answer.json());
  };

  whenTyped(input, ask);
  input.addEventListener("click", () => { if (list.hidden && !input.value.trim()) ask(""); }); // what was asked before
  input.addEventListener("keydown", (event) => {
    if (composing(event)) return;
    if (list.hidden) {
      if (event.key === "ArrowDown") { ask(input.value.trim()); event.preventDefault(); }
      return;
    }
    const all = links();
    if (event.key === "Escape") { asked++; show(false); event.preventDefault(); }
    else if (event.key === "ArrowDown") { choose(1); event.preventDefault(); }
    else if (event.key === "ArrowUp") { choose(-1); event.preventDefault(); }
    else if (event.key === "Enter" && all[chosen]) {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) window.open(all[chosen].href, "_blank");
      else window.location.assign(all[chosen].href);
    }
  });
  form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) show(false); });
});

function expired() {
  const said = document.createElement("p"), link = document.createElement("a");
  said.className = "notice wait";
  link.href = `/login?next=${encodeURIComponent(location.pathname)}`;
  link.textContent = words.expired;
  said.append(link);
  return said;
}

// The right pane of an incident follows what is typed above it.
document.querySelectorAll("form[data-refresh]").forEach((form) => {
  const into = document.getElementById(form.dataset.into);
  let asked = 0;
  whenTyped(form.querySelector("input[type=search]"), async (text) => {
    const mine = ++asked;
    const answer = await fetch(`${form.dataset.refresh}?q=${encodeURIComponent(text)}`).catch(() => null);
    if (mine !== asked || !answer) return;
    // without a session the answer is the login page, or a refusal: neither belongs into the pane
    if (answer.redirected || answer.status === 401) return into.replaceChildren(expired());
    if (answer.ok) into.innerHTML = await answer.text();
  });
});

// A second tap on a slow line must not send a form twice.
document.querySelectorAll("form[method=post]").forEach((form) => {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

document.querySelectorAll("[data-select]").forEach((input) => input.addEventListener("focus", () => input.select()));
