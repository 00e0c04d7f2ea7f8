// The page of one alert, and that of silences: fills in who somebody is, and leads to fields by key. It sends nothing by itself.
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
