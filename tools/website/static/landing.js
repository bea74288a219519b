// The landing page: an answer steps the picture; the box hands its text to a notebook in this browser.
//
// Each browser that knows modules has to read this file: so it is JavaScript as of 2017. Any other one runs old.js.

const scenes = [...document.querySelectorAll(".scene")];
const sentence = document.querySelector(".sentence");
const next = document.querySelector("#next");
const otherwise = document.querySelector(".otherwise");
const answers = [...document.querySelectorAll(".answers button")];
let at = 0;

function show(name) {
  for (const scene of scenes) scene.hidden = scene.dataset.name !== name;
  return scenes.find((scene) => scene.dataset.name === name).dataset.sentence;
}

for (const button of answers) {
  button.addEventListener("click", () => {
    for (const one of answers) {
      one.setAttribute("aria-pressed", String(one === button));
      one.classList.remove("right", "wrong");
      one.removeAttribute("aria-label");
    }
    at = 0;
    otherwise.hidden = true;
    step();
  });
}

function step() {
  at += 1;
  const last = !scenes.some((scene) => scene.dataset.name === `step ${at + 1}`);
  const said = show(`step ${at}`);
  const chosen = answers.find((one) => one.getAttribute("aria-pressed") === "true");
  const right = chosen.dataset.right === "yes" ? "Right. " : `Not ${chosen.textContent}. `;
  sentence.textContent = last ? right + said : said;
  if (last) for (const one of answers) judge(one, one === chosen);
  otherwise.hidden = !last;
  if (last && document.activeElement === next) otherwise.querySelector("button").focus();
  next.hidden = last;
}

/** Right and wrong have a sign and a word: a colour alone is not seen by all. */
function judge(button, isChosen) {
  const isRight = button.dataset.right === "yes";
  button.classList.toggle("right", isRight);
  button.classList.toggle("wrong", isChosen && !isRight);
  if (isRight || isChosen) button.setAttribute("aria-label", `${button.textContent}, ${isRight ? "right" : "wrong"}`);
}

next.addEventListener("click", step);

for (const button of otherwise.querySelectorAll("button")) {
  button.addEventListener("click", () => {
    sentence.textContent = show(button.textContent);
  });
}

// ---- a text for a notebook --------------------------------------------------------------------

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
