// What came out: a grid, a picture beside the one before, numbers; one picture large.

import { byId, el, save, short, title } from "./dom.js";
import { asStill, shown } from "./pictures.js";

const TINY = 128; // pixels of a side below which they are shown as they are

const words = (value) => (Array.isArray(value) ? (value.length > 8 ? `${value.length} numbers` : value.map(words).join(", ")) : typeof value === "number" ? short(value) : String(value));
const seedOf = (picture) => picture.arguments.seed;
const nameOf = (run, k) => `${run.model}-${run.endpoint}-${seedOf(run.pictures[k]) ?? k + 1}.${run.pictures[k].film ? "mp4" : "png"}`;
const altOf = (run, k) => {
  const { caption, seed, labels } = { ...run.pictures[k].arguments, caption: run.pictures[k].arguments["conditions.caption"] };
  const told = [caption, labels === undefined ? null : `label ${labels}`, seed === undefined ? null : `seed ${seed}`].filter(Boolean);
  return `${title(run.endpoint)} ${run.pictures.length > 1 ? `${k + 1} of ${run.pictures.length}` : ""}${told.length ? `: ${told.join(", ")}` : ""}`;
};

function image(picture, alt) {
  return shown(picture, { alt, class: Math.max(picture.width, picture.height) <= TINY ? "tiny" : "" });
}

// Two films as one: the other follows.
function together(one, other) {
  const follow = () => { if (Math.abs(one.currentTime - other.currentTime) > 0.05) other.currentTime = one.currentTime; };
  for (const kind of ["play", "seeked", "timeupdate"]) one.addEventListener(kind, follow);
  one.addEventListener("play", () => other.play().catch(() => {})); // it was stopped at once, or cannot be shown
  one.addEventListener("pause", () => { other.pause(); follow(); });
}

// The picture before on the left, the one after on the right of a line that can be moved.
function compared(before, picture, alt) {
  const after = image(picture, alt);
  after.classList.add("after");
  const alone = picture.film && !before.film; // of a GIF nothing could keep in step with a film
  const old = (alone ? asStill : shown)(before, { alt: "Before", class: "before" });
  if (before.film && picture.film) together(after, old);
  if (Math.max(before.width, before.height) <= TINY) old.classList.add("tiny");
  const slider = el("input", { type: "range", min: 0, max: 100, step: "any", value: 50, "aria-label": "Before and after" });
  const node = el("div", { class: "compare" }, old, after, el("span", { class: "line" }), el("span", { class: "tag", text: "Before" }), el("span", { class: "tag right", text: "After" }), slider);
  const show = () => node.style.setProperty("--cut", `${slider.value}%`);
  slider.addEventListener("input", show);
  node.style.setProperty("--ratio", picture.width / picture.height);
  node.style.setProperty("--most", `${picture.width}`);
  show();
  return node;
}

function actions(run, k, does) {
  const picture = run.pictures[k];
  const copy = !picture.film && globalThis.ClipboardItem && navigator.clipboard?.write
    ? el("button", { type: "button", text: "Copy", on_click: async (event) => {
        const button = event.currentTarget;
        try {
          await navigator.clipboard.write([new ClipboardItem({ "image/png": picture.blob })]);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Not allowed";
        }
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      } })
    : null;
  return el("div", { class: "actions" },
    el("button", { type: "button", class: "download", text: "Download", on_click: () => save(picture.blob, nameOf(run, k)) }), copy,
    picture.input && does.takes() ? el("button", { type: "button", text: "Use as picture", on_click: () => { byId("large").close(); does.take(picture, nameOf(run, k)); } }) : null);
}

export function enlarge(run, k, does) {
  const dialog = byId("large");
  const picture = run.pictures[k];
  const many = run.pictures.length;
  const move = (by) => enlarge(run, (k + by + many) % many, does);
  const view = run.before ? compared(run.before, picture, altOf(run, k)) : image(picture, altOf(run, k));
  const facts = { model: `${run.model}, version ${run.version}`, ...picture.arguments, size: `${picture.width} × ${picture.height}`, ...(picture.frames ? { frames: picture.frames } : {}) };
  const told = Object.entries(facts).filter(([, value]) => !String(value).startsWith("sha256:")).flatMap(([name, value]) => [el("dt", { text: title(name) }), el("dd", { text: words(value) })]);
  const bar = actions(run, k, does);
  playable(view, bar, picture);
  const turn = (by, text, name) => el("button", { type: "button", class: "turn", text, "aria-label": name, on_click: () => move(by) });
  dialog.replaceChildren(
    el("button", { type: "button", class: "close", text: "✕", "aria-label": "Close", on_click: () => dialog.close() }),
    el("div", { class: "view" }, view),
    el("div", { class: "side" }, many > 1 ? el("div", { class: "turns" }, turn(-1, "←", "The one before"), el("span", { text: `${k + 1} of ${many}` }), turn(1, "→", "The next one")) : null,
      el("dl", {}, ...told), bar));
  dialog.onkeydown = (event) => {
    if (event.target.type === "range" || many < 2) return;
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
  };
  silence();
  dialog.onclose = () => dialog.replaceChildren(); // a film that is not seen would be heard
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };
  if (!dialog.open) dialog.showModal();
  dialog.querySelector(".turn:last-child, .download")?.focus({ preventScroll: true });
}

const silence = () => document.querySelectorAll("video").forEach((film) => { film.muted = true; });

// What plays and stops the film of a view, if it has one, and lets it be heard, before other actions.
function playable(view, bar, { sound }) {
  const film = [...view.querySelectorAll("video"), ...(view instanceof HTMLVideoElement ? [view] : [])].at(-1);
  if (!film) return;
  const button = el("button", { type: "button", on_click: () => (film.paused ? film.play().catch(() => {}) : film.pause()) });
  const name = () => { button.textContent = film.paused ? "Play" : "Stop"; };
  for (const kind of ["play", "pause", "loadeddata"]) film.addEventListener(kind, name);
  name();
  const heard = sound ? el("button", { type: "button", text: "Sound", "aria-pressed": "false", on_click: () => {
    const on = film.muted;
    silence();
    film.muted = !on;
  } }) : null;
  film.addEventListener("volumechange", () => heard?.setAttribute("aria-pressed", String(!film.muted)));
  bar.prepend(...[button, heard].filter(Boolean));
}

function grid(run, does) {
  const tiles = run.pictures.map((picture, k) =>
    el("li", {}, el("button", { type: "button", class: "tile", "aria-label": `${altOf(run, k)}, enlarge`, on_click: () => enlarge(run, k, does) }, image(picture, ""))));
  const node = el("ol", { class: "grid" }, ...tiles);
  node.style.setProperty("--ratio", run.pictures[0].width / run.pictures[0].height);
  node.dataset.count = tiles.length > 16 ? "many" : tiles.length;
  return node;
}

function one(run, does) {
  const picture = run.pictures[0];
  const view = run.before ? compared(run.before, picture, altOf(run, 0)) : grid(run, does);
  const large = el("button", { type: "button", text: "Enlarge", on_click: () => enlarge(run, 0, does) });
  const bar = actions(run, 0, does);
  playable(view, bar, picture);
  bar.append(large);
  return el("div", { class: "single" }, view, bar);
}

function numbersOf(run, does) {
  const flat = run.numbers.flat(Infinity);
  const top = Math.max(...flat.slice(0, 256).map(Math.abs), 1e-9);
  const bars = el("div", { class: "bars", "aria-hidden": "true" }, ...flat.slice(0, 256).map((x) => {
    const bar = el("span", { class: x < 0 ? "down" : "" });
    bar.style.setProperty("--h", Math.abs(x) / top);
    return bar;
  }));
  const text = JSON.stringify(run.numbers);
  const list = el("pre", { class: "code", tabIndex: 0, "aria-label": "Numbers", text: flat.slice(0, 256).map((x) => (Number.isInteger(x) ? x : x.toFixed(3))).join("  ") + (flat.length > 256 ? "  …" : "") });
  const shape = run.shape.slice(1);
  const uses = does.fits(shape).map(({ endpoint, field }) =>
    el("button", { type: "button", class: "use", text: `Use in ${title(endpoint)}`, on_click: () => does.use(endpoint, field, run.numbers[0]) }));
  return el("div", { class: "numbers" }, el("h2", { text: `${title(run.output)}: ${shape.join(" × ") || "one"} ${flat.length === 1 ? "number" : "numbers"}` }), bars, list,
    el("div", { class: "actions" }, ...uses, el("button", { type: "button", text: "Download JSON", on_click: () => save(new Blob([text], { type: "application/json" }), `${run.model}-${run.endpoint}.json`) })));
}

export function show(run, does) {
  const notes = run.notes.map((note) => el("p", { class: "note", text: note }));
  const body = run.numbers ? numbersOf(run, does) : run.pictures.length === 1 ? one(run, does) : grid(run, does);
  byId("output").replaceChildren(...notes, body);
}
