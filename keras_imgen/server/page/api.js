// The two things that this page asks the server: what there is, and an endpoint.

const KEY = "keras-imgen-key";

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  clear: () => sessionStorage.removeItem(KEY),
};

// Why something was not done, in words for a person.
export class Refused extends Error {
  constructor(message, status = 0, field = null) {
    super(message);
    Object.assign(this, { status, field });
  }
}

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (key.get()) headers.authorization = `Bearer ${key.get()}`;
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server does not answer. Is it still running?");
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Refused(said.error || `The server answered ${answer.status}.`, answer.status, said.field);
}

export const describe = async () => (await ask("api/models")).json();

// The answer of an endpoint; `progress` is called with {state, parts, share}.
export async function call(model, endpoint, args, limits, signal, progress) {
  const body = JSON.stringify({ arguments: args });
  if (body.length > limits.body) {
    throw new Refused(`This is more than the ${Math.round(limits.body / 2 ** 20)} MiB that the server takes: choose a smaller picture.`);
  }
  const path = `api/models/${encodeURIComponent(model)}/${encodeURIComponent(endpoint)}`;
  const headers = { "content-type": "application/json" };
  const answer = await ask(path, { method: "POST", headers, body, signal });
  for await (const [kind, data] of events(answer.body)) {
    if (kind === "progress") progress(data);
    else if (kind === "result") return data;
    else throw new Refused(data.error, data.status, data.field);
  }
  throw new Refused("The server ended before it had answered.");
}

// [kind, data] of server-sent events.
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let parts = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parts.push(value);
    if (!value.includes("\n")) continue; // a large picture comes in many
    const texts = parts.join("").split("\n\n");
    parts = [texts.pop()];
    for (const text of texts) {
      const [, kind, data] = text.match(/^event: (\w+)\ndata: (.*)$/s);
      yield [kind, JSON.parse(data)];
    }
  }
}
