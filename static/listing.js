// What a list does beyond links and forms: it makes each row one large target, keeps the focus, and reports failures.

// The names of the sentences in listings/_failure.html, by the status of the answer.
const FAILURES = { 403: "forbidden", 404: "gone", 429: "tooMany" };

const grid = () => document.getElementById("grid");

document.addEventListener("click", (event) => {
  const row = event.target.closest?.("#grid tbody tr");
  const link = row?.querySelector("a.row-link");
  const selecting = String(getSelection()).length > 0;
  if (!link || selecting || event.target.closest("a, button, input, select, label, summary")) return;
  if (event.ctrlKey || event.metaKey) open(link.href, "_blank", "noopener");
  else link.click();
});

// A choice in a drop-down counts at once. If htmx does not handle the form yet, the browser submits it.
document.addEventListener("change", ({ target }) => {
  if (target.matches("#grid select")) target.form.requestSubmit();
});
// The same goes for a choice that was made before this script was loaded.
const chosenBefore = [...document.querySelectorAll("#grid select")].find((select) => {
  const offered = select.querySelector("option[selected]") ?? select.options[0];
  return offered && select.value !== offered.value;
});
chosenBefore?.form.requestSubmit();

// After a swap htmx gives the focus back to the element with the same id. The link of a row has none: the row that leads
// to the same address gets the focus. If what had it is gone ("next" on the last page), the count takes the focus, so that
// the keyboard continues from there.
let focusedInside = false;
let focusedRow = "";
let headsOpen = false; // what folds away on a phone stays open
document.addEventListener("htmx:beforeSwap", () => {
  const focused = document.activeElement;
  headsOpen = Boolean(document.getElementById("grid-fold")?.open);
  focusedInside = Boolean(grid()?.contains(focused));
  focusedRow = focusedInside && focused.closest("tbody") ? (focused.getAttribute("href") ?? "") : "";
});
document.addEventListener("htmx:afterSwap", () => {
  const fold = document.getElementById("grid-fold");
  if (fold && headsOpen) fold.open = true;
});
document.addEventListener("htmx:afterSettle", () => {
  if (focusedInside && document.activeElement === document.body) {
    const links = [...document.querySelectorAll("#grid tbody a[href]")];
    const same = focusedRow && links.find((link) => link.getAttribute("href") === focusedRow);
    (same || document.getElementById("grid-count"))?.focus();
  }
  focusedInside = false;
});

document.addEventListener("htmx:beforeRequest", () => grid()?.setAttribute("aria-busy", "true"));
document.addEventListener("htmx:afterRequest", () => grid()?.removeAttribute("aria-busy"));

function say(failure) {
  const place = document.getElementById("grid-failure");
  if (!place) return;
  place.textContent = place.dataset[failure];
  place.hidden = false;
}
document.addEventListener("htmx:responseError", ({ detail }) => say(FAILURES[detail.xhr.status] ?? "serverFailed"));
document.addEventListener("htmx:sendError", () => say("noAnswer"));
document.addEventListener("htmx:timeout", () => say("noAnswer"));
