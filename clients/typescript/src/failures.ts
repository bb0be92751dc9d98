/** Tells what Temporal reports as the errors of this package. */

import {
  ApplicationFailure,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  isGrpcDeadlineError,
} from "@temporalio/client";
import { WorkflowNotFoundError } from "@temporalio/common";

import {
  type FieldProblem,
  InvalidDocument,
  NotFound,
  NotPossibleNow,
  OrderConflict,
  type OrderSagaError,
  ReturnConflict,
  ReturnRefused,
  RunFailed,
  SagaUnknown,
} from "./errors.js";

/** What a conflict of orders says beside its text. */
export interface ConflictDetails {
  readonly fields?: readonly string[];
  readonly confirmed?: boolean;
  readonly run_id?: string | null;
  readonly result?: unknown;
}

const KINDS: Readonly<Record<string, (cause: ApplicationFailure) => OrderSagaError>> = {
  OrderConflict: (cause) =>
    new OrderConflict(cause.message, conflictDetails(cause).fields, { cause }),
  InvalidDocument: (cause) =>
    new InvalidDocument(cause.message, (cause.details ?? []) as FieldProblem[], { cause }),
  NotPossibleNow: (cause) => new NotPossibleNow(cause.message, { cause }),
  ReturnConflict: (cause) => new ReturnConflict(cause.message, { cause }),
  ReturnRefused: (cause) => new ReturnRefused(cause.message, { cause }),
};

/** Why an update was refused; anything else is given back. */
export function refusal(error: unknown): unknown {
  if (!(error instanceof WorkflowUpdateFailedError)) return error;
  return known(error.cause) ?? new NotPossibleNow(textOf(error), { cause: error });
}

/** Why a run failed; anything else is given back. */
export function failure(error: unknown): unknown {
  if (!(error instanceof WorkflowFailedError)) return error;
  return known(error.cause) ?? new RunFailed(textOf(error), { cause: error });
}

/** What Temporal says of an order that it does not have, or whose saga has ended. */
export function missingOrder(error: unknown, orderId: string): unknown {
  return missingAs(error, SagaUnknown, `order ${orderId}`);
}

/** What Temporal says of a return or parcel that it does not have, or that has ended. */
export function missing(error: unknown, what: string): unknown {
  return missingAs(error, NotFound, what);
}

/** What a failure says of a conflict of orders; empty if it is none. */
export function conflictOf(error: unknown): ConflictDetails {
  const failed = error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError;
  return failed && error.cause instanceof ApplicationFailure && error.cause.type === "OrderConflict"
    ? conflictDetails(error.cause)
    : {};
}

/** Whether a call was given up because nothing answered in time. */
export function isTimeout(error: unknown): boolean {
  return error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isGrpcDeadlineError(error);
}

/** What Temporal says of a workflow that has ended, or ends just now, beside that it is not found. */
const ENDED = ["already completed", "aborted by closing"];

/** Whether Temporal does not have the workflow, or has only its end. */
export function isMissing(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError;
}

/** One wrong field, found before anything was sent. */
export function invalid(field: string, rule: string, message: string): InvalidDocument {
  return new InvalidDocument(`${field}: ${message}`, [{ field, rule, message }]);
}

function missingAs(
  error: unknown,
  kind: new (message: string, options?: ErrorOptions) => OrderSagaError,
  what: string,
): unknown {
  if (!(error instanceof WorkflowNotFoundError)) return error;
  if (ENDED.some((words) => error.message.includes(words))) {
    return new NotPossibleNow(`${what} has ended`, { cause: error });
  }
  return new kind(`Temporal has no ${what}`, { cause: error });
}

function known(cause: Error | undefined): OrderSagaError | undefined {
  return cause instanceof ApplicationFailure ? KINDS[cause.type ?? ""]?.(cause) : undefined;
}

function conflictDetails(cause: ApplicationFailure): ConflictDetails {
  return (cause.details?.[0] ?? {}) as ConflictDetails;
}

function textOf(error: WorkflowFailedError | WorkflowUpdateFailedError): string {
  return error.cause?.message ?? error.message;
}
