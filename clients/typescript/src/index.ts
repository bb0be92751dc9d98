/** Places and steers orders of ordersaga through Temporal. */

export { batch } from "./batching.js";
export { OrderSagaClient } from "./client.js";
export type * from "./documents.js";
export {
  type FieldProblem,
  InvalidDocument,
  NotFound,
  NotPossibleNow,
  OrderConflict,
  OrderSagaError,
  ReturnConflict,
  ReturnRefused,
  RunFailed,
  SagaUnknown,
  TemporalUnavailable,
} from "./errors.js";
export { orderIdOf, updateId } from "./identity.js";
export { ParcelsClient } from "./parcels.js";
export { type By, ReturnsClient } from "./returns.js";
