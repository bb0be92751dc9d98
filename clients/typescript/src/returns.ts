/** Goods or money of a completed order that go back. */

import { type Client, WithStartWorkflowOperation, type WorkflowHandle } from "@temporalio/client";

import { AGAIN, QUEUE, sendUpdate, statusOf, untilAnswered } from "./calls.js";
import type {
  Amount,
  Pieces,
  RefundAnswer,
  ReturnDocument,
  ReturnResult,
  ReturnStatus,
  UpdateAnswer,
} from "./documents.js";
import { failure, invalid, isMissing, missing, refusal } from "./failures.js";

const WORKFLOW = "OrderReturn";

/** Who does it, and why. */
export interface By {
  readonly actor: string;
  readonly reason: string;
}

/** Opens, watches and steers returns. `OrderSagaClient.returns` is one. */
export class ReturnsClient {
  constructor(private readonly client: Client) {}

  /**
   * Open a return, once: the same one again changes nothing.
   *
   * The answer is pending if the event store does not answer soon; the return is opened unless the
   * order does not allow it.
   *
   * @throws InvalidDocument names every wrong field; nothing was changed.
   * @throws ReturnConflict the return id belongs to another return.
   * @throws ReturnRefused what was shipped or returned does not allow it.
   * @throws NotPossibleNow too many calls wait for the event store.
   * @throws TemporalUnavailable nothing answered within a minute; open it again.
   */
  async open(document: ReturnDocument): Promise<UpdateAnswer> {
    const [orderId, returnId] = [idIn(document, "order_id"), idIn(document, "return_id")];
    const problem = `nothing answered for return ${returnId}: it may be open; open it again`;
    return await untilAnswered(this.client, problem, async () => {
      try {
        return await this.openOnce(workflowId(orderId, returnId), document);
      } catch (error) {
        if (isMissing(error)) return AGAIN; // the return ended while it was asked
        throw refusal(error);
      }
    });
  }

  /**
   * Where the return stands; needs a running worker.
   *
   * @throws NotFound Temporal has no such return.
   */
  async status(orderId: string, returnId: string): Promise<ReturnStatus> {
    return await statusOf(this.handle(orderId, returnId), missingReturn(returnId));
  }

  /**
   * Wait until refund and restock are decided and carried out.
   *
   * @throws NotFound Temporal has no such return.
   * @throws InvalidDocument, ReturnConflict, ReturnRefused it was refused.
   * @throws RunFailed it failed or was terminated.
   */
  async result(orderId: string, returnId: string): Promise<ReturnResult> {
    try {
      return (await this.handle(orderId, returnId).result()) as ReturnResult;
    } catch (error) {
      throw missing(failure(error), `return ${returnId}`);
    }
  }

  /**
   * Grant or deny a refund. `full`: what was paid for the pieces.
   *
   * @throws InvalidDocument the message is wrong.
   * @throws NotPossibleNow it is decided already, or the return has ended.
   * @throws ReturnRefused it exceeds what was captured and not refunded.
   * @throws NotFound Temporal has no such return.
   */
  async refund(
    orderId: string,
    returnId: string,
    refund: "full" | "none" | Amount,
    by: By,
  ): Promise<RefundAnswer> {
    return await this.update(orderId, returnId, "decide_refund", { ...by, refund });
  }

  /** Decide what goes back into stock; throws as `refund`. */
  async restock(
    orderId: string,
    returnId: string,
    restock: "all" | "none" | readonly Pieces[],
    by: By,
  ): Promise<UpdateAnswer> {
    return await this.update(orderId, returnId, "decide_restock", { ...by, restock });
  }

  /** Try a failed refund again, now; throws as `refund`. */
  async retry(orderId: string, returnId: string, by: By): Promise<UpdateAnswer> {
    return await this.update(orderId, returnId, "retry", by);
  }

  /** State that a refund was made by hand; throws as `refund`. */
  async resolve(
    orderId: string,
    returnId: string,
    by: { actor: string; note: string },
  ): Promise<UpdateAnswer> {
    return await this.update(orderId, returnId, "resolve", by);
  }

  private async openOnce(id: string, document: ReturnDocument): Promise<UpdateAnswer> {
    const startWorkflowOperation = new WithStartWorkflowOperation(WORKFLOW, {
      workflowId: id,
      args: [document],
      taskQueue: QUEUE,
      workflowIdConflictPolicy: "USE_EXISTING",
    });
    const args: [ReturnDocument] = [document];
    return await this.client.workflow.executeUpdateWithStart("open", {
      args,
      startWorkflowOperation,
    });
  }

  private async update<T>(
    orderId: string,
    returnId: string,
    update: string,
    message: object,
  ): Promise<T> {
    const handle = this.handle(orderId, returnId);
    return await sendUpdate<T>(handle, update, message, missingReturn(returnId));
  }

  private handle(orderId: string, returnId: string): WorkflowHandle {
    return this.client.workflow.getHandle(workflowId(orderId, returnId));
  }
}

function workflowId(orderId: string, returnId: string): string {
  return `return-${orderId}-${returnId}`;
}

function idIn(document: ReturnDocument, name: "order_id" | "return_id"): string {
  const id: unknown = document[name];
  if (typeof id !== "string") throw invalid(name, "missing", "is missing");
  return id;
}

function missingReturn(returnId: string): (error: unknown) => unknown {
  return (error) => missing(error, `return ${returnId}`);
}
