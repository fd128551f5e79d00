// A mask that is painted on a picture, with the pointer or with keys.

import { el, newId } from "./dom.js";
import { base64 } from "./pictures.js";

const PAINT = "#ff4d8d";

export function maskControl(field, { changed }) {
  const canvas = el("canvas", { class: "mask", tabIndex: 0 });
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "Mask. Arrow keys move the brush, space paints, with Shift the brush paints as it moves.");
  const image = el("img", { alt: "", draggable: false });
  const ring = el("div", { class: "ring", hidden: true });
  const board = el("div", { class: "board" }, image, canvas, ring);
  const id = newId();
  const size = el("input", { type: "range", id, min: 2, max: 40, value: 12, on_input: () => showRing() });
  const erase = el("button", { type: "button", text: "Erase", on_click: () => press(!erasing) });
  const clear = el("button", { type: "button", text: "Clear", on_click: () => { wipe(); changed(); } });
  erase.setAttribute("aria-pressed", "false");
  const tools = el("div", { class: "tools" }, el("label", { htmlFor: id, text: "Brush" }), size, erase, clear);
  const empty = el("p", { class: "help" });
  const node = el("div", { class: "painter" }, empty, board, tools);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  let picture = null, erasing = false, painted = false, at = [0.5, 0.5], last = null;

  const radius = () => Math.max(1, (size.value / 200) * Math.min(canvas.width, canvas.height));
  const press = (on) => { erasing = on; erase.setAttribute("aria-pressed", String(on)); };

  function line(from, to) {
    pen.globalCompositeOperation = erasing ? "destination-out" : "source-over";
    Object.assign(pen, { lineCap: "round", lineWidth: 2 * radius(), strokeStyle: PAINT });
    pen.beginPath();
    pen.moveTo(from[0] * canvas.width, from[1] * canvas.height);
    pen.lineTo(to[0] * canvas.width, to[1] * canvas.height + 0.01); // a dot has a length too
    pen.stroke();
    painted = true;
  }
  function wipe() {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    painted = false;
  }
  function showRing(on = !ring.hidden) {
    ring.hidden = !on;
    const scale = canvas.clientWidth / canvas.width;
    ring.style.setProperty("--size", `${2 * radius() * scale}px`);
    ring.style.setProperty("--x", `${at[0] * 100}%`);
    ring.style.setProperty("--y", `${at[1] * 100}%`);
  }
  function place(event) {
    const box = canvas.getBoundingClientRect();
    at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    showRing(true);
    return at;
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    canvas.focus();
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    line(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = place(event);
    if (last) line(last, now);
    last = last && now;
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, () => { if (last) changed(); last = null; });
  }
  canvas.addEventListener("pointerleave", () => showRing(document.activeElement === canvas && !last));
  canvas.addEventListener("blur", () => showRing(false));
  canvas.addEventListener("focus", () => showRing(true));
  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const from = at;
    if (way) {
      const step = Math.max(1, radius() / 2);
      at = at.map((x, k) => Math.min(1, Math.max(0, x + (way[k] * step) / [canvas.width, canvas.height][k])));
    }
    if (way || (event.key === " " && !event.ctrlKey)) {
      event.preventDefault();
      if (!way || event.shiftKey) { line(from, at); changed(); }
      showRing(true);
    }
  });

  // The picture below, or the first frame of a film; the mask of the one before is dropped.
  function below(found, film) {
    if (picture?.url === found?.url && found) return;
    picture = found;
    const seen = Boolean(found?.width);
    empty.textContent = found ? "This browser cannot show the film, so that nothing can be painted on it." : `Choose a ${film ? "film" : "picture"} first.`;
    empty.hidden = seen;
    board.hidden = tools.hidden = !seen;
    wipe();
    if (!seen) return;
    Object.assign(canvas, { width: found.width, height: found.height });
    image.src = found.still ?? found.url;
    board.style.setProperty("--ratio", found.width / found.height);
    press(false);
  }
  async function get() {
    if (!painted) return null;
    const { width, height } = canvas;
    const pixels = pen.getImageData(0, 0, width, height);
    let any = false;
    for (let k = 0; k < pixels.data.length; k += 4) {
      const on = pixels.data[k + 3] > 127 ? 255 : 0;
      any ||= on > 0;
      pixels.data.fill(on, k, k + 3);
      pixels.data[k + 3] = 255;
    }
    const found = el("canvas", { width, height });
    found.getContext("2d").putImageData(pixels, 0, 0);
    return any ? new Promise((done) => found.toBlob(done, "image/png")) : null;
  }
  async function set(blob) {
    wipe();
    if (!blob) return;
    const bitmap = await createImageBitmap(blob);
    if (bitmap.width !== canvas.width || bitmap.height !== canvas.height) return;
    pen.globalCompositeOperation = "source-over";
    pen.drawImage(bitmap, 0, 0);
    const pixels = pen.getImageData(0, 0, canvas.width, canvas.height);
    for (let k = 0; k < pixels.data.length; k += 4) pixels.data[k + 3] = pixels.data[k];
    pen.putImageData(pixels, 0, 0);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = PAINT;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    painted = true;
  }
  board.hidden = tools.hidden = true;
  return { node, input: canvas, get, set, below, send: base64 };
}
