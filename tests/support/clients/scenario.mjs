// A course of calls by the TypeScript client: address and steps as JSON in, answers as JSON out.

import { createRequire } from "node:module";
import { setTimeout as pause } from "node:timers/promises";

const HOME = new URL("../../../clients/typescript/", import.meta.url);
const { Client, Connection } = createRequire(HOME)("@temporalio/client");
const { InvalidDocument, OrderConflict, OrderSagaClient, OrderSagaError, batch } = await import(
  new URL("dist/index.js", HOME)
);

const { address, steps } = JSON.parse(process.argv[2]);
const connection = await Connection.connect({ address });
const sagas = new OrderSagaClient(new Client({ connection }));

const untilStep = async (orderId, step) => {
  while ((await sagas.status(orderId)).step !== step) await pause(50);
  return step;
};

const verbs = {
  place_all: async (documents) => (await batch(documents, (each) => sagas.place(each))).map(told),
  result_all: async (ids) => (await batch(ids, (each) => sagas.result(each))).map(told),
  until: untilStep,
};

const told = (answer) => {
  if (!(answer instanceof OrderSagaError)) return answer;
  const error = { error: answer.code, message: answer.message };
  if (answer instanceof OrderConflict) error.fields = answer.fields;
  if (answer instanceof InvalidDocument) error.details = answer.details;
  return error;
};

const answerTo = async ([verb, ...args]) => {
  try {
    return told(await (verbs[verb] ?? sagas[verb].bind(sagas))(...args));
  } catch (error) {
    if (error instanceof OrderSagaError) return told(error);
    throw error;
  }
};

const answers = [];
for (const step of steps) answers.push(await answerTo(step));
console.log(JSON.stringify(answers));
await connection.close();
