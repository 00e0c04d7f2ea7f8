// Keys of one letter, which people can switch off; who somebody is, kept in this browser. Nothing here is needed to use the pages.
const KEYS = "parcours.alerts.keys";
const WHO = "parcours.alerts.who";

function kept(name) {
  try { return localStorage.getItem(name) ?? ""; } catch { return ""; }
}

function keep(name, value) {
  try { localStorage.setItem(name, value); } catch { /* a browser that keeps nothing asks again */ }
}

export const who = () => kept(WHO);
export const setWho = (name) => keep(WHO, name.trim());

export function showPressed(button, pressed) {
  button.setAttribute("aria-pressed", String(pressed));
  button.textContent = pressed ? button.dataset.on : button.dataset.off;
}

function inField(target) {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

// `actions`: what each key does. Keys with Ctrl, Alt or Meta, and all keys within a field, stay the browser's.
export function listenToKeys(actions, button) {
  let on = kept(KEYS) !== "off";
  const show = () => {
    if (button) showPressed(button, on);
    for (const each of document.querySelectorAll("button kbd")) each.hidden = !on;
  };
  button?.addEventListener("click", () => {
    on = !on;
    keep(KEYS, on ? "on" : "off");
    show();
  });
  document.addEventListener("keydown", (event) => {
    const action = actions[event.key];
    if (!on || !action || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || inField(event.target)) return;
    if (action() !== false) event.preventDefault();
  });
  show();
}
