// Says in words when a passkey was not used. allauth's script asks the browser for it, and reports failures as an event.

const failed = () => document.getElementById("passkey-failed");

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  failed().hidden = false;
});

document.getElementById("passkey")?.addEventListener("click", () => {
  failed().hidden = true;
});
