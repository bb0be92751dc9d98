/** The verbs: place, status, result, and every update of an order. */

import {
  type Client,
  ServiceError,
  WorkflowFailedError,
  type WorkflowHandle,
} from "@temporalio/client";

import { sendUpdate, statusOf } from "./calls.js";
import type {
  Address,
  Confirmed,
  OrderDocument,
  OrderResult,
  OrderStatus,
  Placed,
  UpdateAnswer,
} from "./documents.js";
import { conflictOf, failure, isMissing, missingOrder } from "./failures.js";
import { workflowId } from "./identity.js";
import { ParcelsClient } from "./parcels.js";
import { place } from "./placing.js";
import { type By, ReturnsClient } from "./returns.js";

/**
 * Places, watches and steers orders.
 *
 * Every method throws the SDK's ServiceError when Temporal does not answer.
 */
export class OrderSagaClient {
  /** The client for parcels. */
  readonly parcels: ParcelsClient;
  /** The client for returns. */
  readonly returns: ReturnsClient;

  /** Use a connection that the service has already. */
  constructor(private readonly client: Client) {
    this.parcels = new ParcelsClient(client);
    this.returns = new ReturnsClient(client);
  }

  /**
   * Place an order, once: the same order again changes nothing.
   *
   * @throws InvalidDocument names every wrong field; nothing was changed.
   * @throws OrderConflict the order id belongs to another order.
   * @throws NotPossibleNow too many calls wait for the event store.
   * @throws TemporalUnavailable nothing answered within a minute; place it again.
   */
  async place(document: OrderDocument): Promise<Placed> {
    return await place(this.client, document);
  }

  /**
   * Wait until the order has ended.
   *
   * A run that another document started under the same id is left out.
   *
   * @throws SagaUnknown Temporal has no such order.
   * @throws InvalidDocument, OrderConflict the order was started without `place`, and refused.
   * @throws RunFailed the run failed or was terminated.
   */
  async result(orderId: string): Promise<OrderResult> {
    try {
      return (await this.handle(orderId).result()) as OrderResult;
    } catch (error) {
      const result = await this.ownersResult(orderId, error);
      if (result) return result;
      throw missingOrder(failure(error), orderId);
    }
  }

  /**
   * Where the order stands; needs a running worker.
   *
   * A run that another document started under the same id is left out.
   *
   * @throws SagaUnknown Temporal has no such order.
   * @throws TemporalUnavailable nothing answered within a minute.
   */
  async status(orderId: string): Promise<OrderStatus> {
    const status = await statusOf<OrderStatus>(this.handle(orderId), (error) =>
      missingOrder(error, orderId),
    );
    const owner = status.conflict?.run_id;
    if (!owner) return status;
    const known = statusOf<OrderStatus>(this.handle(orderId, owner), (error) => error);
    const owners = await unlessForgotten(known);
    return owners?.outcome === status.outcome ? owners : status; // else a later run has ended it
  }

  /**
   * Send any update with its message.
   *
   * @throws InvalidDocument the message is wrong.
   * @throws NotPossibleNow the order does not allow it now, or it has ended.
   * @throws SagaUnknown Temporal has no such order.
   * @throws TemporalUnavailable nothing answered within a minute; it may be done.
   */
  async update(orderId: string, update: string, message: object): Promise<UpdateAnswer> {
    const missing = (error: unknown) => missingOrder(error, orderId);
    return await sendUpdate(this.handle(orderId), update, message, missing);
  }

  /** Cancel the order and undo what was done; throws as `update`. */
  async cancel(
    orderId: string,
    by: By & { readonly requested_by?: "customer" | "operator" },
  ): Promise<UpdateAnswer> {
    return await this.update(orderId, "cancel", { requested_by: "customer", ...by });
  }

  /** Start no further step; throws as `update`. */
  async hold(orderId: string, by: By): Promise<UpdateAnswer> {
    return await this.update(orderId, "hold", by);
  }

  /** Go on after a hold; throws as `update`. */
  async resume(orderId: string, by: By): Promise<UpdateAnswer> {
    return await this.update(orderId, "resume", by);
  }

  /** Try again now what fails; throws as `update`. */
  async retry(orderId: string, by: By): Promise<UpdateAnswer> {
    return await this.update(orderId, "retry", by);
  }

  /** State that a person has settled what the order waits for; throws as `update`. */
  async resolve(
    orderId: string,
    by: {
      readonly actor: string;
      readonly note: string;
      readonly goods?: "ship_and_collect" | "lost" | "coming_back";
    },
  ): Promise<UpdateAnswer> {
    return await this.update(orderId, "resolve", by);
  }

  /** Deliver to another address, until the label is requested; throws as `update`. */
  async changeAddress(orderId: string, address: Address, by: By): Promise<UpdateAnswer> {
    return await this.update(orderId, "change_address", { ...by, address });
  }

  /** Remove pieces; `pieces` is what stays of each line, by its id; throws as `update`. */
  async amend(
    orderId: string,
    pieces: Readonly<Record<string, number>>,
    by: By,
  ): Promise<UpdateAnswer> {
    const lines = Object.entries(pieces).map(([line_id, quantity]) => ({ line_id, quantity }));
    return await this.update(orderId, "amend", { ...by, lines });
  }

  /** Choose what to do about unavailable items; throws as `update`. */
  async choose(
    orderId: string,
    choice: "ship_available" | "wait" | "cancel",
    by: By,
  ): Promise<UpdateAnswer> {
    return await this.update(orderId, "choose", { ...by, choice });
  }

  /**
   * Pay in another way after a decline; throws as `update`.
   *
   * `payment` is the provider's token, or a payment that was confirmed at checkout.
   */
  async pay(orderId: string, payment: string | Confirmed, by: By): Promise<UpdateAnswer> {
    const other = typeof payment === "string" ? { token: payment } : { confirmed: payment };
    return await this.update(orderId, "pay", { ...by, ...other });
  }

  private handle(orderId: string, runId?: string): WorkflowHandle {
    return this.client.workflow.getHandle(workflowId(orderId), runId);
  }

  /** The result of the order that has the id, if the latest run was refused because of it. */
  private async ownersResult(orderId: string, error: unknown): Promise<OrderResult | undefined> {
    const { result, run_id: owner } = conflictOf(error);
    if (result) return result as OrderResult;
    if (!owner) return undefined;
    return (await unlessForgotten(this.handle(orderId, owner).result())) as OrderResult | undefined;
  }
}

/** What a run answers; undefined if Temporal has forgotten it, or it is lost. */
async function unlessForgotten<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    const lost = error instanceof WorkflowFailedError || error instanceof ServiceError;
    if (lost || isMissing(error)) return undefined;
    throw error;
  }
}
