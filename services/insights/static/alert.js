// The page of one alert, and that of silences: fills in who somebody is, and leads to fields by key. It sends nothing by itself,
// and says when the alert has changed meanwhile.
import { listenToKeys, setWho, who } from "./alert_keys.js";

for (const field of document.querySelectorAll("input.by")) {
  if (!field.value) field.value = who();
  field.form.addEventListener("submit", () => setWho(field.value));
}

const focus = (id) => () => {
  const found = document.getElementById(id);
  if (!found) return false;
  found.focus();
  return true;
};

const hint = document.getElementById("keys-hint");
if (hint) {
  hint.hidden = false;
  const by = () => document.getElementById("by");
  const next = (id) => () => focus(by()?.value ? id : "by")();
  listenToKeys({
    a: next("acknowledge"),
    c: focus("text"),
    r: next("resolve"),
    g: focus("to"),
    s: () => {
      const link = document.getElementById("silence-link");
      if (!link) return false;
      link.click();
      return true;
    },
  }, document.getElementById("keys"));
}

const ASK_MS = 15_000;
const changed = document.getElementById("changed");

async function look() {
  if (document.visibilityState !== "visible") return;
  try {
    const answer = await fetch(`/api/v1/alerts/${encodeURIComponent(changed.dataset.alert)}`, { signal: AbortSignal.timeout(ASK_MS) });
    if (answer.ok) changed.hidden = String((await answer.json()).alert.version) === changed.dataset.version;
  } catch { /* asked again */ }
}

if (changed) {
  setInterval(look, ASK_MS);
  document.addEventListener("visibilitychange", look);
}
