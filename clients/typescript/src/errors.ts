/** What can go wrong, as the one list of errors names it: each class has the name of its code. */

/** What is wrong with one field: its dotted path, the rule that it breaks, and what it must be. */
export interface FieldProblem {
  readonly field: string;
  readonly rule: string;
  readonly message: string;
}

/** Something is wrong with an order or a request; the text says what, without personal data. */
export class OrderSagaError extends Error {
  /** The entry in the list of errors. */
  readonly code: string = "refused";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The document or message is wrong; the text names every field. Nothing was changed. */
export class InvalidDocument extends OrderSagaError {
  override readonly code = "invalid_document";
  /** The wrong fields, at most 20. */
  readonly details: readonly FieldProblem[];

  constructor(message: string, details: readonly FieldProblem[] = [], options?: ErrorOptions) {
    super(message, options);
    this.details = details;
  }
}

/** The order id belongs to another order; nothing was changed. */
export class OrderConflict extends OrderSagaError {
  override readonly code = "order_conflict";
  /** What differs; empty: that order was never submitted. */
  readonly fields: readonly string[];

  constructor(message: string, fields: readonly string[] = [], options?: ErrorOptions) {
    super(message, options);
    this.fields = fields;
  }
}

/** The present state does not allow it, or it has ended; the text says why. */
export class NotPossibleNow extends OrderSagaError {
  override readonly code = "not_possible_now";
}

/** Temporal has no such order. */
export class SagaUnknown extends OrderSagaError {
  override readonly code = "saga_unknown";
}

/** Temporal has no such return or parcel. */
export class NotFound extends OrderSagaError {
  override readonly code = "not_found";
}

/** The return id belongs to a return with other content; nothing was changed. */
export class ReturnConflict extends OrderSagaError {
  override readonly code = "return_conflict";
}

/** What was shipped, captured or decided does not allow it; the text says why. */
export class ReturnRefused extends OrderSagaError {
  override readonly code = "return_refused";
}

/**
 * Nothing answered in time, and it may be done.
 *
 * To place an order and to open a return again does nothing twice; before anything else is sent
 * again, the status says whether it is done.
 */
export class TemporalUnavailable extends OrderSagaError {
  override readonly code = "temporal_unavailable";
}

/** The run failed, or was terminated, instead of ending; the text says why. */
export class RunFailed extends OrderSagaError {}
