/** What becomes of an order's parcel: scans by the carrier, and a parcel that needs a person. */

import type { Client, WorkflowHandle } from "@temporalio/client";

import { QUEUE, sendUpdate, statusOf, untilAnswered } from "./calls.js";
import type { DeliveryStatus, Scan, UpdateAnswer } from "./documents.js";
import { invalid, missing } from "./failures.js";

const WORKFLOW = "OrderDelivery";
const STATUSES: readonly Scan["status"][] = [
  "handed_over",
  "in_transit",
  "delivered",
  "returned",
  "lost",
];

/** Reports scans; watches and steers what follows a parcel. `OrderSagaClient.parcels` is one. */
export class ParcelsClient {
  constructor(private readonly client: Client) {}

  /**
   * Report a scan by the carrier, at its time; scans may be repeated and come in any order.
   *
   * @throws InvalidDocument the status or the time is none.
   * @throws TemporalUnavailable nothing answered within a minute.
   */
  async report(orderId: string, status: Scan["status"], at: Date): Promise<void> {
    if (!STATUSES.includes(status)) {
      throw invalid("status", "literal_error", `must be one of ${STATUSES.join(", ")}`);
    }
    if (Number.isNaN(at.getTime())) throw invalid("at", "moment", "must be a time");
    const scan: Scan = { status, at: at.toISOString() };
    const problem = `nothing answered for the parcel of order ${orderId}: report it again`;
    await untilAnswered(this.client, problem, () =>
      this.client.workflow.signalWithStart(WORKFLOW, {
        workflowId: `delivery-${orderId}`,
        taskQueue: QUEUE,
        args: [],
        signal: "carrier_update",
        signalArgs: [scan],
        staticSummary: "follows the parcel",
      }),
    );
  }

  /**
   * Where the parcel is; needs a running worker.
   *
   * @throws NotFound nothing was ever reported about it, or Temporal has forgotten it.
   * @throws TemporalUnavailable nothing answered within a minute.
   */
  async status(orderId: string): Promise<DeliveryStatus> {
    return await statusOf(this.handle(orderId), missingParcel(orderId));
  }

  /**
   * Record a scan again, or keep waiting for one.
   *
   * @throws InvalidDocument actor or reason is wrong.
   * @throws NotPossibleNow nobody is asked, or the parcel is no longer followed.
   * @throws NotFound, TemporalUnavailable as `status`.
   */
  async retry(orderId: string, by: { actor: string; reason: string }): Promise<UpdateAnswer> {
    return await sendUpdate(this.handle(orderId), "retry", by, missingParcel(orderId));
  }

  /** State that a person has handled the parcel; throws as `retry`. */
  async resolve(orderId: string, by: { actor: string; note: string }): Promise<UpdateAnswer> {
    return await sendUpdate(this.handle(orderId), "resolve", by, missingParcel(orderId));
  }

  private handle(orderId: string): WorkflowHandle {
    return this.client.workflow.getHandle(`delivery-${orderId}`);
  }
}

function missingParcel(orderId: string): (error: unknown) => unknown {
  return (error) => missing(error, `parcel of order ${orderId}`);
}
