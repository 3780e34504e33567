// Owns how the page calls the API: CSRF, problem+json, and what is tried again.

const WAITS_S = [1, 2, 4, 8, 15, 15, 15];
const TIMEOUT_MS = 20_000;

/** The server answered with an error. body: RFC 9457 problem details. retryAfterS: or null. */
export class Problem extends Error {
  constructor(status, body, retryAfterS) {
    super(body.title);
    Object.assign(this, { status, body, retryAfterS });
  }

  get name() {
    return this.body.type?.split(":").pop() ?? "";
  }
}

/** No answer came: offline, the server is down, or it took too long. */
export class Unreachable extends Error {}

/**
 * One request. Returns {status, body, etag, retryAfterS}; body is null for 204 and 304.
 * Throws Problem for any other status than 2xx and 304, Unreachable for none.
 */
export async function call(method, path, { body, key, etag } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (key) headers["Idempotency-Key"] = key;
  if (etag) headers["If-None-Match"] = etag;
  let response, text;
  try {
    response = await fetch(path, {
      method, headers, body: JSON.stringify(body), signal: AbortSignal.timeout(TIMEOUT_MS),
      // The page holds the ETag itself; the browser's cache would hide a 304 from it.
      cache: "no-store",
    });
    text = await response.text();
  } catch (error) {
    throw new Unreachable(String(error));
  }
  const retryAfterS = Number(response.headers.get("Retry-After")) || null;
  if (!response.ok && response.status !== 304) {
    throw new Problem(response.status, asJson(text) ?? bare(response), retryAfterS);
  }
  const found = response.headers.get("ETag");
  return { status: response.status, body: asJson(text), etag: found, retryAfterS };
}

/**
 * As call, but tried again for about a minute while the server cannot be reached, fails (5xx), or
 * still runs the student's last program. The same key goes out each time, so the server acts once.
 * onTrouble("offline" | "busy" | "still_running").
 */
export async function insist(method, path, options, onTrouble) {
  for (const waitS of WAITS_S) {
    try {
      return await call(method, path, options);
    } catch (error) {
      if (!passing(error)) throw error;
      onTrouble(trouble(error));
      await sleep(1000 * Math.max(waitS, error.retryAfterS ?? 0));
    }
  }
  return call(method, path, options);
}

/** Whether the same request may work later, without the student doing anything. */
export function passing(error) {
  if (error instanceof Unreachable) return true;
  return error instanceof Problem && (error.status >= 500 || error.name === "still-running");
}

export function trouble(error) {
  if (error instanceof Unreachable) return "offline";
  return error.status === 429 ? "still_running" : "busy";
}

/** A random key; crypto.randomUUID is missing on plain http, except on localhost. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function csrfToken() {
  return document.querySelector("[name=csrfmiddlewaretoken]").value;
}

function asJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function bare(response) {
  return { title: `${response.status} ${response.statusText}`, detail: "" };
}

function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
