"""Payments through the sidecar: pay, the IPN, refund. It holds no secret and signs nothing: the sidecar does."""

import json
import logging
import os
import secrets
import sqlite3
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from urllib.error import HTTPError
from urllib.parse import unquote
from urllib.request import Request, urlopen

log = logging.getLogger(__name__)
STORE = os.environ.get("SHOP_STORE", "shop.db")
SIDECAR = os.environ.get("GALAXYPAY_URL", "http://localhost:9180")
VIETNAM = timezone(timedelta(hours=7))

TABLES = """
CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, amount INTEGER, currency TEXT, description TEXT,
    status TEXT DEFAULT 'open', pay_key TEXT, transaction_id TEXT DEFAULT '', handed_out INTEGER DEFAULT 0,
    refund_key TEXT DEFAULT '', refunds_refused INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS messages (order_id TEXT, transaction_id TEXT, status TEXT,
    PRIMARY KEY (order_id, transaction_id, status));
"""


@contextmanager
def database():
    """The shop's own orders, and the messages about them that it has taken. The block is one transaction."""
    with closing(sqlite3.connect(STORE, timeout=30)) as db:
        db.row_factory = sqlite3.Row
        with db:
            yield db


def create_tables():
    with database() as db:
        db.executescript(TABLES)


def find_order(order_id):
    with database() as db:
        return db.execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()


def change(sql, *values):
    with database() as db:
        db.execute(sql, values)


def sidecar(operation, key, fields):
    """Posts plain JSON to the sidecar. Returns 'ok', 'not_sent', 'rejected' or 'unknown', and the answer."""
    fields = {**fields, "orderDateTime": datetime.now(VIETNAM).strftime("%Y%m%d%H%M%S")}
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    try:
        with urlopen(Request(f"{SIDECAR}/{operation}", json.dumps(fields).encode(), headers), timeout=35) as response:
            return "ok", json.load(response)  # the sidecar waits 30 s, so 35 is enough
    except HTTPError as refusal:
        text = refusal.read()
        log.error("%s %s: %s %s", operation, key, refusal.code, text.decode(errors="replace"))  # says what to correct
        try:
            return json.loads(text).get("outcome", "unknown"), {}
        except ValueError:
            return "unknown", {}
    except (OSError, ValueError) as error:
        log.error("%s %s: %s", operation, key, error)
        return "unknown", {}


def new_order(amount, description):
    """Makes an order, and the key of its payment with it: the key is kept before anything is sent."""
    order_id = "DH-" + secrets.token_hex(5)
    change("INSERT INTO orders (id, amount, currency, description, pay_key) VALUES (?, ?, 'VND', ?, ?)",
           order_id, amount, description, f"{order_id}-pay-1")
    return order_id


def pay(order):
    """Opens the payment of an order. Returns the payment page, or None. Repeated, it sends the same key: one payment."""
    outcome, answer = sidecar("pay", order["pay_key"], {
        "orderID": order["id"],
        "orderAmount": order["amount"],
        "orderCurrency": order["currency"],
        "orderDescription": order["description"],
        "paymentMethod": "DOMESTIC",
    })
    if outcome == "ok":
        change("UPDATE orders SET transaction_id = ? WHERE id = ? AND transaction_id = ''", answer["transactionID"], order["id"])
        return answer["endpoint"]
    if outcome == "rejected":  # the gateway's proven no: the customer may make another order
        change("UPDATE orders SET status = 'failed' WHERE id = ? AND status = 'open'", order["id"])
    return None  # unknown or not_sent: the order stays open, to be tried again under the same key


def take_ipn(headers, body):
    """Takes a proven IPN. Returns ipnStatus and ipnDescription."""
    order = find_order(unquote(headers.get("Galaxypay-Order-Id", "")))
    if order is None:
        return "404", "No such order"
    status = headers["Galaxypay-Payment-Status"]
    transaction = unquote(headers.get("Galaxypay-Transaction-Id", ""))
    data = json.loads(body)["responseData"]
    with database() as db:
        noted = db.execute("INSERT OR IGNORE INTO messages VALUES (?, ?, ?)", (order["id"], transaction, status))
        if noted.rowcount == 0:
            return "409", "Noted before"  # an IPN can come twice
        return change_order(db, order, status, transaction, data)


def change_order(db, order, status, transaction, data):
    """What an IPN does to the order: only 'paid' hands out goods, and nothing undoes it."""
    order_id = order["id"]
    if status == "disputed" or (status == "paid" and not is_full_payment(order, data)):
        log.error("%s: transaction %s has another amount than the order; a person must look at it", order_id, transaction)
        db.execute("UPDATE orders SET status = 'review' WHERE id = ? AND status IN ('open', 'failed')", (order_id,))
        return "200", "Another amount than ordered"
    if status == "paid":
        paid = db.execute("""UPDATE orders SET status = 'paid', transaction_id = ?, handed_out = handed_out + 1
            WHERE id = ? AND status IN ('open', 'failed')""", (transaction, order_id))  # hand out the goods here
        if paid.rowcount == 1:
            return "200", "Paid"
        log.error("%s: paid again, by transaction %s; a person must look at it", order_id, transaction)
        return "409", "Paid before"
    if status in ("cancelled", "expired", "failed"):
        db.execute("UPDATE orders SET status = 'failed' WHERE id = ? AND status = 'open'", (order_id,))
    return "200", "Noted"


def is_full_payment(order, data):
    """Compares by value: the gateway writes 109000, "109000" or "109000.00"."""
    try:
        return Decimal(str(data.get("orderAmount"))) == order["amount"] and data.get("orderCurrency") == order["currency"]
    except InvalidOperation:
        return False


def refund(order_id):
    """Gives the money of a paid order back. Repeated after 'unknown', it sends the same key: one refund."""
    change("""UPDATE orders SET status = 'refunding', refund_key = id || '-refund-' || (refunds_refused + 1)
        WHERE id = ? AND status = 'paid'""", order_id)  # kept before anything is sent
    order = find_order(order_id)
    if order is None or order["status"] != "refunding":
        return
    outcome, _ = sidecar("refund", order["refund_key"], {
        "orderID": order_id,
        "transactionID": order["transaction_id"],
        "orderAmount": order["amount"],
        "orderCurrency": order["currency"],
        "orderDescription": "Refund",
    })
    if outcome == "ok":
        change("UPDATE orders SET status = 'refunded' WHERE id = ?", order_id)
    elif outcome == "rejected":  # the gateway's proven no: another try is another key
        change("""UPDATE orders SET status = 'paid', refunds_refused = refunds_refused + 1
            WHERE id = ? AND status = 'refunding' AND refund_key = ?""", order_id, order["refund_key"])
