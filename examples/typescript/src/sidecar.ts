// A client of the sidecar, typed by the sidecar's own description of itself.
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi.js";

export type Problem = components["schemas"]["Problem"];
export type PaymentStatus = NonNullable<
  paths["/query"]["post"]["responses"][200]["headers"]["Galaxypay-Payment-Status"]
>;

export interface Order {
  id: string;
  /** In dong. */
  amount: number;
  description: string;
  createdAt: Date;
}

/** Where to send the customer, and what to ask about afterwards. */
export interface OpenPayment {
  transactionID: string;
  endpoint: string;
}

/** The state of a payment, and what it is about. */
export interface Standing {
  status: PaymentStatus;
  amount: number;
  currency: string;
}

/** Why a call gave no answer to go by. Its outcome says what may be done next. */
export class CallFailed extends Error {
  constructor(readonly problem: Pick<Problem, "code" | "outcome" | "detail" | "errors">) {
    super(`${problem.code}: ${problem.detail}`);
  }
}

// A little longer than the sidecar's own timeout, so that the sidecar answers first.
const patience = 35_000;

export class Sidecar {
  readonly #client;

  constructor(baseUrl: string) {
    this.#client = createClient<paths>({ baseUrl });
  }

  /**
   * Opens a payment of the order. The attempt makes the Idempotency-Key: keep its number while an attempt is unclear,
   * so that sending it again cannot make a second payment of it; count up when the customer really starts another payment.
   */
  async pay(order: Order, attempt: number): Promise<OpenPayment> {
    const { data } = await answered(
      this.#client.POST("/pay", {
        params: { header: { "Idempotency-Key": `${order.id}-pay-${attempt}`, "Accept-Language": "vi" } },
        body: {
          orderID: order.id,
          orderAmount: order.amount,
          orderCurrency: "VND",
          orderDateTime: vietnamTime(order.createdAt),
          orderDescription: order.description,
          paymentMethod: "DOMESTIC",
        },
        signal: AbortSignal.timeout(patience),
      }),
    );
    if (data.transactionID === undefined || data.endpoint === undefined) {
      throw unclear("the answer names no payment page");
    }
    return { transactionID: String(data.transactionID), endpoint: data.endpoint };
  }

  /** Queries the state of a payment. */
  async query(transactionID: string): Promise<Standing> {
    const { data, response } = await answered(
      this.#client.POST("/query", { body: { transactionID }, signal: AbortSignal.timeout(patience) }),
    );
    const status = response.headers.get("Galaxypay-Payment-Status") as PaymentStatus | null;
    return { status: status ?? "pending", amount: Number(data.orderAmount), currency: String(data.orderCurrency) };
  }
}

/** Returns the answer of a call that succeeded, and throws CallFailed for any other. */
async function answered<Data>(
  call: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<{ data: Data; response: Response }> {
  let result;
  try {
    result = await call;
  } catch (error) {
    throw unclear(`no answer of the sidecar's: ${error}`);
  }
  const { data, error, response } = result;
  if (data !== undefined) {
    return { data, response };
  }
  // Not every error on the way is the sidecar's, and only its own problems have an outcome.
  throw response.headers.get("Content-Type") === "application/problem+json"
    ? new CallFailed(error as Problem)
    : unclear(`HTTP ${response.status}`);
}

/** Unless an answer says that nothing was sent, it may have been sent. */
function unclear(detail: string): CallFailed {
  return new CallFailed({ code: "unclear", outcome: "unknown", detail });
}

/** yyyyMMddHHmmss, as the gateway wants it. */
function vietnamTime(time: Date): string {
  const hoursAhead = 7;
  return new Date(time.getTime() + hoursAhead * 3_600_000).toISOString().replace(/\D/g, "").slice(0, 14);
}
