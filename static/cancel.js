// Shows the warning before a cancel in a dialog. If that fails, the link leads to a page with the same text.

const dialog = () => document.getElementById("cancel-dialog");

document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (target === dialog() && !target.open) target.showModal();
});

for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, ({ detail }) => {
    if (detail.elt.matches("[data-cancel]")) location.assign(detail.elt.href);
  });
}
