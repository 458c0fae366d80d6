// Takes one payment through the sidecar. With the sidecar of Caddyfile.example running:
//
//   npm ci
//   curl -s http://localhost:9180/openapi.json -o openapi.json
//   npm run generate && npm run build
//   npm start -- DH-2001 109000
//
// sidecar.ts is the part to copy. A shop would keep the order in its database, redirect the customer's browser instead of
// printing the address, and get the IPN of the payment instead of querying again and again.
import { setTimeout as sleep } from "node:timers/promises";
import { CallFailed, Sidecar, type OpenPayment, type Order } from "./sidecar.js";

const sidecar = new Sidecar(process.env["GALAXYPAY_URL"] ?? "http://localhost:9180");

const [id = `DH-${Date.now()}`, amount = "109000"] = process.argv.slice(2);
const order: Order = { id, amount: Number(amount), description: "Cà phê sữa đá", createdAt: new Date() };

const payment = await open(order);
process.exitCode = payment && (await follow(order, payment)) ? 0 : 1;

/** Opens a payment, or says what the shop does instead. Every failure is decided here, by its outcome alone. */
async function open(order: Order): Promise<OpenPayment | undefined> {
  try {
    const payment = await sidecar.pay(order, 1);
    console.log(`Send the customer to ${payment.endpoint}`);
    return payment;
  } catch (error) {
    if (!(error instanceof CallFailed)) {
      throw error;
    }
    const { outcome, errors } = error.problem;
    switch (outcome) {
      case "not_sent": // correct it and try again
        console.log(`Not sent. ${error.message}`);
        errors?.forEach(({ field, detail }) => console.log(`  ${field}: ${detail}`));
        return undefined;
      case "rejected": // a clear no; another attempt is the customer's choice
        console.log(`Rejected. ${error.message}`);
        return undefined;
      case "unknown": // keep the order open: wait for the IPN, or make the same attempt once more; never pay under a new id
        console.log(`Unknown. ${error.message}`);
        return undefined;
      default:
        return outcome satisfies never; // the compiler finds an outcome without a case
    }
  }
}

/** Asks until the payment is settled, and reports whether the goods may go out. */
async function follow(order: Order, { transactionID }: OpenPayment): Promise<boolean> {
  for (let asked = 0; asked < 60; asked++) {
    try {
      const { status, amount, currency } = await sidecar.query(transactionID);
      if (status !== "pending") {
        console.log(`Order ${order.id}: ${status}, ${amount} ${currency}`);
        // Proven is not the same as complete.
        return status === "paid" && amount === order.amount && currency === "VND";
      }
    } catch (error) {
      if (!(error instanceof CallFailed)) {
        throw error;
      }
      console.log(`Asking failed, which says nothing of the payment. ${error.message}`);
    }
    await sleep(1000);
  }
  console.log(`Order ${order.id}: not settled yet`);
  return false;
}
