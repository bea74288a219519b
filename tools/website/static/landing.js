// The landing page: the box hands its text to a notebook in this browser.
//
// Each browser that knows modules has to read this file: so it is JavaScript as of 2017. Any other one runs old.js.

const box = document.querySelector("#text");
const said = document.querySelector("#said");

document.querySelector("#paste").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!box.value.trim()) {
    said.textContent = "Paste the text first: what the terminal shows, from a few lines above the panic.";
    box.focus();
    return;
  }
  try {
    const store = await caches.open("vmwidgets");
    await store.put("/vmwidgets/pasted.txt", new Response(box.value));
    location.href = "lab/lab/index.html?path=pasted.ipynb";
  } catch (error) {
    said.textContent = "This browser can't hand the text over here. Open the lab, and paste it into vm.load('''…''').";
  }
});
