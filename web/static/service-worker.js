// Keeps copies for the time without a line: the shell for everybody, pages for one person. SHELL is written by the server.
"use strict";

const KEPT = "kept-"; // and the number of the account
const MOST = { entry: 30, incident: 60, list: 10, image: 60 }; // copies of each kind, the latest
const PERSON = "Wenqu-Person", AT = "Wenqu-Kept-At", STAMP = "Wenqu-Kept-Stamp";

self.addEventListener("install", (event) => event.waitUntil((async () => {
  const shell = await caches.open(SHELL.name);
  // without cookies: nobody's page
  await shell.addAll(SHELL.files.map((file) => new Request(file, { cache: "reload", credentials: "omit" })));
  await self.skipWaiting();
})()));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  const old = (await caches.keys()).filter((name) => name.startsWith("shell-") && name !== SHELL.name);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
})()));

// Under which address a page is kept, and of which kind it is; none for what is not kept.
function place(url) {
  const [, top, number, more] = url.pathname.split("/");
  const record = number && !more && /\d/.test(number); // not /entries/new
  if (url.pathname === "/") return { kind: "list", key: "/" };
  if (top === "incidents" && !number) return { kind: "list", key: `/incidents?tab=${url.searchParams.get("tab") || "mine"}` };
  if (top === "entries" && record) return { kind: "entry", key: url.pathname };
  if (top === "incidents" && record) return { kind: "incident", key: url.pathname };
  if (/^\/(entries|incidents)\/.+\/(attachments|photos)\//.test(url.pathname)) return { kind: "image", key: url.pathname };
  return null;
}

let emptied = 0; // how often; what was asked for before belongs to whoever it was then
const kindOf = (request) => place(new URL(request.url)).kind;
const caught = async (key) => {
  const name = (await caches.keys()).find((one) => one.startsWith(KEPT));
  return name && (await caches.open(name)).match(key, { ignoreVary: true });
};

// What was kept for anybody but this person goes; the page stays as this person's copy.
async function keep(url, answer, stamp = "") {
  const person = answer.headers.get(PERSON);
  if (person === null) return; // no page of ours
  const mine = KEPT + person;
  for (const name of await caches.keys())
    if (name.startsWith(KEPT) && (!person || name !== mine)) { emptied += 1; await caches.delete(name); }
  const where = place(url);
  if (!person || !where || answer.redirected) return;
  const cache = await caches.open(mine);
  await cache.delete(where.key); // put again at the end, it is the latest
  if (!answer.ok) return; // no longer there, or no longer for this person to see
  const headers = new Headers({ [AT]: new Date().toISOString(), [STAMP]: stamp });
  for (const name of ["Content-Type", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"])
    if (answer.headers.has(name)) headers.set(name, answer.headers.get(name));
  await cache.put(where.key, new Response(await answer.blob(), { headers }));
  const alike = (await cache.keys()).filter((request) => kindOf(request) === where.kind);
  await Promise.all(alike.slice(0, -MOST[where.kind]).map((request) => cache.delete(request)));
}

// The copy, with the time it was made on its body, where the page's script finds it.
async function copy(url) {
  const where = place(url), found = where && (await caught(where.key));
  if (!found || where.kind === "image") return found;
  const page = (await found.text()).replace("<body ", `<body data-copy="${found.headers.get(AT)}" `);
  return new Response(page, { headers: found.headers });
}

async function visit(event, url) {
  try {
    const answer = await fetch(event.request);
    event.waitUntil(keep(url, answer.clone()));
    return answer;
  } catch (error) {
    const shell = event.request.mode === "navigate" && (await caches.match(SHELL.page));
    return (await copy(url)) || shell || Promise.reject(error);
  }
}

async function file(request) {
  try {
    return await fetch(request);
  } catch (error) {
    return (await caches.match(request, { ignoreVary: true })) || Promise.reject(error);
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  const shown = event.request.mode === "navigate" || (event.request.destination === "image" && place(url));
  if (shown) event.respondWith(visit(event, url));
  else if (url.pathname.startsWith(SHELL.static)) event.respondWith(file(event.request));
});

// A page says what to have at hand: addresses, each with a stamp that changes with what is there.
self.addEventListener("message", (event) => event.waitUntil((async () => {
  for (const [path, stamp] of event.data.keep || []) {
    const url = new URL(path, self.location.origin), where = place(url), found = where && (await caught(where.key));
    if (!where || (found && found.headers.get(STAMP) === stamp)) continue;
    const before = emptied, answer = await fetch(path).catch(() => null);
    if (!answer || before !== emptied) return;
    await keep(url, answer, stamp);
  }
})()));
