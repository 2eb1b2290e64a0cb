// Lets the frames of bodies be as high as their text, and opens what a link on the page leads into.
// Refreshes the Delivery Summary of a message that still changes: every 4 seconds, so that an answer is there within 5,
// or every 30 while the tab is hidden.
// data-live marks a summary that can change. htmx swaps it; focus and scroll position stay.

const SHOWN = 4_000;
const HIDDEN = 30_000;

const summary = () => document.getElementById("delivery-summary");
const statusWord = () => summary()?.querySelector(".status")?.textContent.trim();

let word = statusWord();
let timer;

function wait() {
  clearTimeout(timer);
  if (!summary()?.hasAttribute("data-live")) return;
  timer = setTimeout(ask, document.hidden ? HIDDEN : SHOWN);
}

function ask() {
  summary()?.dispatchEvent(new CustomEvent("refresh"));
}

// The next request follows even after a failed one: a server may be away for a moment.
document.addEventListener("htmx:afterRequest", wait);

// What is unfolded in the summary comes unfolded, so that the focus in it can stay.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  for (const { id } of summary()?.querySelectorAll("details[open]") ?? []) {
    detail.serverResponse = detail.serverResponse.replace(`id="${id}"`, `id="${id}" open`);
  }
});
document.addEventListener("htmx:afterSettle", () => {
  if (statusWord() !== word) {
    word = statusWord();
    const news = document.getElementById("status-news");
    news.textContent = news.dataset.words.replace("{status}", word.replace(/^\W+/, ""));
  }
  wait();
});

function fit(frame) {
  const text = frame.contentDocument?.documentElement;
  if (!text?.ownerDocument.body?.childNodes.length) return;
  frame.style.height = "0";
  frame.style.height = `${text.scrollHeight + 2}px`;
}

for (const frame of document.querySelectorAll(".body-frame")) {
  frame.addEventListener("load", () => fit(frame));
  frame.closest("details")?.addEventListener("toggle", () => fit(frame));
}
addEventListener("resize", () => document.querySelectorAll(".body-frame").forEach(fit));

function unfoldTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = target && target.closest("details");
  if (!fold || fold.open) return;
  fold.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", unfoldTarget);
unfoldTarget();

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && summary()?.hasAttribute("data-live")) ask();
});
wait();
