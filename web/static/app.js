// What makes the pages quicker, and nothing that they need: `/` to the search box, offers while typing, live suggestions.
"use strict";

const QUIET_MS = 200; // after the last key
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

document.querySelectorAll("form[data-suggest]").forEach((form) => {
  const input = form.querySelector("input[type=search]");
  const list = document.createElement("ul");
  list.className = "offers";
  list.id = `offers-${Math.random().toString(36).slice(2)}`;
  list.setAttribute("role", "listbox");
  list.hidden = true;
  form.append(list);
  input.setAttribute("role", "combobox");
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
    point();
  };

  whenTyped(input, async (text) => {
    const mine = ++asked;
    if (!enough(text)) return show(false);
    const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(text)}`).catch(() => null);
    if (mine !== asked || !answer || !answer.ok) return;
    const offers = await answer.json();
    list.replaceChildren(...offers.map((offer, place) => {
      const item = document.createElement("li"), link = document.createElement("a");
      link.href = offer.url;
      link.textContent = offer.title;
      link.id = `${list.id}-${place}`;
      link.setAttribute("role", "option");
      item.append(link);
      return item;
    }));
    chosen = -1; // these are others than were pointed at
    show(offers.length > 0 && document.activeElement === input);
  });
  input.addEventListener("keydown", (event) => {
    if (composing(event) || list.hidden) return;
    const all = links();
    if (event.key === "Escape") { show(false); event.preventDefault(); }
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
  link.textContent = "登录已过期，请重新登录";
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
