// A text filter acts as somebody types, half a second after the last key. What was typed while the answer was on its way
// stays in the field, and is asked for next. All of it is one step for Back.

const PAUSE = 500;
let timer;
let typed = null; // the field's id from the first key on, until it loses the focus
let steps = 0;

function ask(field) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const now = document.getElementById(field);
    if (now?.form?.id !== "grid") return;
    steps += 1;
    now.form.requestSubmit();
  }, PAUSE);
}

document.addEventListener("input", ({ target, isComposing }) => {
  if (isComposing || !target.matches?.("#grid input[data-typed]")) return;
  if (typed !== target.id) steps = 0;
  typed = target.id;
  ask(target.id);
});

// Enter, a drop-down and a link ask at once, so nothing is left to ask.
document.addEventListener("htmx:beforeRequest", () => clearTimeout(timer));

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.elt.id === "grid" && document.activeElement?.id === typed && steps > 1) detail.headers["X-Typing"] = "on";
});

document.addEventListener("focusout", ({ target, relatedTarget }) => {
  if (target.id === typed && relatedTarget) typed = null;
});

let kept = null;
document.addEventListener("htmx:beforeSwap", () => {
  const field = document.activeElement;
  kept = field?.matches?.("#grid input[data-typed]") ? { id: field.id, text: field.value, at: field.selectionStart } : null;
});
document.addEventListener("htmx:afterSwap", () => {
  const field = kept && document.getElementById(kept.id);
  if (!field) return;
  field.focus();
  if (field.value !== kept.text) {
    field.value = kept.text;
    ask(field.id);
  }
  field.setSelectionRange(kept.at, kept.at);
  kept = null;
});
