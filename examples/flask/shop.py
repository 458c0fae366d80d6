"""A small shop with Flask: python3 shop.py. Its payments are in payment.py."""

import os
from urllib.parse import unquote

from flask import Flask, abort, make_response, redirect, render_template, request

import payment

AMOUNT = 109000
DESCRIPTION = "Cà phê sữa đá"

app = Flask(__name__)
payment.create_tables()


@app.get("/")
def home():
    return render_template("home.html", description=DESCRIPTION)


@app.post("/buy")
def buy():
    order = payment.find_order(request.form.get("order") or payment.new_order(AMOUNT, DESCRIPTION))
    if order is None:
        abort(404)
    endpoint = payment.pay(order) if order["status"] == "open" else None
    return redirect(endpoint or f"/orders/{order['id']}", 303)


@app.get("/orders/<order_id>")
def show_order(order_id, result=""):
    """The page of an order. It goes by the shop's own order; result is what the customer's browser has brought."""
    order = payment.find_order(order_id)
    if order is None:
        abort(404)
    confirming = order["status"] == "open" and result in ("paid", "pending")
    page = make_response(render_template("order.html", order=order, confirming=confirming))
    page.headers["Cache-Control"] = "no-store"
    return page


@app.get("/galaxypay/result")
def result():
    """Only a page: goods go by the IPN."""
    if "Galaxypay-Callback" not in request.headers:
        abort(403, "This did not come through galaxypay_result.")
    order_id = unquote(request.headers.get("Galaxypay-Order-Id", ""))
    return show_order(order_id, request.headers["Galaxypay-Payment-Status"])


@app.post("/galaxypay/ipn")
def ipn():
    if request.headers.get("Galaxypay-Callback") not in ("ipn", "query"):
        abort(403, "This did not come through galaxypay_ipn.")
    status, description = payment.take_ipn(request.headers, request.get_data())
    return {"ipnStatus": status, "ipnDescription": description}


@app.post("/refund")
def refund():
    """For your staff: your shop's login belongs here."""
    password = os.environ.get("STAFF_PASSWORD", "")
    if not password or request.form.get("password") != password:
        abort(403, "Only for staff. Start the shop with STAFF_PASSWORD.")
    payment.refund(request.form.get("order", ""))
    return redirect(f"/orders/{request.form.get('order', '')}", 303)


if __name__ == "__main__":
    app.run("127.0.0.1", int(os.environ.get("PORT", "8000")), threaded=True)
