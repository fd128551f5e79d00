// The page: a model, a task, its fields, a run, and what was made before.

import { Refused, call, describe, key } from "./api.js";
import { controlOf } from "./controls.js";
import { byId, el, plain, title } from "./dom.js";
import { asStill, fileIn, fromBase64, pictureOf, shown, stillOf } from "./pictures.js";
import { show } from "./results.js";

const KEPT = 40; // runs
const wide = matchMedia("(min-width: 900px)");
const state = { models: [], elsewhere: [], limits: null, model: null, endpoint: null, controls: [], filled: new Map(), filling: null, runs: [], running: null };
const takesPicture = (field) => field.control === "picture";
const brings = (field) => takesPicture(field) || field.control === "film";
const picture = () => state.controls.find(({ field }) => brings(field)); // or film
const film = () => picture()?.field.control === "film";
const mask = () => state.controls.find(({ field }) => field.control === "mask");

// === What there is ===

async function begin() {
  try {
    const { models, elsewhere, limits } = await describe();
    const every = models.map((one) => ({ ...one, endpoints: one.endpoints.filter((task) => task.by_hand) }));
    state.models = every.filter((one) => one.endpoints.length);
    state.elsewhere = [...elsewhere, ...every.filter((one) => !one.endpoints.length).map((one) => one.name)];
    state.limits = limits;
  } catch (error) {
    if (error.status === 401) return locked(key.get() ? error.message : "");
    return trouble(error.message);
  }
  byId("unlock").hidden = true;
  byId("main").hidden = !state.models.length;
  byId("docs").hidden = Boolean(key.get()); // a link takes no key along
  byId("elsewhere").textContent = state.elsewhere.length ? `${state.elsewhere.join(", ")}: what they take has no form here (see the API).` : "";
  if (!state.models.length) return;
  const groups = Map.groupBy ? Map.groupBy(state.models, (one) => one.endpoints[0].name) : new Map([["models", state.models]]);
  byId("model").replaceChildren(...[...groups].map(([name, models]) =>
    el("optgroup", { label: title(name) }, ...models.map((one) => el("option", { value: one.name, text: one.name })))));
  const [model, endpoint] = decodeURIComponent(location.hash.slice(1)).split("/");
  choose(model, endpoint);
}

function locked(message) {
  key.clear();
  byId("main").hidden = true;
  byId("unlock").hidden = false;
  byId("key-error").textContent = message;
  byId("key").focus();
}

byId("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  key.set(byId("key").value.trim());
  byId("key").value = "";
  begin();
});

// === A model and its task ===

function choose(name, task) {
  keep();
  state.model = state.models.find((one) => one.name === name) ?? state.models[0];
  state.endpoint = state.model.endpoints.find((one) => one.name === task) ?? state.model.endpoints[0];
  byId("model").value = state.model.name;
  history.replaceState(null, "", `#${encodeURIComponent(state.model.name)}/${encodeURIComponent(state.endpoint.name)}`);
  document.title = `${title(state.endpoint.name)} · ${state.model.name}`;
  const tasks = state.model.endpoints.map((one) => el("label", {},
    el("input", { type: "radio", name: "task", value: one.name, checked: one === state.endpoint, on_change: () => choose(state.model.name, one.name) }),
    el("span", { text: title(one.name) })));
  byId("tasks").replaceChildren(byId("tasks").querySelector("legend"), ...tasks);
  fields();
  trouble("");
  said("");
  const { endpoint } = state;
  const last = () => present(state.runs.find((run) => run.model === state.model.name && run.endpoint === endpoint.name) ?? null);
  last();
  state.filling?.then(() => { if (state.endpoint === endpoint) last(); }); // a picture that is filled in takes the stage
}

function fields() {
  const context = { latest: () => state.runs.find((run) => run.pictures?.[0].input)?.pictures[0].input ?? null, most: state.limits.body };
  state.controls = state.endpoint.fields.map((field) => {
    const control = controlOf(field, {
      ...context,
      changed: (found) => { control.fail(null); if (brings(field)) brought(found); },
      fail: (message) => control.fail(message),
    });
    return control;
  });
  mask()?.below(null, film());
  const boxes = (more) => state.controls.filter(({ field }) => Boolean(field.more) === more).map(({ box }) => box);
  const rest = boxes(true);
  const more = rest.length ? [el("details", {}, el("summary", { text: "More" }), ...rest)] : [];
  byId("fields").replaceChildren(...boxes(false), ...more);
  const kept = state.filled.get(`${state.model.name}/${state.endpoint.name}`);
  state.filling = kept ? fill(kept) : null;
  if (!kept && picture()) brought(picture().get());
  byId("run").replaceChildren(title(state.endpoint.name), " ", el("kbd", { text: "Ctrl ↵" }));
  place();
}

// What was filled in, so that it is there when somebody comes back to a task.
function keep() {
  if (!state.endpoint) return;
  const values = {};
  for (const { field, get } of state.controls) {
    try {
      values[field.name] = get();
    } catch {
      // what cannot be read is not kept
    }
  }
  state.filled.set(`${state.model.name}/${state.endpoint.name}`, values);
}

async function fill(values) {
  for (const control of [...state.controls].sort((a, b) => (a.field.control === "mask") - (b.field.control === "mask"))) {
    if (control.field.name in values) control.set(await values[control.field.name]);
  }
}

function brought(found) {
  mask()?.below(found, film());
  if (!state.running) said("");
  if (state.endpoint.pictures) present(found ? null : state.shown ?? null);
}

// The brush is beside the result where there is room for it, else in its field.
function place() {
  const painter = mask();
  byId("input").replaceChildren();
  if (!painter) return;
  if (wide.matches) byId("input").append(painter.node);
  else painter.box.querySelector(".head").after(painter.node);
}
wide.addEventListener("change", place);

// === What is on the stage ===

const does = {
  takes: () => state.models.some((one) => one.endpoints.some((task) => task.fields.some(takesPicture))),
  async take(made, name) {
    if (!picture() || film()) {
      const has = (one) => one.endpoints.find((task) => task.fields.some(takesPicture));
      const model = has(state.model) ? state.model : state.models.find(has);
      choose(model.name, has(model).name);
    }
    await state.filling; // what was filled in before comes back first
    picture().set({ ...made.input, name });
    picture().box.scrollIntoView({ block: "nearest" });
    said("The picture is chosen.");
  },
  fits: (shape) => state.model.endpoints.flatMap((task) =>
    task.fields.filter((field) => field.control === "numbers" && JSON.stringify(field.shape) === JSON.stringify(shape))
      .map((field) => ({ endpoint: task.name, field: field.name }))),
  async use(endpoint, field, values) {
    choose(state.model.name, endpoint);
    await state.filling;
    state.controls.find((control) => control.field.name === field).set(values);
    byId("run").focus();
  },
};

function present(run) {
  state.shown = run;
  const chosen = picture()?.get();
  if (run) return show(run, does);
  const first = picture() ? `Choose a ${film() ? "film" : "picture"}, or drop one anywhere.` : `Press ${title(state.endpoint.name)}, and what comes out is here.`;
  const unseen = chosen && !chosen.width ? "This browser cannot show the film; it may be read all the same. " : "";
  const empty = chosen && !mask()
    ? el("figure", { class: "waiting" }, unseen ? null : shown(chosen, { alt: `Chosen: ${chosen.name}`, controls: true }), el("figcaption", { class: "help", text: `${unseen}Press ${title(state.endpoint.name)}.` }))
    : mask() && chosen ? "" : el("div", { class: "empty" }, el("img", { src: "page/icon.svg", alt: "", width: 72, height: 72 }), el("p", { text: first }));
  byId("output").replaceChildren(empty);
}

function remember(run) {
  state.runs.unshift(run);
  for (const old of state.runs.splice(KEPT)) old.pictures?.forEach((one) => [one.url, one.still].forEach((url) => url && URL.revokeObjectURL(url)));
  byId("history").hidden = false;
  byId("past").replaceChildren(...state.runs.map((one) => {
    const name = `${title(one.endpoint)}, ${one.model}, ${one.at}`;
    const thumb = one.pictures ? asStill(one.pictures[0], { alt: "", class: one.pictures[0].width <= 128 ? "tiny" : "" }) : el("span", { class: "digits", text: `${one.shape.slice(1).join(" × ")}\nnumbers` });
    const many = one.pictures?.length > 1 ? el("span", { class: "many-of", text: one.pictures.length, "aria-hidden": "true" }) : null;
    return el("li", {},
      el("button", { type: "button", class: "tile", "aria-label": `Show ${name}`, on_click: () => { reuse(one, false); } }, thumb, many),
      el("button", { type: "button", class: "again", text: "↺ Settings", "aria-label": `Settings of ${name}`, on_click: () => reuse(one, true) }));
  }));
}

async function reuse(run, settings) {
  if (state.model.name !== run.model || state.endpoint.name !== run.endpoint) choose(run.model, run.endpoint);
  await state.filling;
  if (settings) {
    await fill(run.filled);
    said("The settings are filled in.");
  }
  present(run);
  byId("stage").focus({ preventScroll: wide.matches });
}

// === A run ===

const said = (text) => { byId("said").textContent = text; };
const trouble = (text) => { byId("trouble").textContent = plain(text); };

function busy(on) {
  byId("bar").hidden = byId("clock").hidden = !on;
  byId("cancel").disabled = !on;
  byId("run").disabled = on;
  byId("form").setAttribute("aria-busy", String(on));
  byId("output").classList.toggle("busy", on);
  byId("clock").textContent = "";
}

function wrong(error) {
  if (error.status === 401) return locked(error.message);
  const control = state.controls.find(({ field }) => field.name === error.field);
  said("");
  if (!control) return trouble(error.message);
  control.fail(error.message);
  control.box.closest("details")?.setAttribute("open", "");
  control.input.focus({ preventScroll: true });
  control.box.scrollIntoView({ block: "nearest" });
}

async function asked() {
  const args = {};
  for (const control of state.controls) {
    control.before?.();
    let value;
    try {
      value = await control.changed();
    } catch (error) {
      throw new Refused(error.message, 0, control.field.name);
    }
    if (value !== null) args[control.field.name] = await control.send(value);
  }
  return args;
}

async function run() {
  if (state.running || !state.model) return;
  const { model, endpoint } = state;
  const abort = (state.running = new AbortController());
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
  let share = 0;
  state.controls.forEach(({ fail }) => fail(null));
  trouble("");
  busy(true);
  said("Asking…");
  const clock = setInterval(() => { byId("clock").textContent = `${seconds()} s${share > 0 ? `, ${Math.round(100 * share)} %` : ""}`; }, 100);
  try {
    const args = await asked();
    keep();
    const filled = { ...state.filled.get(`${model.name}/${endpoint.name}`) };
    const given = endpoint.pictures && !(film() && picture().field.rows) ? picture()?.get() ?? null : null; // what comes after a film is not it, restored
    const before = given?.width ? given : null; // some films this browser cannot show
    const answer = await call(model.name, endpoint.name, args, state.limits, abort.signal, (progress) => {
      share = progress.share;
      if (byId("said").textContent !== "Making…" && progress.state !== "queued") said("Making…");
      if (progress.state === "queued") said("Waiting for its turn…");
    });
    for (const one of answer.pictures ?? []) {
      one.film = "mp4" in one;
      one.blob = fromBase64(one.png ?? one.mp4, one.film ? "video/mp4" : "image/png");
      delete one.png;
      delete one.mp4;
      one.input = one.film ? null : await pictureOf(one.blob, "The latest result");
      one.url = one.input?.url ?? URL.createObjectURL(one.blob);
      const seen = one.frames ? await stillOf(one) : {};
      if (seen.width) Object.assign(one, seen); // as it is shown: pixels may be oblong
    }
    const made = { ...answer, model: model.name, endpoint: endpoint.name, output: endpoint.output, before, filled, at: new Date().toLocaleTimeString() };
    remember(made);
    if (state.endpoint === endpoint) present(made);
    said(`Done in ${seconds()} s.${state.endpoint === endpoint ? "" : ` ${title(endpoint.name)} of ${model.name} is below.`}`);
    byId("output").scrollIntoView({ block: wide.matches ? "nearest" : "start" });
  } catch (error) {
    if (error.name === "AbortError") said("Cancelled.");
    else wrong(error instanceof Refused ? error : new Refused(`Something went wrong in this page: ${error.message}`));
  } finally {
    clearInterval(clock);
    state.running = null;
    busy(false);
  }
}

const cancel = () => state.running?.abort();

byId("form").addEventListener("submit", (event) => { event.preventDefault(); run(); });
byId("cancel").addEventListener("click", () => { cancel(); byId("run").focus(); });
byId("model").addEventListener("change", (event) => choose(event.target.value));
addEventListener("hashchange", () => choose(...decodeURIComponent(location.hash.slice(1)).split("/")));
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !byId("large").open) { event.preventDefault(); run(); }
  if (event.key === "Escape" && !byId("large").open) cancel();
});
addEventListener("paste", (event) => {
  const found = fileIn(event.clipboardData, film());
  if (found && picture()) { event.preventDefault(); picture().take(found); }
});
for (const kind of ["dragover", "drop", "dragleave"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", kind === "dragover" && Boolean(picture()));
    if (kind !== "drop" || !picture()) return;
    const boxes = state.controls.filter(({ field }) => brings(field));
    const target = boxes.find(({ box }) => box.contains(event.target)) ?? picture();
    const wanted = target.field.control;
    const found = fileIn(event.dataTransfer, wanted === "film");
    if (found) target.take(found);
    else target.fail(`Expected a ${wanted} file.`);
  });
}

begin();
