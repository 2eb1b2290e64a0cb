// The Delivery Summary of a message that still changes asks for itself again: every 5 seconds, every 30 while nobody looks.
// It says data-live as long as it can change. htmx swaps it; focus and scroll stay where they are.

const SHOWN = 5_000;
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

// Whatever came of a request, the next one follows: a server may be away for a moment.
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
