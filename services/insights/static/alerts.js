// Keeps the list of alerts as it is on the server: told by server-sent events, or asking every 10 seconds where they do not come.
import { listenToKeys, setWho, showPressed, who } from "./alert_keys.js";

const POLL_MS = 10_000;
const SILENT_MS = 40_000; // two heartbeats and a half: a connection that says nothing for so long is none
const FAILURES = 3; // then this page asks by itself
const TRY_AGAIN_MS = 60_000;
const CONNECTING_MS = 5_000; // a connection that takes longer to come is none yet

const bar = document.getElementById("live-bar");
const stateLine = document.getElementById("live-state");
const said = document.getElementById("live-said");
const tools = document.getElementById("live-tools");
const soundButton = document.getElementById("sound");
const whoField = document.getElementById("who");
const address = new URL("/alerts/list" + location.search, location.href);
const words = bar.dataset;
const plainTitle = document.title.replace(/^\(\d+\) /, "");

let source = null;
let failures = 0;
let heardMs = Date.now();
let answeredAt = null;
let reachable = true;
let asking = false;
let askAgain = false;
let tag = "";
let audio = null;

// By the site's clocks, as all else on the page; a browser that does not know the zone says that it is UTC.
function clock(moment) {
  const shape = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  try {
    return new Intl.DateTimeFormat("en-GB", { ...shape, timeZone: words.zone }).format(moment);
  } catch {
    return moment.toISOString().slice(11, 16) + " UTC";
  }
}

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

const isLive = () => source !== null && source.readyState === EventSource.OPEN;
const isConnecting = () => source !== null && failures === 0 && !isLive() && Date.now() - heardMs < CONNECTING_MS;

function show() {
  if (reachable && isConnecting()) return;
  const live = isLive();
  const name = !reachable ? "disconnected" : live ? "live" : "polling";
  const text = name !== "disconnected" ? words[name]
    : answeredAt ? filled(words.disconnected, { moment: clock(answeredAt) }) : words.never;
  if (stateLine.textContent === text) return;
  bar.classList.remove("live", "polling", "disconnected");
  bar.classList.add(name);
  stateLine.textContent = text;
}

function say(text) {
  said.textContent = "";
  requestAnimationFrame(() => { said.textContent = text; });
}

const list = () => document.getElementById("alerts-live");
const rows = () => [...document.querySelectorAll(".alert-row")];
const titleOf = (row) => row.querySelector(".alert-link").textContent;
const asksForAttention = (row) => row.dataset.state === "firing" && !row.dataset.quiet;

// Puts the new list in place; whoever stood in it stands there again.
function replace(text) {
  const part = new DOMParser().parseFromString(text, "text/html").getElementById("alerts-live");
  if (!part) throw new Error("no list");
  const before = new Set(rows().filter(asksForAttention).map((row) => row.dataset.id));
  const active = document.activeElement?.closest?.(".alert-row");
  const place = active ? [active.id, document.activeElement.className, rows().indexOf(active)] : null;
  list().replaceWith(part);
  if (place) {
    const row = document.getElementById(place[0]) ?? rows()[Math.min(place[2], rows().length - 1)];
    (row?.querySelector(`a[class="${place[1]}"]`) ?? row?.querySelector(".alert-link"))?.focus({ preventScroll: true });
  }
  const firing = Number(part.dataset.firing);
  document.title = (firing ? `(${firing}) ` : "") + plainTitle;
  const fresh = rows().filter((row) => asksForAttention(row) && !before.has(row.dataset.id));
  if (fresh.length) {
    say(fresh.map((row) => filled(words.new, { title: titleOf(row) })).join(" "));
    ring();
  }
}

async function ask() {
  if (asking) { askAgain = true; return; }
  asking = true;
  try {
    const headers = tag ? { "if-none-match": tag } : {};
    const answer = await fetch(address, { headers, cache: "no-store", signal: AbortSignal.timeout(POLL_MS) });
    if (answer.status !== 304 && !answer.ok) throw new Error(String(answer.status));
    if (answer.status !== 304) {
      tag = answer.headers.get("etag") ?? "";
      replace(await answer.text());
    }
    reachable = true;
    answeredAt = new Date();
  } catch {
    reachable = false;
  } finally {
    asking = false;
    show();
    if (askAgain) { askAgain = false; ask(); }
  }
}

// While the stream is heard the page is up to date, whether or not there is anything to show.
function heard() {
  heardMs = Date.now();
  answeredAt = new Date(heardMs);
}

function listen() {
  source?.close();
  source = new EventSource("/api/v1/alerts/events");
  heardMs = Date.now();
  source.addEventListener("open", () => { failures = 0; heard(); reachable = true; show(); });
  source.addEventListener("changes", () => { heard(); ask(); });
  source.addEventListener("unknown", () => { heard(); ask(); });
  source.addEventListener("heartbeat", heard);
  source.addEventListener("error", () => {
    failures += 1;
    if (failures >= FAILURES || source.readyState === EventSource.CLOSED) leave();
    ask();
  });
}

function leave() {
  source?.close();
  source = null;
  show();
}

// A page that nobody sees asks from time to time: browsers open only six connections to a server, and the seventh page would wait.
function follow() {
  if (document.visibilityState === "visible") listen();
  else leave();
}

setInterval(() => {
  if (source && Date.now() - heardMs > SILENT_MS) leave();
  if (!isLive() || !reachable) ask();
}, POLL_MS);
setInterval(() => {
  if (!source && document.visibilityState === "visible") { failures = 0; listen(); }
}, TRY_AGAIN_MS);
document.addEventListener("visibilitychange", () => { follow(); ask(); });
window.addEventListener("online", () => { follow(); ask(); });
window.addEventListener("offline", () => { reachable = false; leave(); });

// Sound: two short tones, made here. Off whenever the page is opened.
function ring() {
  if (!audio) return;
  [660, 880].forEach((pitch, index) => {
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    const start = audio.currentTime + index * 0.18;
    tone.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.0001, start);
    loudness.gain.exponentialRampToValueAtTime(0.2, start + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, start + 0.16);
    tone.connect(loudness).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.17);
  });
}

soundButton.addEventListener("click", () => {
  if (audio) {
    audio.close();
    audio = null;
  } else {
    audio = new AudioContext();
    ring();
  }
  showPressed(soundButton, audio !== null);
});

// Keys
const current = () => document.activeElement?.closest?.(".alert-row") ?? null;

function move(step) {
  const all = rows();
  if (!all.length) return false;
  const at = all.indexOf(current());
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
  all[next].querySelector(".alert-link").focus();
  all[next].scrollIntoView({ block: "nearest" });
  return true;
}

function go(name) {
  const link = current()?.querySelector(name);
  if (!link) return false;
  link.click();
  return true;
}

async function takeOn() {
  const row = current();
  if (!row || row.dataset.state !== "firing") return;
  const title = titleOf(row);
  try {
    const answer = await fetch(`/api/v1/alerts/${encodeURIComponent(row.dataset.id)}/acknowledge`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ version: Number(row.dataset.version), by: who() }),
      signal: AbortSignal.timeout(POLL_MS),
    });
    say(answer.ok ? filled(words.taken, { title }) : words.failed);
  } catch {
    say(words.failed);
  }
  ask();
}

whoField.value = who();
whoField.addEventListener("change", () => setWho(whoField.value));
listenToKeys({
  j: () => move(1),
  k: () => move(-1),
  a: () => {
    if (!current()) return false;
    if (!who()) return go(".do-acknowledge");
    takeOn();
    return true;
  },
  p: () => go(".do-playbook"),
  e: () => go(".do-evidence"),
  s: () => go(".do-silence"),
}, document.getElementById("keys"));

tools.hidden = false;
document.getElementById("who-hint").hidden = false;
stateLine.textContent = "";
follow();
ask();
