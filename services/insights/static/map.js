// Draws the map again when the slider has been moved; without this script the button of the form does it.
const slider = document.getElementById("f-frequency");
const shown = document.getElementById("frequency-shown");
let latest = 0;

async function redraw() {
  const asked = ++latest;
  const address = new URL(slider.form.action);
  address.search = new URLSearchParams(new FormData(slider.form)).toString();
  const response = await fetch(address);
  if (!response.ok || asked !== latest) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (asked !== latest) return;
  document.getElementById("map").replaceWith(page.getElementById("map"));
  linkDrawing();
  showStart();
  history.replaceState(null, "", address);
}

// What is drawn leads to its row of the tables; the row says where the journeys behind it are.
function linkDrawing() {
  for (const part of document.querySelectorAll(".map a")) {
    const row = document.getElementById(part.getAttribute("href").slice(1));
    part.setAttribute("href", row.querySelector("a").getAttribute("href"));
  }
}

// A map that is wider than its frame begins where journeys begin.
function showStart() {
  const frame = document.querySelector(".map-scroll");
  const start = document.querySelector(".map-end");
  if (!frame || !start) return;
  const outer = frame.getBoundingClientRect();
  const inner = start.getBoundingClientRect();
  frame.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
}

linkDrawing();
showStart();
slider.addEventListener("input", () => { shown.value = slider.value; });
slider.addEventListener("change", redraw);
