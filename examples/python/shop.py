"""A small shop that takes payments through the sidecar: PORT=8000 python3 shop.py

It holds no key, no salt and no hash. It believes the Galaxypay-* headers, because only the
sidecar can reach it: it listens on loopback, and Caddy removes such headers from outside.
"""

import html
import json
import os
import threading
import time
from decimal import Decimal, InvalidOperation
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import Request, urlopen

SIDECAR = os.environ.get("GALAXYPAY_URL", "http://localhost:9180")
DESCRIPTION = "Áo dài lụa tơ tằm – đặt bởi Nguyễn Thị Ánh Tuyết, giảm 5% ☕"
AMOUNT = 109000
CURRENCY = "VND"

# Your shop has a database here, and a transaction instead of the lock.
orders = {}
lock = threading.Lock()


def call_sidecar(operation, fields, key=""):
    """Posts plain JSON to the sidecar. Returns the answer and the payment status."""
    request = Request(
        f"{SIDECAR}/{operation}",
        json.dumps(fields).encode(),
        {"Content-Type": "application/json", "Idempotency-Key": key},
    )
    try:
        response = urlopen(request, timeout=40)  # longer than the sidecar waits for the gateway
    except HTTPError as refusal:  # an answer other than 200 has a body, too
        response = refusal
    with response:
        return json.load(response), response.headers.get("Galaxypay-Payment-Status", "")


def buy(order_id):
    """Opens a payment for an order."""
    # The order is stored before the payment exists, because the IPN may come before the answer.
    with lock:
        order = orders.setdefault(
            order_id,
            {"status": "open", "amount": AMOUNT, "currency": CURRENCY, "description": "", "handedOut": 0},
        )
    # The key belongs to the order: the same call made twice is one payment.
    answer, _ = call_sidecar("pay", {
        "apiVersion": 2,
        "orderID": order_id,
        "orderNumber": "82262889",
        "orderAmount": AMOUNT,
        "orderCurrency": CURRENCY,
        "orderDateTime": time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 7 * 3600)),  # Vietnam's time
        "orderDescription": DESCRIPTION,
        "paymentMethod": "DOMESTIC",
        "language": "vi",
    }, f"{order_id}-pay-1")
    with lock:
        order["transactionID"] = answer.get("transactionID", "")
    return answer  # with the endpoint, to which the shop sends the customer


def check(order_id):
    """Asks the gateway what became of an order. Only an IPN changes the order."""
    order = orders.get(order_id, {})
    answer, status = call_sidecar("query", {"transactionID": order.get("transactionID", "")})
    return {"status": status, "description": answer.get("orderDescription", "")}


def take_ipn(message, status):
    """Takes a proven IPN and answers it."""
    payment = message["responseData"]
    with lock:
        order = orders.get(payment["orderID"])
        if order is None:
            return {"ipnStatus": "404", "ipnDescription": "Không có đơn hàng này"}
        # Repeats change nothing, and a late failure does not undo a paid order.
        if order["status"] in ("paid", status):
            return {"ipnStatus": "409", "ipnDescription": "Đơn hàng đã xong"}
        # A proven message is authentic. It may still be about another amount.
        if status == "paid" and not is_full_payment(payment, order):
            order["status"] = "disputed"
            return {"ipnStatus": "200", "ipnDescription": "Số tiền không khớp, cần người kiểm tra"}
        order["status"] = status
        order["description"] = payment["orderDescription"]
        if status == "paid":
            order["handedOut"] += 1  # hand out the goods here, and nowhere else
        return {"ipnStatus": "200", "ipnDescription": "Đã cập nhật đơn hàng"}


def is_full_payment(payment, order):
    """Compares by value, since the gateway writes 109000, "109000" or "109000.00"."""
    try:
        amount = Decimal(str(payment.get("orderAmount")))
    except InvalidOperation:
        return False
    return amount == order["amount"] and payment.get("orderCurrency") == order["currency"]


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        self.handle_request()

    def do_POST(self):
        self.handle_request()

    def handle_request(self):
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match address.path.split("/")[1:]:
            case ["buy", order_id]:
                self.answer(buy(order_id))
            case ["orders", order_id]:
                self.answer(orders.get(order_id, {}))
            case ["check", order_id]:
                self.answer(check(order_id))
            case ["galaxypay", "ipn"]:
                self.answer(take_ipn(json.loads(body), self.headers["Galaxypay-Payment-Status"]))
            case ["galaxypay", "result"]:
                self.result_page(parse_qs(address.query).get("shop", [""])[0])
            case _:
                self.send_error(404)

    def result_page(self, shop):
        """The page for the customer who comes back. It shows what happened and changes nothing."""
        order = orders.get(unquote(self.headers.get("Galaxypay-Order-Id", "")), {})
        self.send("text/html; charset=utf-8", "<p>%s: %s %s, %s</p>" % (
            html.escape(order.get("description", "")),
            self.headers["Galaxypay-Callback"],
            self.headers["Galaxypay-Payment-Status"],
            html.escape(shop),
        ))

    def answer(self, value):
        self.send("application/json", json.dumps(value))

    def send(self, content_type, text):
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Shop)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
