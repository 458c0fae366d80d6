"""A tiny shop: python3 shop.py

SIDECAR is where the sidecar takes calls. There is no key, no salt and no hash in here,
and every message that comes in is proven.
"""

import html
import http.client
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

DESCRIPTION = "Áo dài lụa tơ tằm – đặt bởi Nguyễn Thị Ánh Tuyết, giảm 5% ☕"

orders = {}


def call_sidecar(operation, fields):
    """Posts plain JSON to the sidecar."""
    connection = http.client.HTTPConnection(urlsplit(os.environ["SIDECAR"]).netloc, timeout=20)
    try:
        connection.request("POST", "/" + operation, json.dumps(fields), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return json.load(answer), answer.getheader("Galaxypay-Payment-Status", "")
    finally:
        connection.close()


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        self.handle_request()

    def do_POST(self):
        self.handle_request()

    def handle_request(self):
        address = urlsplit(self.path)
        _, page, *rest = address.path.split("/")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if page == "buy":
            self.reply(buy(rest[0]))
        elif page == "orders":
            self.reply(orders.get(rest[0], {}))
        elif page == "check":
            answer, status = call_sidecar("query", {"transactionID": orders[rest[0]]["transactionID"]})
            self.reply({"status": status, "description": answer.get("orderDescription", "")})
        elif address.path == "/galaxypay/ipn":
            self.reply(take_ipn(json.loads(body), self.headers["Galaxypay-Payment-Status"]))
        elif address.path == "/galaxypay/result":
            paid = json.loads(body)["responseData"]
            self.send("text/html; charset=utf-8", "<p>%s: %s %s, %s</p>" % (
                html.escape(paid["orderDescription"]),
                self.headers["Galaxypay-Callback"],
                self.headers["Galaxypay-Payment-Status"],
                html.escape(parse_qs(address.query).get("shop", [""])[0]),
            ))
        else:
            self.send_error(404)

    def reply(self, value):
        self.send("application/json", json.dumps(value))

    def send(self, content_type, text):
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def buy(order_id):
    answer, _ = call_sidecar("pay", {
        "apiVersion": 2,
        "orderID": order_id,
        "orderNumber": "82262889",
        "orderAmount": 109000,
        "orderCurrency": "VND",
        "orderDateTime": time.strftime("%Y%m%d%H%M%S"),
        "orderDescription": DESCRIPTION,
        "paymentMethod": "DOMESTIC",
        "language": "vi",
    })
    if "transactionID" in answer:
        orders[order_id] = {"status": "open", "transactionID": answer["transactionID"]}
    return answer


def take_ipn(message, status):
    paid = message["responseData"]
    order = orders.get(paid["orderID"])
    if order is None:
        return {"ipnStatus": "404", "ipnDescription": "Không có đơn hàng này"}
    if order["status"] != "open":
        return {"ipnStatus": "409", "ipnDescription": "Đơn hàng đã xong"}
    order["status"] = status
    order["description"] = paid["orderDescription"]
    return {"ipnStatus": "200", "ipnDescription": "Đã cập nhật đơn hàng"}


server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
print("http://127.0.0.1:%d" % server.server_port, flush=True)
server.serve_forever()
