// Places an explanation beside its ?, and opens it when the keyboard reaches the ?. A click needs no script.
// Marks requests that no person makes: a page that refreshes keeps no session alive.

function explanationOf(element) {
  return element.matches?.(".explain") ? document.getElementById(element.getAttribute("popovertarget")) : null;
}

function placeBeside(explanation, button) {
  const spot = button.getBoundingClientRect();
  const width = Math.min(explanation.offsetWidth, innerWidth - 16);
  explanation.style.left = `${Math.max(8, Math.min(spot.left, innerWidth - width - 8))}px`;
  const below = spot.bottom + 6;
  const above = spot.top - 6 - explanation.offsetHeight;
  explanation.style.top = `${below + explanation.offsetHeight > innerHeight && above > 0 ? above : below}px`;
  explanation.style.margin = "0";
}

document.addEventListener(
  "toggle",
  (event) => {
    const button = event.newState === "open" && document.querySelector(`.explain[popovertarget="${event.target.id}"]`);
    if (button) placeBeside(event.target, button);
  },
  true,
);

document.addEventListener("focusin", ({ target }) => {
  if (target.matches?.(":focus-visible")) explanationOf(target)?.showPopover?.();
});

document.addEventListener("focusout", ({ target }) => explanationOf(target)?.hidePopover?.());

document.addEventListener("htmx:configRequest", ({ detail }) => {
  const event = detail.triggeringEvent;
  if (!event || event.type === "refresh") detail.headers["X-Unattended"] = "true";
});
