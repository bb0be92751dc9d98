/**
 * Places an order, once, whatever became of its id before.
 *
 * While a saga runs under the id, it compares the documents itself. After it ended, it is asked by a
 * query. After Temporal has forgotten it, a new run asks the event store.
 */

import {
  type Client,
  QueryNotRegisteredError,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
} from "@temporalio/client";

import { AGAIN, QUEUE, untilAnswered } from "./calls.js";
import type { OrderDocument, Placed, SameOrder } from "./documents.js";
import { OrderConflict } from "./errors.js";
import { conflictOf, isMissing, refusal } from "./failures.js";
import { orderIdOf, updateId, workflowId } from "./identity.js";

const WORKFLOW = "OrderFulfillment";
const SURE_WITHIN_MS = 20_000;
const FAILED_ONLY = "ALLOW_DUPLICATE_FAILED_ONLY";
const ALWAYS = "ALLOW_DUPLICATE";
type Reuse = typeof FAILED_ONLY | typeof ALWAYS;

/** What runs under the order id does not know yet whether the id is its own; ask again. */
class Unsure {
  constructor(
    readonly reuse: Reuse,
    readonly conflict?: OrderConflict,
  ) {}
}

/** Place an order, once; see `OrderSagaClient.place`. */
export async function place(client: Client, document: OrderDocument): Promise<Placed> {
  const orderId = orderIdOf(document);
  const sureBy = Date.now() + SURE_WITHIN_MS;
  let reuse: Reuse = FAILED_ONLY;
  const problem = `nothing answered for order ${orderId}: it may be placed; place it again`;
  return await untilAnswered(client, problem, async () => {
    const answer = await placeOnce(client, orderId, document, reuse);
    if (!(answer instanceof Unsure)) return answer;
    if (answer.conflict && Date.now() > sureBy) throw answer.conflict;
    reuse = answer.reuse;
    return AGAIN;
  });
}

async function placeOnce(
  client: Client,
  orderId: string,
  document: OrderDocument,
  reuse: Reuse,
): Promise<Placed | Unsure> {
  try {
    return await updateWithStart(client, orderId, document, reuse);
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      return await askEndedRun(client, orderId, document);
    }
    if (isMissing(error)) return new Unsure(FAILED_ONLY); // the saga ended while it was asked
    const known = refusal(error);
    if (known instanceof OrderConflict && !conflictOf(error).confirmed) {
      return new Unsure(FAILED_ONLY, known);
    }
    throw known;
  }
}

async function updateWithStart(
  client: Client,
  orderId: string,
  document: OrderDocument,
  reuse: Reuse,
): Promise<Placed> {
  const startWorkflowOperation = new WithStartWorkflowOperation(WORKFLOW, {
    workflowId: workflowId(orderId),
    args: [document],
    taskQueue: QUEUE,
    workflowIdConflictPolicy: "USE_EXISTING",
    workflowIdReusePolicy: reuse,
  });
  return await client.workflow.executeUpdateWithStart("place", {
    args: [document],
    updateId: updateId(document),
    startWorkflowOperation,
  });
}

async function askEndedRun(
  client: Client,
  orderId: string,
  document: OrderDocument,
): Promise<Placed | Unsure> {
  let answer: SameOrder = { order_id: orderId, same: null, fields: [] };
  try {
    const handle = client.workflow.getHandle(workflowId(orderId));
    answer = await handle.query<SameOrder, [OrderDocument]>("same_order", document);
  } catch (error) {
    // The workflow is of another type, or of another build.
    if (!(error instanceof QueryNotRegisteredError)) throw error;
  }
  // A run that was told of a conflict cannot tell: only the event store knows.
  if (answer.same === null) return new Unsure(ALWAYS);
  if (answer.same) return { order_id: orderId, created: false };
  const fields = answer.fields;
  throw new OrderConflict(`order ${orderId} already exists: ${fields.join(", ")} differ`, fields);
}
