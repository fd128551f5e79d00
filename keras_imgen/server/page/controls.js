// A control for each kind of field that an endpoint declares; nothing here knows a model.
// Each has node, input (where the focus goes), get() -> a value or null for nothing, set(value); send(value) where it is not sent as it is.

import { maskControl } from "./brush.js";
import { el, newId, plain, product, short, title } from "./dom.js";
import { pictureControl } from "./pictures.js";

const SLIDERS = 64; // numbers of which each has one of its own
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function read(input) {
  if (input.value === "" && !input.validity.badInput) return null;
  const value = Number(input.value);
  if (input.validity.badInput || Number.isNaN(value)) throw new Error("Expected a number.");
  return value;
}

// A number field and a slider that follow each other.
function slid(field, name, id) {
  const [from, to] = field.ends;
  const step = field.whole ? 1 : 10 ** Math.floor(Math.log10((to - from) / 50));
  const input = el("input", { type: "number", id, step: "any", min: field.low, max: field.high, inputMode: field.whole ? "numeric" : "decimal" });
  const slider = el("input", { type: "range", min: from, max: to, step, "aria-label": `${name}, slider` });
  const show = () => slider.style.setProperty("--part", `${((slider.value - from) / (to - from)) * 100}%`);
  slider.addEventListener("input", () => { input.value = short(slider.value); show(); });
  input.addEventListener("input", () => { slider.value = input.value === "" ? from : input.value; show(); });
  const set = (value) => { input.value = value === null || value === undefined ? "" : short(value); slider.value = value ?? from; show(); };
  set(null);
  return { input, slider, get: () => read(input), set };
}

function number(field, { id }) {
  const { input, slider, get, set } = slid(field, nameOf(field), id);
  input.placeholder = field.default ?? (field.required ? "" : "auto"); // what an empty one means
  set(field.default);
  return { node: slider, beside: input, input, get, set };
}

function count(field, context) {
  const control = number(field, context);
  control.set(Math.min(4, field.high));
  return { ...control, always: true };
}

function seed(field, { id }) {
  const input = el("input", { type: "number", id, step: 1, inputMode: "numeric", placeholder: field.default === undefined ? "none" : "0" });
  const fresh = el("input", { type: "checkbox" });
  const roll = () => { input.value = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1; };
  const dice = el("button", { type: "button", class: "dice", title: "Another seed", "aria-label": "Another seed", text: "⚄", on_click: roll });
  const set = (value) => { input.value = value ?? ""; fresh.checked = false; };
  set(field.default);
  const node = el("div", { class: "seed" }, input, dice, el("label", { class: "check" }, fresh, "New each time"));
  return { node, input, get: () => read(input), set, always: field.default !== undefined, before: () => { if (fresh.checked) roll(); } };
}

function numbers(field, context) {
  if (field.shape.includes(null) || product(field.shape) > SLIDERS) return list(field, context);
  const size = product(field.shape);
  const optional = !field.required;
  const every = [...Array(size).keys()].map((k) => slid(field, `${title(field.name)} ${field.names?.[k] ?? k + 1}`, newId()));
  const rows = every.map(({ input, slider }, k) =>
    el("div", { class: "row" }, el("label", { htmlFor: input.id, text: field.names?.[k] ?? k + 1 }), slider, input));
  const fill = (values) => every.forEach((one, k) => one.set(values[k]));
  const start = () => (field.default ?? Array(size).fill(null)).flat(Infinity);
  const tools = el("div", { class: "chips" },
    field.names ? null : el("button", { type: "button", class: "chip", text: "Draw at random", on_click: () => fill(drawn(field)) }),
    el("button", { type: "button", class: "chip", text: "Reset", on_click: () => fill(start()) }));
  fill(start());
  const get = () => {
    const values = every.map((one) => one.get());
    if (values.every((value) => value === null)) return null;
    if (values.includes(null)) throw new Error(optional ? "Fill in all of them, or none." : "Fill in all of them.");
    return shaped(values, field.shape);
  };
  const set = (values) => fill(values ? values.flat(Infinity) : start());
  return { node: el("div", { class: size > 8 ? "many" : "" }, ...rows, tools), input: every[0].input, group: true, get, set };
}

// More numbers than anybody would slide: as JSON.
function list(field, { id }) {
  const input = el("textarea", { id, rows: 3, spellcheck: false, class: "code" });
  const known = field.shape && !field.shape.includes(null);
  const show = (values) => { input.value = values === null || values === undefined ? "" : JSON.stringify(values); };
  const draw = el("button", { type: "button", class: "chip", text: "Draw at random", on_click: () => show(shaped(drawn(field).map(Number), field.shape)) });
  show(field.default);
  const get = () => {
    if (!input.value.trim()) return null;
    try {
      return JSON.parse(input.value);
    } catch {
      throw new Error("Expected numbers in brackets, as [[0.5, 1], [2, 3]].");
    }
  };
  return { node: el("div", {}, input, el("div", { class: "chips" }, known ? draw : null)), input, get, set: show };
}

function drawn(field) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const one = field.whole ? () => field.low + Math.floor(Math.random() * (field.high - field.low + 1)) : () => short(normal());
  return Array.from({ length: product(field.shape) }, one);
}

function shaped(flat, shape) {
  if (shape.length <= 1) return shape.length ? flat : flat[0];
  const size = flat.length / shape[0];
  return Array.from({ length: shape[0] }, (_, k) => shaped(flat.slice(k * size, (k + 1) * size), shape.slice(1)));
}

function choice(field, { id }) {
  const input = el("select", { id }, ...(field.default === undefined ? [el("option", { value: "", text: "auto" })] : []),
    ...field.choices.map((name) => el("option", { value: name, text: name })));
  const set = (value) => { input.value = value ?? ""; };
  set(field.default);
  return { node: input, input, get: () => input.value || null, set };
}

function labels(field) {
  const value = (k) => (field.names ? field.names[k] : k);
  const buttons = field.choices.map((number, k) => el("button", { type: "button", class: "label", text: field.names?.[k] ?? number, "aria-pressed": "false",
    on_click: (event) => press(event.currentTarget, event.currentTarget.getAttribute("aria-pressed") === "false") }));
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));
  const get = () => {
    const on = buttons.flatMap((button, k) => (button.getAttribute("aria-pressed") === "true" ? [value(k)] : []));
    return on.length > 1 ? on : on[0] ?? null;
  };
  const set = (given) => buttons.forEach((button, k) => press(button, [given].flat().includes(value(k))));
  return { node: el("div", { class: "labels" }, ...buttons), input: buttons[0], group: true, get, set };
}

function text(field, { id }) {
  const input = el("textarea", { id, rows: 2, autocomplete: "off" });
  const fit = () => { input.style.height = "auto"; input.style.height = `${input.scrollHeight + 2}px`; };
  const set = (value) => { input.value = value ?? ""; fit(); };
  input.addEventListener("input", fit);
  const examples = (field.choices ?? []).slice(0, 3).map((name) =>
    el("button", { type: "button", class: "chip cut", text: name, title: name, on_click: () => { set(name); input.focus(); } }));
  return { node: el("div", {}, input, el("div", { class: "chips" }, ...examples)), input, get: () => input.value.trim() || null, set };
}

function flag(field, { id }) {
  const input = el("input", { type: "checkbox", id });
  const set = (value) => { input.checked = Boolean(value); };
  return { node: null, beside: input, input, get: () => input.checked || null, set };
}

const CONTROLS = { number, count, seed, numbers, choice, labels, text, flag, picture: pictureControl, film: pictureControl, mask: maskControl, json: list };

// What a person calls a field: one picture of "images".
function nameOf(field) {
  if (field.control === "count") return "How many";
  return ["picture", "mask", "film"].includes(field.control) ? title(field.name).replace(/s$/, "") : title(field.name);
}

// The control of a field with its name, help and place for an error.
export function controlOf(field, context) {
  const id = newId();
  const control = CONTROLS[field.control](field, { ...context, id });
  const group = control.group || field.control === "mask";
  const brought = ["picture", "film"].includes(field.control);
  const name = nameOf(field);
  const help = el("p", { class: "help", id: newId(), text: field.help ?? "" });
  const error = el("p", { class: "error", id: newId(), role: "alert", hidden: true });
  const label = group || brought ? el("span", { class: "name", id: newId(), text: name }) : el("label", { class: "name", htmlFor: control.input.id, text: name });
  const head = el("div", { class: "head" }, label, control.beside ?? null);
  const node = el("div", { class: "field" }, head, control.node, field.help ? help : null, error);
  node.dataset.field = field.name;
  if (group) {
    node.setAttribute("role", "group");
    node.setAttribute("aria-labelledby", label.id);
  }
  if (brought) control.input.setAttribute("aria-labelledby", label.id);
  control.input.setAttribute("aria-describedby", [field.help ? help.id : "", error.id].join(" ").trim());
  const fail = (message) => {
    error.textContent = plain((message ?? "").replaceAll(`\`${field.name}\``, `\`${name}\``)); // as the page calls it
    error.hidden = !message;
    node.classList.toggle("wrong", Boolean(message));
    if (group) return;
    if (message) control.input.setAttribute("aria-invalid", "true");
    else control.input.removeAttribute("aria-invalid");
  };
  // What is sent: null for what is left as it is.
  const changed = async () => {
    const value = await control.get();
    return !control.always && same(value, field.default ?? null) ? null : value;
  };
  return { ...control, field, box: node, fail, changed, send: control.send ?? ((value) => value) };
}
