/**
 * The documents that are sent and the answers that are read.
 *
 * Written by `make docs` from the JSON Schemas.
 */

/** Where the parcel goes. Personal data. */
export interface Address {
  readonly name: string;
  readonly line1: string;
  readonly line2?: string;
  readonly city: string;
  readonly region?: string;
  /** may be omitted where addresses have none */
  readonly postal_code?: string;
  /** ISO 3166 alpha-2 code, such as GB */
  readonly country: string;
}

/** An amount added to the sum of the line or the order; negative: taken off. */
export interface Adjustment {
  readonly kind: "discount" | "tax" | "gift_card";
  /** signed, in minor units; a discount and a gift card are not above 0 */
  readonly amount_minor: number;
  /** true: it only informs, because the prices contain it, as they do VAT; it changes no sum */
  readonly included?: boolean;
  readonly description?: string;
}

/** Cancel the order once a provider has failed for this long. */
export interface CancelAfter {
  /** seconds, or an ISO 8601 duration such as PT30M; up to 90 days */
  readonly cancel_after: number | string;
}

/** A payment that the shop has authorised or captured at checkout. */
export interface Confirmed {
  /** the payment provider's id of it, such as pi_... */
  readonly reference: string;
}

/** How the customer is reached. Personal data. */
export interface Customer {
  readonly email: string;
}

/** A number of pieces of goods, or a service, at one price. */
export interface Line {
  /** names the line in amendments and returns; default: its number, from 1 */
  readonly line_id?: string | null;
  /** goods take stock and are shipped; all others are services and are not: shipping, tip, gift_wrap, digital, service */
  readonly kind?: "goods" | "shipping" | "tip" | "gift_wrap" | "digital" | "service";
  /** goods need it; of a service it only informs */
  readonly sku?: string | null;
  readonly description: string;
  /** pieces */
  readonly quantity: number;
  /** price of one piece in minor units, such as pence; 0: free */
  readonly unit_price_minor: number;
  /** of this line; together with them it costs at least 0 */
  readonly adjustments?: readonly Adjustment[];
}

/** What to do if the payment is declined. */
export interface OnDecline {
  /** cancel: cancel the order at once; ask: keep its stock, and wait for another payment, which comes by the update pay */
  readonly policy?: "cancel" | "ask";
  /** how long payments can come after the first decline; then the order is cancelled */
  readonly deadline_hours?: number;
}

/** How the order is paid. */
export interface Payment {
  /** the payment provider's token for the customer's payment method */
  readonly token?: string | null;
  /** a payment that the shop has authorised or captured at checkout; it is checked, and captured, but never confirmed */
  readonly confirmed?: Confirmed | null;
  /** automatic: capture the money at once; on_shipment: authorise it, and capture it when the label is bought */
  readonly capture?: "automatic" | "on_shipment";
  /** omitted: the order is cancelled at once */
  readonly on_decline?: OnDecline;
}

/** What to do when items are unavailable. */
export interface Unavailable {
  /** cancel: cancel the order at once; ship_available: ship the items that are available; wait: queue for the missing items; ask: queue for them, and ask the customer */
  readonly policy?: "cancel" | "ship_available" | "wait" | "ask";
  /** how long the order waits for stock or for the customer's choice */
  readonly deadline_hours?: number;
  /** what to do after the deadline */
  readonly default?: "cancel" | "ship_available";
}

/** An order to fulfil. */
export interface OrderDocument {
  /** version of this form; default: 1 */
  readonly schema_version?: 1;
  /** the workflow id of the saga is order-<order_id>; omitted: ref- and the first 40 hexadecimal digits of the SHA-256 of the reference (UTF-8) */
  readonly order_id?: string | null;
  /** the shop's own number of the order, any text */
  readonly reference?: string | null;
  /** null or omitted for a guest */
  readonly customer_id?: string | null;
  readonly customer?: Customer | null;
  /** ISO 4217 code, such as GBP */
  readonly currency: string;
  /** when the order was placed, with UTC offset, from 2000 to 2100; default: now */
  readonly placed_at?: string | null;
  readonly lines: readonly Line[];
  /** of the whole order; spread over its lines in proportion to their sums */
  readonly adjustments?: readonly Adjustment[];
  /** what the shop thinks is to be paid: all lines and adjustments; the order is refused if that makes another sum */
  readonly total_minor?: number | null;
  /** may be omitted if no line is goods */
  readonly address?: Address | null;
  /** may be omitted if nothing is to be paid */
  readonly payment?: Payment | null;
  /** omitted: the order is cancelled immediately */
  readonly unavailable?: Unavailable;
  /** what to do if a provider fails for long; wait: wait for it, however long; omitted: what the installation's setting says, which by default is to wait */
  readonly on_outage?: "wait" | CancelAfter | null;
  /** what to do if the parcel has left before the order is undone; ask: a person decides; ship_and_collect: ship it and collect the money; omitted: what the installation's setting says, which by default is to ask */
  readonly if_parcel_left?: "ask" | "ship_and_collect" | null;
  /** the shop's own notes, kept as they are; no personal data */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** An amount in the order's currency. */
export interface Amount {
  /** minor units, such as pence */
  readonly amount_minor: number;
}

/** A number of pieces of one line of the order. */
export interface Pieces {
  readonly line_id: string;
  /** pieces */
  readonly quantity: number;
}

/** A return: goods or money of a completed order go back. */
export interface ReturnDocument {
  readonly order_id: string;
  /** the workflow id is return-<order_id>-<return_id> */
  readonly return_id: string;
  readonly kind?: "customer" | "lost" | "returned_to_sender";
  /** what comes back; "all": everything that is not in another return, services included */
  readonly lines: "all" | readonly Pieces[];
  /** full: what was paid for the lines, which is their share of the total; omitted: decided later */
  readonly refund?: "full" | "none" | Amount | null;
  /** what goes back into stock; all: all goods that came back; omitted: decided later */
  readonly restock?: "all" | "none" | readonly Pieces[] | null;
  readonly actor: string;
  readonly reason: string;
}

/** `carrier_update`: a scan of the parcel, at the carrier's time. */
export interface Scan {
  readonly status: "handed_over" | "in_transit" | "delivered" | "returned" | "lost";
  readonly at: string;
}

/** The order is placed. */
export interface Placed {
  readonly order_id: string;
  /** by this call; false: the same order was there before */
  readonly created: boolean;
  /** the event store has not answered yet: the order may conflict */
  readonly pending?: true;
}

/** Whether a document describes the order of a saga. */
export interface SameOrder {
  readonly order_id: string;
  /** null: the saga cannot tell */
  readonly same: boolean | null;
  /** what differs */
  readonly fields: readonly string[];
}

/** How an order ended: completed, or cancelled with everything undone. */
export interface OrderResult {
  readonly order_id: string;
  readonly outcome: "completed" | "cancelled";
  /** why it was cancelled; null: it was completed */
  readonly reason: "out_of_stock" | "payment_declined" | "address_refused" | "not_fulfillable" | "provider_outage" | "reservation_expired" | "customer_request" | "operator_request" | null;
  /** the reason in words; may be empty */
  readonly detail: string;
  /** the payment provider's; null: nothing was paid */
  readonly payment_reference: string | null;
  /** the carrier's; null: nothing was shipped */
  readonly tracking_number: string | null;
}

/** An item of which too little is in stock. */
export interface MissingItem {
  readonly sku: string;
  /** pieces */
  readonly ordered: number;
  /** pieces of them that are not in stock */
  readonly missing: number;
}

/** The order id belongs to another order. */
export interface ConflictingOrder {
  /** what differs */
  readonly fields: readonly string[];
  /** the run that took the other order on */
  readonly run_id: string | null;
}

/** What an activity waits for. */
export interface Wait {
  readonly activity: string;
  /** whose trouble keeps it from its end, such as provider */
  readonly trouble: string;
  /** since when, in UTC */
  readonly since: string;
  /** the last failure */
  readonly failure: string;
  /** what will happen */
  readonly plan: string;
}

/** Where the saga of an order stands and what it waits for. */
export interface OrderStatus {
  /** the order is being undone */
  readonly turning_back: boolean;
  /** why, in words */
  readonly reason: string | null;
  /** what is still to be undone */
  readonly compensations: readonly ("release_inventory" | "undo_payment" | "cancel_shipment")[];
  /** what was undone, by compensation */
  readonly undone: Readonly<Record<string, string>>;
  readonly missing: readonly MissingItem[];
  /** until when an answer or a payment is awaited; null: none is */
  readonly answer_by: string | null;
  /** what `choose` takes now */
  readonly choices: readonly ("ship_available" | "wait" | "cancel")[];
  /** the total after amendments, in minor units */
  readonly amended_total_minor: number | null;
  /** null: the document is not accepted */
  readonly order_id: string | null;
  readonly placed_at: string | null;
  /** a step, a compensation, or a state such as on_hold */
  readonly step: string;
  /** completes the sentence: it waits for ... */
  readonly waits_for: string;
  readonly waiting: readonly Wait[];
  /** seconds of an outage after which the order is undone */
  readonly cancel_after_s: number | null;
  /** who put it on hold */
  readonly held_by: string | null;
  readonly hold_reason: string | null;
  readonly can_cancel: boolean;
  /** what to do if the parcel has left before the order is undone */
  readonly if_parcel_left: "ask" | "ship_and_collect" | "lost" | "coming_back";
  /** a person must act */
  readonly needs_attention: boolean;
  /** what a person must do */
  readonly attention: string | null;
  /** how many, by name */
  readonly ignored_signals: Readonly<Record<string, number>>;
  /** what `resolve` must say of goods that have left; empty: nothing */
  readonly goods: readonly string[];
  /** why the payment was declined; null: no other one is awaited */
  readonly declined: string | null;
  /** null: the order has not ended */
  readonly outcome: "completed" | "cancelled" | null;
  /** null: the order id is this run's */
  readonly conflict: ConflictingOrder | null;
  /** the updates that would be accepted now */
  readonly actions: readonly string[];
}

/** The update was accepted. */
export interface UpdateAnswer {
  readonly accepted: true;
  /** noted, and done later; whether that succeeds is not certain yet */
  readonly pending?: true;
}

/** Where a parcel is and what is waited for. */
export interface DeliveryStatus {
  readonly order_id: string;
  /** null: there is no parcel */
  readonly status: string | null;
  readonly step: string;
  /** completes the sentence: it waits for ... */
  readonly waits_for: string;
  /** a person must act */
  readonly needs_attention: boolean;
  /** what a person must do */
  readonly attention: string | null;
  readonly unrecorded_scans: number;
  /** how many, by name */
  readonly ignored_signals: Readonly<Record<string, number>>;
}

/** Pieces of a line of the order. */
export interface ListedPieces {
  readonly line_id: string;
  readonly quantity: number;
}

/** Where a return stands and what it waits for. */
export interface ReturnStatus {
  /** what came back */
  readonly lines: readonly ListedPieces[];
  /** granted, in minor units; 0: denied; null: not decided */
  readonly refund_minor: number | null;
  readonly currency: string | null;
  /** a gift card's part, which the shop gives back itself */
  readonly gift_card_minor: number | null;
  /** the payment provider's, once the refund was made */
  readonly refund_reference: string | null;
  /** what goes back into stock; null: not decided */
  readonly restock: readonly ListedPieces[] | null;
  /** whether it is back in stock */
  readonly restocked: boolean;
  /** null: the document is not accepted */
  readonly order_id: string | null;
  readonly return_id: string | null;
  /** a fingerprint of the return's content */
  readonly content_digest: string | null;
  /** it is recorded */
  readonly opened: boolean;
  readonly step: string;
  /** completes the sentence: it waits for ... */
  readonly waits_for: string;
  /** a person must act */
  readonly needs_attention: boolean;
  /** what a person must do */
  readonly attention: string | null;
  /** the decisions to be made: refund, restock */
  readonly undecided: readonly string[];
}

/** How a return ended. */
export interface ReturnResult {
  /** what came back */
  readonly lines: readonly ListedPieces[];
  /** granted, in minor units; 0: denied; null: not decided */
  readonly refund_minor: number | null;
  readonly currency: string | null;
  /** a gift card's part, which the shop gives back itself */
  readonly gift_card_minor: number | null;
  /** the payment provider's, once the refund was made */
  readonly refund_reference: string | null;
  /** what goes back into stock; null: not decided */
  readonly restock: readonly ListedPieces[] | null;
  /** whether it is back in stock */
  readonly restocked: boolean;
  readonly order_id: string;
  readonly return_id: string;
  readonly kind: "customer" | "lost" | "returned_to_sender";
  /** nothing_to_return: all is in other returns */
  readonly outcome: "closed" | "nothing_to_return";
}

/** The decision about a refund was accepted. */
export interface RefundAnswer {
  readonly accepted: true;
  /** noted, and done later; whether that succeeds is not certain yet */
  readonly pending?: true;
  /** what is refunded, in minor units; absent if pending */
  readonly amount_minor?: number;
}
