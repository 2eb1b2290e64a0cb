// Keys of one letter: / for the search, j and k for the rows of a list, ? for the keys themselves. A person can turn them
// off; then the body is not marked. Enter needs no script: the link of a row has the focus.

const on = () => document.body.hasAttribute("data-single-keys");
const dialog = () => document.getElementById("keys-dialog");
const rows = () => [...document.querySelectorAll("#grid tbody tr")];

// What takes letters itself, or shows something that has to be closed first.
const busy = ({ target }) =>
  target.closest?.("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]");

function focusOn(row) {
  const link = row.querySelector("a.row-link") ?? row.querySelector("a[href]");
  if (!link) row.tabIndex = -1;
  (link ?? row).focus();
  row.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = rows();
  const here = all.indexOf(document.activeElement.closest("#grid tbody tr"));
  const row = here < 0 ? all[0] : all[here + step];
  if (row) focusOn(row);
}

function search() {
  const field = document.querySelector("#top-search") ?? document.querySelector("#grid input:is([type=text], [type=search])");
  const around = field?.closest("details");
  if (around) around.open = true;
  field?.closest("[popover]")?.showPopover();
  field?.focus();
  field?.select();
}

const KEYS = { "/": search, j: () => move(1), k: () => move(-1), "?": () => dialog()?.showModal() };

document.addEventListener("keydown", (event) => {
  const { key, ctrlKey, metaKey, altKey, isComposing, defaultPrevented } = event;
  const act = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  if (!act || !on() || ctrlKey || metaKey || altKey || isComposing || defaultPrevented || busy(event)) return;
  event.preventDefault();
  act();
});

// "Skip to the list" leads past the heads and filters of its columns, to the first row if there is one.
document.addEventListener("click", (event) => {
  const first = event.target.closest?.("a[data-first-row]") && rows()[0];
  if (!first) return;
  event.preventDefault();
  focusOn(first);
});
