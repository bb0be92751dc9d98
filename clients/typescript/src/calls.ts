/** Calls that wait for an answer, with a limit. */

import { setTimeout as pause } from "node:timers/promises";

import type { Client, WorkflowHandle } from "@temporalio/client";

import { TemporalUnavailable } from "./errors.js";
import { isTimeout, refusal } from "./failures.js";

export const QUEUE = "orders";
/** How long a call may take; workflows answer within 30 s. */
const ANSWER_WITHIN_MS = 60_000;
const PAUSE_MS = 200;

/** Says that a call is to be made again. */
export const AGAIN = Symbol("again");

/**
 * Make a call until it answers, with a limit.
 *
 * @throws TemporalUnavailable nothing answered within a minute.
 */
export async function untilAnswered<T>(
  client: Pick<Client, "withDeadline">,
  problem: string,
  call: () => Promise<T | typeof AGAIN>,
): Promise<T> {
  const deadline = Date.now() + ANSWER_WITHIN_MS;
  while (Date.now() < deadline) {
    try {
      const answer = await client.withDeadline(deadline, call);
      if (answer !== AGAIN) return answer;
    } catch (error) {
      if (isTimeout(error)) throw new TemporalUnavailable(problem, { cause: error });
      throw error;
    }
    await pause(PAUSE_MS);
  }
  throw new TemporalUnavailable(problem);
}

/**
 * The answer to the query `status`; needs a running worker.
 *
 * @throws TemporalUnavailable nothing answered within a minute.
 */
export async function statusOf<T>(
  handle: WorkflowHandle,
  missing: (error: unknown) => unknown,
): Promise<T> {
  try {
    const problem = `nothing answered for ${handle.workflowId}: ask again`;
    return await untilAnswered(handle.client, problem, () => handle.query<T>("status"));
  } catch (error) {
    throw missing(error);
  }
}

/**
 * The answer to an update.
 *
 * @throws OrderSagaError it is refused.
 * @throws TemporalUnavailable nothing answered within a minute.
 */
export async function sendUpdate<T>(
  handle: WorkflowHandle,
  update: string,
  message: object,
  missing: (error: unknown) => unknown,
): Promise<T> {
  const advice = `${update} may be done; look at the status first`;
  const problem = `nothing answered for ${handle.workflowId}: ${advice}`;
  try {
    return await untilAnswered(handle.client, problem, () =>
      handle.executeUpdate<T, [object]>(update, { args: [message] }),
    );
  } catch (error) {
    throw missing(refusal(error));
  }
}
