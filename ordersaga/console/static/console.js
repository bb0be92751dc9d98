// Makes the pages live. Everything works without it: each page is whole, each form is sent as it is.
"use strict";

const page = document.documentElement;
const root = page.dataset.root;
const main = document.getElementById("main");
const dialog = document.getElementById("dialog");
const keys = document.getElementById("keys");
const lag = document.getElementById("lag");
const QUIET_MS = 700;
const SILENT_MS = 25000;

// --- the reader's time zone: the server shows times in it ---------------------------------------

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes("ordersaga_zone=") && navigator.cookieEnabled) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `ordersaga_zone=${zone}; Path=${root}; Max-Age=31536000; SameSite=Lax${secure}`;
  if (zone !== page.dataset.zone && document.cookie.includes("ordersaga_zone=")) location.reload();
}

// --- fragments: the parts of a page that change are fetched with it and replaced -----------------

const parse = (text) => new DOMParser().parseFromString(text, "text/html");
let fetching = null;

async function load(url, options = {}) {
  const answer = await fetch(url, { credentials: "same-origin", ...options });
  if (answer.redirected && new URL(answer.url).pathname.endsWith("/sign-in")) location.assign(answer.url);
  return [answer, parse(await answer.text())];
}

function isBusy(part) {
  const active = document.activeElement;
  const typing = active && part.contains(active) && active.matches("input, textarea, select");
  return typing || dialog?.open || String(getSelection()).length > 0;
}

const nameOf = (row) => row.id || row.querySelector("a")?.getAttribute("href") || row.textContent;

function place(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!next || isBusy(part) || next.innerHTML === part.innerHTML) continue;
    const rows = new Set([...part.querySelectorAll("li[id], tr[data-row]")].map(nameOf));
    const open = [...part.querySelectorAll("details")].map((each) => each.open);
    const focused = part.contains(document.activeElement) && document.activeElement.getAttribute("href");
    part.replaceChildren(...next.childNodes);
    part.querySelectorAll("details").forEach((each, index) => { each.open = open[index] ?? each.open; });
    for (const row of part.querySelectorAll("li[id], tr[data-row]")) {
      if (!rows.has(nameOf(row))) row.classList.add("fresh");
    }
    if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
  const measured = fresh.getElementById("lag");
  if (measured && lag) lag.lastElementChild.textContent = measured.lastElementChild.textContent;
}

async function renew() {
  fetching?.abort();
  fetching = new AbortController();
  try {
    const [answer, fresh] = await load(location.href, { signal: fetching.signal });
    if (answer.ok) place(fresh);
  } catch (error) {
    if (error.name !== "AbortError") show("is-lost", "no connection; trying again");
  }
}

// --- live: the server says that something happened, and the page looks again ----------------------

function show(state, text) {
  if (!lag) return;
  lag.className = `lag ${state}`;
  if (text) lag.lastElementChild.textContent = text;
}

function listen() {
  const part = document.querySelector("[data-live]");
  if (!part || !lag || new URLSearchParams(location.search).has("position")) return;
  const order = part.dataset.order ? `?order_id=${encodeURIComponent(part.dataset.order)}` : "";
  let timer = null;
  let heard = Date.now();
  let source = null;
  const soon = (pause) => { timer ??= setTimeout(() => { timer = null; renew(); }, pause); };
  const connect = () => {
    source = new EventSource(`${root}/changes${order}`);
    source.onopen = () => { show("is-live"); heard = Date.now(); soon(0); };
    source.onmessage = () => { heard = Date.now(); };
    source.addEventListener("change", () => { heard = Date.now(); soon(order ? QUIET_MS : 3 * QUIET_MS); });
    source.onerror = () => {
      show("is-lost", "no connection; trying again");
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
    };
  };
  connect();
  setInterval(() => {
    if (Date.now() - heard < SILENT_MS || document.hidden) return;
    source.close();
    heard = Date.now();
    connect();
  }, 5000);
  if (part.dataset.live === "inbox" || part.dataset.live === "today") setInterval(renew, 10000);
  setInterval(() => { if (document.querySelector("[data-live] progress")) renew(); }, 2000);
  addEventListener("pagehide", () => source.close());
}

// --- dialogs: a form of another page, over this one -------------------------------------------------

async function openDialog(link) {
  const [answer, fresh] = await load(link.href);
  const content = fresh.querySelector("[data-dialog-content]");
  if (!answer.ok || !content || !dialog) return location.assign(link.href);
  dialog.replaceChildren(content);
  dialog.showModal();
  (dialog.querySelector("[autofocus]") ?? dialog.querySelector("input, select, textarea"))?.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  if (link.hasAttribute("data-dialog") && dialog) {
    event.preventDefault();
    openDialog(link).catch(() => location.assign(link.href));
  } else if (link.hasAttribute("data-close") && dialog?.open) {
    event.preventDefault();
    dialog.close();
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent && Date.now() - Number(form.dataset.sent) < 10000) event.preventDefault();
  form.dataset.sent = String(Date.now());
  for (const button of form.querySelectorAll("button")) setTimeout(() => { button.disabled = true; });
  setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = false; }, 10000);
});

for (const details of document.querySelectorAll("details.who")) {
  document.addEventListener("click", (event) => { if (!details.contains(event.target)) details.open = false; });
}

// --- the time slider ---------------------------------------------------------------------------------

document.addEventListener("input", (event) => {
  const slider = event.target;
  if (!slider.dataset?.positions) return;
  const position = slider.dataset.positions.split(" ")[slider.value];
  const entry = document.getElementById(`e${position}`);
  const text = slider.form.querySelector("[data-slider-text]");
  if (text) text.textContent = entry ? `${entry.querySelector(".what").textContent}, ${entry.querySelector("time").textContent}` : "";
});

document.addEventListener("change", (event) => {
  const slider = event.target;
  if (!slider.dataset?.positions) return;
  const positions = slider.dataset.positions.split(" ");
  const isLast = Number(slider.value) === positions.length - 1;
  const url = new URL(slider.form.action);
  if (!isLast) url.searchParams.set("position", positions[slider.value]);
  location.assign(url);
});

// --- chosen rows of a list ----------------------------------------------------------------------------

document.addEventListener("change", (event) => {
  const all = event.target;
  if (!all.matches?.("[data-all]")) return;
  for (const box of all.closest("form, table").querySelectorAll('input[name="order"]')) box.checked = all.checked;
});

// --- keys -----------------------------------------------------------------------------------------------

const PLACES = { t: "/", i: "/inbox", o: "/orders", r: "/returns", p: "/parcels", s: "/stock", m: "/money" };
let went = 0;

function step(by) {
  const links = [...main.querySelectorAll("tr[data-row] td:first-child a, tr[data-row] .id a")];
  if (!links.length) return;
  const index = links.indexOf(document.activeElement);
  links[Math.min(Math.max(index + by, 0), links.length - 1)].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, textarea, select, dialog *")) {
    if (event.key === "Escape" && event.target.matches("input")) event.target.blur();
    return;
  }
  if (Date.now() - went < 1200 && PLACES[event.key]) {
    event.preventDefault();
    return location.assign(root + PLACES[event.key]);
  }
  const acts = {
    "/": () => document.querySelector(".find input")?.focus(),
    "?": () => keys?.showModal(),
    g: () => { went = Date.now(); },
    j: () => step(1),
    k: () => step(-1),
    a: () => document.querySelector("[data-act]")?.click(),
  };
  if (acts[event.key]) {
    event.preventDefault();
    acts[event.key]();
  }
});

dialog?.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
keys?.addEventListener("click", (event) => { if (event.target === keys) keys.close(); });
listen();
