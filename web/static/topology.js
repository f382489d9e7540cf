// Zoom and pan for a drawing that can be scrolled without: the picture is made larger or smaller, the browser scrolls.
"use strict";

const view = document.querySelector(".view"), picture = view && view.querySelector("svg");
if (picture) {
  const LEAST = 0.08, MOST = 3, STEP = 1.25;
  const natural = { width: picture.viewBox.baseVal.width, height: picture.viewBox.baseVal.height };
  const kept = "zoom " + location.pathname;
  let scale = 1;

  // Makes the picture this large; the point of it that is at (x, y) of the view stays there.
  function zoom(to, x = view.clientWidth / 2, y = view.clientHeight / 2) {
    const before = scale;
    scale = Math.min(MOST, Math.max(LEAST, to));
    const left = (view.scrollLeft + x) / before, top = (view.scrollTop + y) / before;
    picture.setAttribute("width", natural.width * scale);
    picture.setAttribute("height", natural.height * scale);
    view.scrollLeft = left * scale - x;
    view.scrollTop = top * scale - y;
    try { sessionStorage.setItem(kept, String(scale)); } catch { /* a browser that keeps nothing */ }
  }
  const fit = () => Math.min(view.clientWidth / natural.width, view.clientHeight / natural.height, 1); // never larger than it is
  const acts = { in: () => zoom(scale * STEP), out: () => zoom(scale / STEP), one: () => zoom(1), fit: () => zoom(fit()) };

  document.querySelectorAll(".zoom, .wide-hint").forEach((it) => { it.hidden = false; });
  document.querySelectorAll("[data-zoom]").forEach((it) => it.addEventListener("click", acts[it.dataset.zoom]));
  view.addEventListener("keydown", (event) => {
    const act = { "+": "in", "=": "in", "-": "out", "_": "out", "0": "fit", "1": "one" }[event.key];
    if (act && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      acts[act]();
    }
  });
  const within = (it) => { const box = view.getBoundingClientRect(); return [it.clientX - box.left, it.clientY - box.top]; };
  view.addEventListener("wheel", (event) => { // a pinch on a touchpad comes as this, too
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(scale * Math.exp(-event.deltaY / (event.deltaMode ? 12 : 300)), ...within(event));
  }, { passive: false });

  // two fingers
  let apart = 0, from = 1;
  const distance = (touches) => Math.hypot(touches[0].clientX - touches[1].clientX, touches[0].clientY - touches[1].clientY);
  view.addEventListener("touchstart", (event) => {
    if (event.touches.length === 2) { apart = distance(event.touches); from = scale; }
  }, { passive: true });
  view.addEventListener("touchmove", (event) => {
    if (event.touches.length !== 2 || !apart) return;
    event.preventDefault();
    const [a, b] = event.touches;
    zoom(from * distance(event.touches) / apart, ...within({ clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 }));
  }, { passive: false });

  // a mouse pulls the picture; a click that did not pull is a click on a node
  let pulled = null, moved = false;
  view.classList.add("live");
  view.addEventListener("pointerdown", (event) => {
    moved = false;
    if (event.pointerType === "mouse" && event.button === 0) pulled = { x: event.clientX, y: event.clientY, left: view.scrollLeft, top: view.scrollTop };
  });
  window.addEventListener("pointermove", (event) => {
    if (!pulled) return;
    const dx = event.clientX - pulled.x, dy = event.clientY - pulled.y;
    if (Math.hypot(dx, dy) > 4) { moved = true; view.classList.add("grabbed"); }
    if (moved) { view.scrollLeft = pulled.left - dx; view.scrollTop = pulled.top - dy; }
  });
  window.addEventListener("pointerup", () => { pulled = null; view.classList.remove("grabbed"); });
  view.addEventListener("dragstart", (event) => event.preventDefault());
  view.addEventListener("click", (event) => { if (moved) event.preventDefault(); }, true);

  // begin where the last look was, or with a picture whose names can be read; the chosen node in the middle
  let last = null;
  try { last = Number(sessionStorage.getItem(kept)); } catch { /* as above */ }
  zoom(last || Math.max(fit(), 0.9), 0, 0);
  const chosen = view.dataset.focus && document.getElementById("n-" + view.dataset.focus);
  const boxes = [...picture.querySelectorAll(".node")].map((it) => it.getBBox());
  const box = chosen ? chosen.getBBox() : boxes.reduce((left, it) => (it.x < left.x ? it : left), boxes[0]);
  view.scrollLeft = chosen ? (box.x + box.width / 2) * scale - view.clientWidth / 2 : 0;
  view.scrollTop = (box.y + box.height / 2) * scale - view.clientHeight / 2;
}
