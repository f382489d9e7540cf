// Reviewing without the mouse: j and k walk along a list, and an element that names its key in data-key is pressed by it,
// or focused where it says data-key-focus. A field that is being typed in, and an input method, keep their keys.
"use strict";

(() => {
  const OFF = "keys:off";
  const sheet = document.getElementById("keys");
  const storage = { get off() { try { return localStorage.getItem(OFF) === "1"; } catch { return false; } },
    set off(on) { try { localStorage.setItem(OFF, on ? "1" : "0"); } catch { /* storage is off: for this page alone */ } } };
  let off = storage.off;
  const typing = (target) => target.closest("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])");

  const open = () => { if (!sheet.open) sheet.showModal(); };
  document.querySelectorAll('a[href="#keys"]').forEach((link) => link.addEventListener("click", (event) => { event.preventDefault(); open(); }));
  sheet.querySelector("[data-close]").addEventListener("click", (event) => { event.preventDefault(); sheet.close(); });
  const choice = sheet.querySelector("[data-keys-off]");
  choice.closest("label").hidden = false;
  choice.checked = off;
  choice.addEventListener("change", () => { off = storage.off = choice.checked; });

  // Along the list, from the row that has the focus or that the address names.
  const along = (step) => {
    const rows = [...document.querySelectorAll("[data-walk] tbody tr")];
    const here = rows.findIndex((row) => row.contains(document.activeElement));
    const from = here >= 0 ? here : rows.findIndex((row) => row.matches(":target"));
    const row = rows[Math.min(Math.max(from + step, 0), rows.length - 1)];
    if (row) row.querySelector("[data-walk-to]").focus();
  };

  // Of several elements with one key, such as the two reasons: the one where the focus is, or was last.
  let part = null;
  document.addEventListener("focusin", (event) => { part = event.target.closest("section[id]") || part; });
  const named = (key) => {
    const all = [...document.querySelectorAll("[data-key]")].filter((one) => one.dataset.key === key && !one.disabled && one.getClientRects().length);
    return all.find((one) => part && part.contains(one)) || all[0];
  };
  const press = (one) => { if ("keyFocus" in one.dataset) one.focus(); else one.click(); };

  document.addEventListener("keydown", (event) => {
    if (composing(event) || event.altKey || sheet.open) return;
    if (event.ctrlKey || event.metaKey) { // out of a reason: send the form back with it
      const form = event.key === "Enter" && event.target.matches("textarea") && event.target.form;
      const button = form && form.querySelector('[data-key="Ctrl+Enter"]');
      if (button) { event.preventDefault(); button.click(); }
      return;
    }
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
    if (off || typing(event.target)) return;
    const key = event.key.toLowerCase();
    const focused = document.activeElement.matches("[data-walk-to]") ? document.activeElement : null;
    const one = named(key);
    if (key === "?") open();
    else if (key === "j") along(1);
    else if (key === "k") along(-1);
    else if (key === "o" && focused) focused.click();
    else if (one) press(one);
    else return;
    event.preventDefault();
  });
})();
