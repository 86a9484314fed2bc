// A page that says what is wrong: in the theme that its reader chose, and gone by itself once what was away is back.

const EVERY_MS = 3_000;

// The theme of the staff pages keeps the choice of its reader here.
const chosen = localStorage.getItem("adminTheme");
if (chosen === '"dark"' || chosen === '"light"') document.documentElement.dataset.theme = JSON.parse(chosen);

const watch = document.getElementById("watch");

async function look() {
  try {
    if ((await fetch(watch.dataset.asks, { cache: "no-store" })).ok) {
      location.reload();
      return;
    }
    watch.textContent = "Still away. This page tries again by itself.";
  } catch {
    watch.textContent = "The server does not answer. This page tries again by itself.";
  }
  setTimeout(look, EVERY_MS);
}

if (watch) {
  watch.hidden = false;
  setTimeout(look, EVERY_MS);
}
