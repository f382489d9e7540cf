// What makes a page easier to work from: steps that are ticked off, commands to copy, pictures to look at closely.
"use strict";

document.querySelectorAll("article[data-ticks]").forEach((article) => {
  const said = JSON.parse(article.dataset.words), fill = (text, ...values) => values.reduce((filled, value) => filled.replace("{}", value), text);
  const kept = `ticks:${document.documentElement.dataset.asker}:${article.dataset.ticks}`;
  let done = new Set();
  try { done = new Set(JSON.parse(localStorage.getItem(kept) || "[]")); } catch { /* storage is off */ }
  const keep = () => { try { if (done.size) localStorage.setItem(kept, JSON.stringify([...done])); else localStorage.removeItem(kept); } catch { /* off or full */ } };

  article.querySelectorAll(".passage > div > ol").forEach((list, place) => {
    const steps = [...list.children].filter((item) => item.matches("li"));
    const told = document.createElement("p"), count = document.createElement("span"), again = document.createElement("button");
    told.className = "ticked";
    count.setAttribute("role", "status");
    again.type = "button";
    again.className = "plain";
    again.textContent = said.again;
    told.append(count, again);
    list.classList.add("ticks");
    list.after(told);
    const boxes = steps.map((step, number) => {
      const box = document.createElement("input"), name = `${place}.${number}`;
      box.type = "checkbox";
      box.checked = done.has(name);
      box.setAttribute("aria-label", fill(said.step, number + 1));
      box.addEventListener("change", () => { if (box.checked) done.add(name); else done.delete(name); keep(); tell(); });
      // a gloved finger hits the step, not the box; what can be pressed itself, and marking text, stays what it is
      step.addEventListener("click", (event) => { if (!event.target.closest("a, button, input, img") && !String(getSelection())) box.click(); });
      step.prepend(box);
      return box;
    });
    function tell() {
      const ticked = boxes.filter((box) => box.checked).length;
      steps.forEach((step, number) => step.classList.toggle("done", boxes[number].checked));
      count.textContent = fill(said.done, ticked, steps.length);
      told.hidden = !ticked;
    }
    again.addEventListener("click", () => { boxes.forEach((box) => { if (box.checked) box.click(); }); boxes[0].focus(); });
    tell();
  });
});

// Copies the text; where the clipboard is only for safe addresses, the old way.
async function copyText(text) {
  try { await navigator.clipboard.writeText(text); return true; } catch { /* the old way */ }
  const field = document.createElement("textarea");
  field.value = text;
  field.setAttribute("readonly", "");
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
const tools = JSON.parse(document.body.dataset.words);
document.querySelectorAll(".passage pre, .passage li code, .passage p code").forEach((code) => {
  if (code.matches("pre code") || (code.tagName === "CODE" && !/\s/.test(code.textContent.trim()))) return; // a name is no command
  const text = code.textContent.replace(/\n$/, ""), button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = tools.copy;
  button.addEventListener("click", async () => {
    button.textContent = (await copyText(text)) ? tools.copied : tools.copy;
    setTimeout(() => { button.textContent = tools.copy; }, 2000);
  });
  code.after(button);
});

// A picture fills the screen; the link that it is, or the page, stays for those without this.
const closely = document.createElement("dialog");
closely.className = "closely";
closely.setAttribute("aria-label", tools.picture);
closely.addEventListener("click", () => closely.close());
document.body.append(closely);
function look(source, name) {
  const picture = document.createElement("img"), shut = document.createElement("button");
  picture.src = source;
  picture.alt = name;
  shut.type = "button";
  shut.textContent = tools.close;
  closely.replaceChildren(picture, shut);
  closely.showModal();
}
document.querySelectorAll("a[data-zoom]").forEach((link) => link.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  look(link.href, link.querySelector("img").alt);
}));
document.querySelectorAll(".passage img").forEach((picture) => {
  if (picture.closest("a")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "zoom";
  button.setAttribute("aria-label", `${tools.picture} ${picture.alt}`.trim());
  picture.replaceWith(button);
  button.append(picture);
  button.addEventListener("click", () => look(picture.currentSrc || picture.src, picture.alt));
});
