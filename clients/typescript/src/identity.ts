/** The ids that are made of an order. */

import { createHash } from "node:crypto";

import { invalid } from "./failures.js";

const DIGITS_OF_REFERENCE = 40;
/** What the saga takes for blank, which is not what `trim` takes for it. */
const BLANK = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const AROUND = new RegExp(`^${BLANK}|${BLANK}$`, "g");

/**
 * The order's id: the given one, or the one that is made of the shop's reference.
 *
 * @throws InvalidDocument there is neither.
 */
export function orderIdOf(document: {
  readonly order_id?: unknown;
  readonly reference?: unknown;
}): string {
  if (typeof document.order_id === "string") return document.order_id;
  if (typeof document.reference === "string") {
    const digest = sha256(document.reference.replace(AROUND, ""));
    return `ref-${digest.slice(0, DIGITS_OF_REFERENCE)}`;
  }
  const problem = "is missing: give it, or a reference that it is made from";
  throw invalid("order_id", "missing", problem);
}

/** The id of the order's workflow. */
export function workflowId(orderId: string): string {
  return `order-${orderId}`;
}

/**
 * Made of the content: the first answer is repeated to nobody who sends something else.
 *
 * It is the same for every client that sends the same document.
 *
 * @throws InvalidDocument it is no JSON.
 */
export function updateId(document: object): string {
  return `place-${sha256(canonical(plain(document)))}`;
}

function plain(document: object): unknown {
  try {
    return JSON.parse(JSON.stringify(document)) as unknown;
  } catch {
    throw invalid("document", "json_type", "must be a JSON object");
  }
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "string") return ascii(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value).sort(([one], [other]) => byCodePoints(one, other));
  return `{${fields.map(([name, each]) => `${ascii(name)}:${canonical(each)}`).join(",")}}`;
}

function ascii(text: string): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, escaped);
}

/** JavaScript compares by UTF-16 units, in which what lies above U+FFFF comes too early. */
function byCodePoints(one: string, other: string): number {
  const [ones, others] = [Array.from(one, codePoint), Array.from(other, codePoint)];
  for (const [index, point] of ones.entries()) {
    const difference = point - (others[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return ones.length - others.length;
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
