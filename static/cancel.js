// The warning before a cancel, as a dialog. Where it cannot be shown here, its link leads to the page of the same words.

const dialog = () => document.getElementById("cancel-dialog");

document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (target === dialog() && !target.open) target.showModal();
});

for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, ({ detail }) => {
    if (detail.elt.matches("[data-cancel]")) location.assign(detail.elt.href);
  });
}
