// Loads the app, and says so when that does not work: a blank page would say nothing.
import init from "./{{APP_SCRIPT}}";

const note = document.getElementById("note");

function say(text) {
  note.hidden = false;
  note.textContent = text;
}

// The app draws on a canvas of its own; when it is there, nothing more is to be said.
const watch = new MutationObserver(() => {
  const canvas = document.querySelector("canvas");
  if (canvas) {
    note.hidden = true;
    // Whoever comes with the keyboard alone need not click first.
    canvas.focus();
    watch.disconnect();
  }
});
watch.observe(document.body, { childList: true, subtree: true });

// The toolkit gives its canvas a style as text, which the server's policy forbids; page.css has the same.
HTMLCanvasElement.prototype.setAttribute = function (name, value) {
  if (name !== "style") Element.prototype.setAttribute.call(this, name, value);
};

try {
  await init({ module_or_path: new URL("./{{APP_WASM}}", import.meta.url) });
} catch (error) {
  // The event loop leaves by an exception when it takes over, which is how it should be.
  if (!String(error).includes("control flow")) {
    console.error(error);
    if (!document.querySelector("canvas")) {
      say(`The dashboard could not be started: ${error}. Reload the page; if that does not help, use a newer browser.`);
    }
  }
}
