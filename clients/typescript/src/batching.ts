/** Many calls at once, but not all of them. */

import { OrderSagaError } from "./errors.js";

/**
 * Make a call for each item; the answers are in the order of the items.
 *
 * A call that is refused gives its error and stops no other; any other error ends the batch.
 *
 * @param call such as `(document) => sagas.place(document)`.
 * @param atOnce how many are under way at the same time.
 */
export async function batch<Item, Answer>(
  items: Iterable<Item>,
  call: (item: Item) => Promise<Answer>,
  atOnce = 16,
): Promise<(Answer | OrderSagaError)[]> {
  const answers: (Answer | OrderSagaError)[] = [];
  const numbered = Array.from(items).entries();
  let failed = false;
  const makeSome = async (): Promise<void> => {
    for (const [number, item] of numbered) {
      if (failed) return;
      try {
        answers[number] = await call(item);
      } catch (error) {
        failed = !(error instanceof OrderSagaError);
        if (!(error instanceof OrderSagaError)) throw error;
        answers[number] = error;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, makeSome));
  return answers;
}
