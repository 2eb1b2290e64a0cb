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
document.addEventListener("htmx:afterSettle", () => {
  if (statusWord() !== word) {
    word = statusWord();
    document.getElementById("status-news").textContent = `Status: ${word.replace(/^\W+/, "")}`;
  }
  wait();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && summary()?.hasAttribute("data-live")) ask();
});
wait();
